//! The OpenAPI description (`openapi.json`) against the code: every answer that any test gets is one that
//! it describes, and everything that it describes is there.

use std::{collections::BTreeSet, sync::LazyLock};

use ::http::Response;
use serde_json::{Value, json};
use wire::ErrorCode;

use crate::support::{Stage, by_link, event, presign_event, with_body};

static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../openapi.json")).expect("JSON"));

/// A response as the description has it, behind a `$ref` or not.
fn resolved(response: &'static Value) -> &'static Value {
    match response["$ref"].as_str() {
        Some(reference) => {
            let pointer = reference.strip_prefix('#').expect("a reference in the document");
            DESCRIPTION.pointer(pointer).expect("what is referred to")
        }
        None => response,
    }
}

/// The description of an answer to a request, if the request or else its refusal is described.
fn described(method: &str, path: &str, status: u16) -> Option<&'static Value> {
    let path = path.strip_prefix("/prod").unwrap_or(path);
    let path = path.strip_prefix("/api").unwrap_or(path);
    let responses = &DESCRIPTION["components"]["responses"];
    match (&DESCRIPTION["paths"][path], status) {
        (Value::Null, 404) => Some(&responses["NotFound"]),
        (Value::Null, _) => None,
        (operations, status) => match (&operations[method.to_lowercase()], status) {
            (Value::Null, 405) => Some(&responses["MethodNotAllowed"]),
            (operation, status) => operation["responses"].get(status.to_string()).map(resolved),
        },
    }
}

/// Checks that an answer is one that the description has for its request.
pub(crate) fn check_answer(event: &Value, response: &Response<String>) {
    let (method, path) = (&event["requestContext"]["http"]["method"], &event["rawPath"]);
    let (Some(method), Some(path)) = (method.as_str(), path.as_str()) else {
        return check_body(
            resolved(&DESCRIPTION["components"]["responses"]["BadRequest"]),
            response,
        );
    };
    let status = response.status().as_u16();
    if method == "OPTIONS" && status == 204 {
        return;
    }
    let malformed = &DESCRIPTION["components"]["responses"]["BadRequest"];
    let described = described(method, path, status).or((status == 400).then_some(malformed));
    let described = described.unwrap_or_else(|| panic!("{method} {path} {status} is not described"));
    check_body(described, response);
}

fn check_body(described: &Value, response: &Response<String>) {
    let mut schema = described["content"]["application/json"]["schema"].clone();
    schema["components"] = DESCRIPTION["components"].clone();
    let body: Value = serde_json::from_str(response.body()).expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    let errors: Vec<_> = validator
        .iter_errors(&body)
        .map(|error| error.to_string())
        .collect();
    assert_eq!(errors, [""; 0], "{body}");
}

/// Checks that a request is answered with this status, and returns `METHOD PATH STATUS`.
fn reach(stage: &Stage, event: &Value, status: u16) -> String {
    let response = stage.send(event);
    assert_eq!(response.status(), status, "{event}");
    let path = event["rawPath"].as_str().expect("a path");
    let path = path.trim_start_matches("/prod").trim_start_matches("/api");
    format!(
        "{} {path} {status}",
        event["requestContext"]["http"]["method"]
            .as_str()
            .expect("a method")
    )
}

fn signed_in_without_subject(name: &str) -> Value {
    let mut event = event(name);
    event["requestContext"]["authorizer"] = json!({"jwt": {"claims": {}}});
    event
}

/// One request for each answer that the description has.
fn reached() -> BTreeSet<String> {
    let stage = Stage::new(&[]);
    let sha256 = "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=";
    let closed = Stage::new(&[("ORIGIN_SECRET", "secret")]);
    let limited = Stage::new(&[("ALLOWED_TYPES", "image/*"), ("MAX_UPLOAD_BYTES", "1")]);
    let text = |name: &str| {
        let mut event = event(name);
        event["headers"]["content-type"] = "text/plain".into();
        event
    };
    let large = json!({"files": [{"id": "1", "name": "a", "size": 5_368_709_121_u64, "sha256": sha256}]});
    let foreign = json!({"key": "uploads/somebody/u/a", "uploadId": "u", "operations": [{"operation": "AbortMultipartUpload"}]});
    let cases = [
        reach(&stage, &event("get_health"), 200),
        reach(&closed, &event("get_health"), 403),
        reach(&closed, &event("post_uploads"), 403),
        reach(&stage, &event("get_presign"), 200),
        reach(&stage, &presign_event("key=.."), 400),
        reach(&stage, &signed_in_without_subject("get_presign"), 401),
        reach(
            &Stage::new(&[("ALLOW_PLAIN_PRESIGN", "false")]),
            &event("get_presign"),
            403,
        ),
        reach(
            &limited,
            &presign_event("key=a&contentType=image/png&contentLength=2"),
            413,
        ),
        reach(
            &limited,
            &presign_event("key=a&contentType=text/html&contentLength=1"),
            415,
        ),
        reach(&stage, &event("post_uploads"), 200),
        reach(&stage, &event("post_uploads_no_body"), 400),
        reach(&stage, &signed_in_without_subject("post_uploads"), 401),
        reach(&stage, &with_body("post_uploads", &large.to_string()), 413),
        reach(&stage, &text("post_uploads"), 415),
        reach(&stage, &event("post_sign"), 200),
        reach(&stage, &with_body("post_sign", "{}"), 400),
        reach(&stage, &signed_in_without_subject("post_sign"), 401),
        reach(&stage, &with_body("post_sign", &foreign.to_string()), 403),
        reach(&stage, &with_body("post_sign", &" ".repeat(1024 * 1024 + 1)), 413),
        reach(&stage, &text("post_sign"), 415),
        reach(&stage, &event("post_manifests"), 200),
        reach(&stage, &with_body("post_manifests", "{}"), 400),
        reach(&stage, &signed_in_without_subject("post_manifests"), 401),
        reach(&closed, &event("post_manifests"), 403),
        reach(
            &stage,
            &with_body("post_manifests", &" ".repeat(1024 * 1024 + 1)),
            413,
        ),
        reach(&stage, &text("post_manifests"), 415),
    ];
    let by_link = ["post_uploads", "post_sign", "post_manifests"].map(by_link);
    let by_link = by_link.iter().flat_map(reached_by_link);
    let without_credentials = Stage::without_credentials();
    let failures = [
        reach(&without_credentials, &event("get_presign"), 500),
        reach(&without_credentials, &event("post_uploads"), 500),
        reach(&without_credentials, &event("post_sign"), 500),
        reach(&without_credentials, &event("post_manifests"), 500),
    ];
    let cases = cases.into_iter().chain(by_link).chain(reached_of_links());
    cases.chain(failures).collect()
}

/// One request for each answer of a route that takes upload links; `event` is one that it takes.
fn reached_by_link(event: &Value) -> [String; 8] {
    let stage = Stage::with_links(&[]);
    let changed = |pointer: &str, value: &str| {
        let mut event = event.clone();
        *event.pointer_mut(pointer).expect("a field") = value.into();
        event
    };
    let mut of_the_link = event.to_string();
    for (from, to) in [
        ("anonymous", LINK_FOLDER),
        ("report.pdf", "a.jpg"),
        ("application/pdf", "image/jpeg"),
    ] {
        of_the_link = of_the_link.replace(from, to);
    }
    let of_the_link: Value = serde_json::from_str(&of_the_link).expect("JSON");
    let revoked = Stage::with_links(&[("REVOKED_LINKS", "019ab700-0000-7000-8000-000000000000")]);
    let large = " ".repeat(1024 * 1024 + 1);
    [
        reach(&stage, &of_the_link, 200),
        reach(&stage, &changed("/body", "{}"), 400),
        reach(&stage, &changed("/headers/authorization", "Bearer a.b.c"), 401),
        reach(&revoked, event, 403),
        reach(&Stage::new(&[]), event, 404),
        reach(&stage, &changed("/body", &large), 413),
        reach(&stage, &changed("/headers/content-type", "text/plain"), 415),
        reach(&Stage::without_credentials(), &of_the_link, 500),
    ]
}

/// One request for each answer of `GET /link` and `POST /links`.
fn reached_of_links() -> [String; 11] {
    let stage = Stage::with_links(&[]);
    let mut foreign = event("get_link");
    foreign["headers"]["authorization"] = "Bearer a.b.c".into();
    let revoked = Stage::with_links(&[("REVOKED_LINKS", "019ab700-0000-7000-8000-000000000000")]);
    let mut text = event("post_links");
    text["headers"]["content-type"] = "text/plain".into();
    let large = " ".repeat(1024 * 1024 + 1);
    [
        reach(&stage, &event("get_link"), 200),
        reach(&stage, &foreign, 401),
        reach(&revoked, &event("get_link"), 403),
        reach(&Stage::new(&[]), &event("get_link"), 404),
        reach(&stage, &event("post_links"), 200),
        reach(&stage, &with_body("post_links", "{}"), 400),
        reach(&stage, &signed_in_without_subject("post_links"), 401),
        reach(
            &Stage::with_links(&[("LINK_MAKERS", "")]),
            &event("post_links"),
            403,
        ),
        reach(&Stage::new(&[]), &event("post_links"), 404),
        reach(&stage, &with_body("post_links", &large), 413),
        reach(&stage, &text, 415),
    ]
}

/// The folder of the recorded link's keys, below the prefix.
const LINK_FOLDER: &str = "links/acme/019ab700-0000-7000-8000-000000000000";

#[test]
fn every_described_answer_can_be_reached() {
    let mut described = BTreeSet::new();
    for (path, operations) in DESCRIPTION["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            for status in operation["responses"].as_object().expect("responses").keys() {
                described.insert(format!("{} {path} {status}", method.to_uppercase()));
            }
        }
    }
    // API Gateway says 431 by itself, and a Lambda without settings looks at no path.
    let without_settings = ["GET /health 500", "GET /link 500", "POST /links 500"];
    described.retain(|answer| !answer.ends_with(" 431") && !without_settings.contains(&answer.as_str()));
    assert_eq!(reached(), described);
}

#[test]
fn every_path_has_the_described_methods_and_no_other() {
    for (path, operations) in DESCRIPTION["paths"].as_object().expect("paths") {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
            let mut event = event("get_health");
            event["rawPath"] = path.as_str().into();
            event["requestContext"]["http"]["method"] = method.into();
            event["requestContext"]["stage"] = "$default".into();
            let is_described = operations.get(method.to_lowercase()).is_some();
            let status = Stage::with_links(&[]).send(&event).status();
            assert_eq!(status != 405, is_described, "{method} {path} gives {status}");
        }
    }
}

#[test]
fn every_code_is_described_with_its_status() {
    let names = |codes: &Value| -> BTreeSet<String> {
        let codes = codes.as_array().expect("codes").iter();
        codes
            .map(|code| code.as_str().expect("a code").to_owned())
            .collect()
    };
    let in_code: BTreeSet<_> = ErrorCode::ALL.iter().map(ErrorCode::to_string).collect();
    assert_eq!(
        names(&DESCRIPTION["components"]["schemas"]["ErrorCode"]["enum"]),
        in_code
    );

    let response_of = |status: u16| match status {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        413 => "ContentTooLarge",
        415 => "UnsupportedMediaType",
        500 => "InternalError",
        other => panic!("{other} has no response"),
    };
    let code_schema = "content/application~1json/schema/allOf/1/properties/error/properties/code/enum";
    for status in [400, 401, 403, 404, 405, 413, 415, 500] {
        let pointer = format!("/components/responses/{}/{code_schema}", response_of(status));
        let described = names(DESCRIPTION.pointer(&pointer).expect("codes"));
        let codes = ErrorCode::ALL.iter().filter(|code| code.status() == status);
        let expected: BTreeSet<_> = codes.map(ErrorCode::to_string).collect();
        assert_eq!(described, expected, "{status}");
    }
}

#[test]
fn the_recorded_requests_are_as_described() {
    for (name, schema) in [
        ("post_uploads", "UploadsRequest"),
        ("post_uploads_signed_in", "UploadsRequest"),
        ("post_sign", "SignRequest"),
        ("post_manifests", "ManifestRequest"),
        ("post_link_uploads", "UploadsRequest"),
        ("post_links", "LinkRequest"),
    ] {
        let schema = json!({
            "$ref": format!("#/components/schemas/{schema}"),
            "components": DESCRIPTION["components"],
        });
        let body = event(name)["body"].as_str().map(serde_json::from_str::<Value>);
        let body = body.expect("a body").expect("JSON");
        let validator = jsonschema::draft202012::new(&schema).expect("a schema");
        let errors: Vec<_> = validator
            .iter_errors(&body)
            .map(|error| error.to_string())
            .collect();
        assert_eq!(errors, [""; 0], "{name}");
    }
}

#[test]
fn a_request_with_a_field_that_is_not_described_is_refused() {
    let schemas = &DESCRIPTION["components"]["schemas"];
    for name in [
        "UploadsRequest",
        "FileToUpload",
        "SignRequest",
        "UploadPart",
        "ListParts",
        "ManifestRequest",
        "LinkRequest",
    ] {
        assert_eq!(schemas[name]["additionalProperties"], false, "{name}");
    }
}
