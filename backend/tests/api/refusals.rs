//! What is wrong with a request is said by a status and a code, and nothing is signed.

use serde_json::{Value, json};

use crate::support::{self, Stage, event, presign_event, with_body};

fn check_with(stage: &Stage, event: &Value, status: u16, code: &str) {
    let response = stage.send(event);
    let body = support::json(&response);
    assert_eq!(
        (response.status().as_u16(), &body["error"]["code"]),
        (status, &code.into()),
        "{event}"
    );
    assert!(
        body["error"]["message"]
            .as_str()
            .is_some_and(|message| !message.is_empty())
    );
    assert_eq!(stage.signings(), 0, "something was signed for {event}");
    assert!(!body.to_string().contains("X-Amz-"), "{body}");
}

fn check(event: &Value, status: u16, code: &str) {
    check_with(&Stage::new(&[]), event, status, code);
}

fn check_key(query: &str) {
    check(&presign_event(query), 400, "InvalidKey");
}

#[test]
fn a_bad_key_is_refused() {
    check_key("");
    check_key("key=");
    check_key("key=..");
    check_key("key=a/../b");
    check_key("key=a%2F..%2Fb");
    check_key("key=%2e%2e/b");
    check_key("key=uploads/../b");
    check_key("key=./a");
    check_key("key=/a");
    check_key("key=%2Fa");
    check_key("key=a//b");
    check_key("key=a/");
    check_key("key=a%0Ab");
    check_key("key=a%00");
    check_key("key=a%7F");
    check_key("key=a%C2%85");
    check_key("key=a%5Cb");
    check_key("key=a.slipway-manifest.json");
    check_key("key=uploads/anonymous/a%2ESlipway-Manifest.JSON");
    check_key("key=%FF");
    check_key("key=a&key=b");
    check_key(&format!("key={}", "k".repeat(1025)));
    check_key(&format!("key={}", "k".repeat(1017)));
    check_key(&format!("key={}", "%C3%A9".repeat(510)));
}

#[test]
fn the_longest_key_with_its_prefix_is_still_signed() {
    let stage = Stage::new(&[]);
    let response = stage.send(&presign_event(&format!("key={}", "k".repeat(1016))));
    assert_eq!((response.status().as_u16(), stage.signings()), (200, 1));
}

#[test]
fn the_plain_contract_can_be_turned_off() {
    let stage = Stage::new(&[("ALLOW_PLAIN_PRESIGN", "false")]);
    check_with(&stage, &event("get_presign"), 403, "PresignDisabled");
}

fn check_limited_presign(limit: (&str, &str), declaration: &str, status: u16, code: &str) {
    let query = format!("key=a{declaration}");
    check_with(&Stage::new(&[limit]), &presign_event(&query), status, code);
}

#[test]
fn with_a_limit_plain_presign_needs_type_and_length() {
    for limit in [("ALLOWED_TYPES", "image/*"), ("MAX_UPLOAD_BYTES", "10")] {
        check_limited_presign(limit, "", 400, "InvalidType");
        check_limited_presign(limit, "&contentLength=1", 400, "InvalidType");
        check_limited_presign(limit, "&contentType=&contentLength=1", 400, "InvalidType");
        check_limited_presign(limit, "&contentType=png&contentLength=1", 400, "InvalidType");
        check_limited_presign(
            limit,
            "&contentType=image/p%0Ang&contentLength=1",
            400,
            "InvalidType",
        );
        check_limited_presign(limit, "&contentType=image/png", 400, "InvalidSize");
        check_limited_presign(limit, "&contentType=image/png&contentLength=", 400, "InvalidSize");
        check_limited_presign(
            limit,
            "&contentType=image/png&contentLength=-1",
            400,
            "InvalidSize",
        );
        check_limited_presign(
            limit,
            "&contentType=image/png&contentLength=1&contentLength=1",
            400,
            "InvalidSize",
        );
        check_limited_presign(
            limit,
            "&contentType=image/png&contentLength=5368709121",
            413,
            "FileTooLarge",
        );
    }
}

#[test]
fn plain_presign_cannot_pass_by_the_limits() {
    let only_images = ("ALLOWED_TYPES", "image/*");
    check_limited_presign(
        only_images,
        "&contentType=text/html&contentLength=1",
        415,
        "TypeNotAllowed",
    );
    let ten_bytes = ("MAX_UPLOAD_BYTES", "10");
    check_limited_presign(
        ten_bytes,
        "&contentType=text/html&contentLength=11",
        413,
        "FileTooLarge",
    );
}

#[test]
fn with_a_secret_nobody_calls_beside_the_distribution() {
    for name in [
        "get_health",
        "get_presign",
        "post_uploads",
        "post_sign",
        "post_manifests",
    ] {
        let stage = Stage::new(&[("ORIGIN_SECRET", "secret")]);
        let mut event = event(name);
        check_with(&stage, &event, 403, "Forbidden");
        event["headers"]["x-slipway-origin"] = "secret".into();
        assert_eq!(stage.send(&event).status(), 200, "{name}");
        assert!(!stage.log().contains("secret"));
    }
}

/// A good file with some fields changed; `null` takes a field away.
fn check_file(changes: Value, status: u16, code: &str) {
    let mut file = json!({"id": "1", "name": "a.txt", "size": 1, "type": "text/plain",
        "sha256": "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs="});
    for (name, value) in changes.as_object().expect("fields") {
        match value {
            Value::Null => drop(file.as_object_mut().expect("an object").remove(name)),
            _ => file[name] = value.clone(),
        }
    }
    check(
        &with_body("post_uploads", &json!({"files": [file]}).to_string()),
        status,
        code,
    );
}

#[test]
fn a_bad_file_is_refused() {
    check_file(json!({"size": -1}), 400, "InvalidSize");
    check_file(json!({"size": 1.5}), 400, "InvalidSize");
    check_file(json!({"size": "1"}), 400, "InvalidSize");
    check_file(json!({"size": 1e300}), 400, "InvalidSize");
    check_file(
        json!({"size": 18_446_744_073_709_551_615_u64}),
        413,
        "FileTooLarge",
    );
    check_file(json!({"size": 5_368_709_121_u64}), 413, "FileTooLarge");
    check_file(json!({"size": null}), 400, "InvalidRequest");
    check_file(json!({"name": ""}), 400, "InvalidName");
    check_file(json!({"name": 1}), 400, "InvalidName");
    check_file(json!({"name": "n".repeat(4097)}), 400, "InvalidName");
    check_file(json!({"name": null}), 400, "InvalidRequest");
    check_file(json!({"type": 1}), 400, "InvalidType");
    check_file(json!({"sha256": "AAAA"}), 400, "InvalidChecksum");
    check_file(json!({"sha256": 1}), 400, "InvalidChecksum");
    check_file(json!({"sha256": null}), 400, "ChecksumRequired");
    check_file(json!({"key": "chosen/by/the/client"}), 400, "InvalidRequest");
    check_file(json!({"id": null}), 400, "InvalidRequest");
    check_file(json!({"id": 1}), 400, "InvalidRequest");
}

fn check_body(name: &str, body: &str, status: u16, code: &str) {
    check(&with_body(name, body), status, code);
}

#[test]
fn a_bad_body_is_refused() {
    for name in ["post_uploads", "post_sign", "post_manifests"] {
        check_body(name, "", 400, "MissingBody");
        check_body(name, "{", 400, "InvalidJson");
        check_body(name, &"[".repeat(1000), 400, "InvalidJson");
        check_body(name, "[]", 400, "InvalidRequest");
        check_body(name, "{}", 400, "InvalidRequest");
        check_body(name, &" ".repeat(1024 * 1024 + 1), 413, "BodyTooLarge");
    }
    check_body("post_uploads", r#"{"files":{}}"#, 400, "InvalidRequest");
    check_body("post_uploads", r#"{"files":[1]}"#, 400, "InvalidRequest");
    check_body("post_uploads", r#"{"files":[]}"#, 400, "InvalidBatchSize");
    let files = vec![json!({"id": "1"}); 101];
    check_body(
        "post_uploads",
        &json!({"files": files}).to_string(),
        400,
        "InvalidBatchSize",
    );
    for batch in [
        r#""""#,
        "7",
        r#""../../x""#,
        r#""019AB718-1480-7000-8000-000000000000""#,
        r#""0e37df36-f698-11e6-8dd4-cb9ced3df976""#,
    ] {
        let body = format!(r#"{{"batch":{batch},"files":[{{"id":"1","name":"a","size":0}}]}}"#);
        check_body("post_uploads", &body, 400, "InvalidRequest");
    }
    let file = r#"{"id":"1","name":"a","size":0}"#;
    check_body(
        "post_uploads",
        &format!(r#"{{"files":[{file}],"x":1}}"#),
        400,
        "InvalidRequest",
    );
    check(&event("post_uploads_no_body"), 400, "MissingBody");
}

#[test]
fn a_body_that_is_not_declared_as_json_is_refused() {
    for content_type in [
        json!("text/plain"),
        json!("application/jsonp"),
        json!("json"),
        Value::Null,
    ] {
        let mut event = event("post_uploads");
        match content_type {
            Value::Null => drop(
                event["headers"]
                    .as_object_mut()
                    .expect("headers")
                    .remove("content-type"),
            ),
            _ => event["headers"]["content-type"] = content_type,
        }
        check(&event, 415, "UnsupportedMediaType");
    }
}

#[test]
fn a_charset_does_not_matter() {
    let mut event = event("post_uploads");
    event["headers"]["content-type"] = "Application/JSON; charset=utf-8".into();
    assert_eq!(Stage::new(&[]).send(&event).status(), 200);
}

/// A good `POST /sign` for one operation, with some fields of the whole changed.
fn check_sign(operation: Value, changes: Value, status: u16, code: &str) {
    let mut body = json!({"key": "uploads/anonymous/u/a", "uploadId": "u", "operations": [operation]});
    for (name, value) in changes.as_object().expect("fields") {
        body[name] = value.clone();
    }
    check(&with_body("post_sign", &body.to_string()), status, code);
}

#[test]
fn a_bad_operation_is_refused() {
    let sha256 = "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=";
    let part = |number: Value, size: Value, sha256: Value| json!({"operation": "UploadPart", "partNumber": number, "size": size, "sha256": sha256});
    let nothing = || json!({});
    check_sign(
        part(json!(0), json!(1), json!(sha256)),
        nothing(),
        400,
        "InvalidPartNumber",
    );
    check_sign(
        part(json!(10_001), json!(1), json!(sha256)),
        nothing(),
        400,
        "InvalidPartNumber",
    );
    check_sign(
        part(json!(-1), json!(1), json!(sha256)),
        nothing(),
        400,
        "InvalidPartNumber",
    );
    check_sign(
        part(json!(4_294_967_297_u64), json!(1), json!(sha256)),
        nothing(),
        400,
        "InvalidPartNumber",
    );
    check_sign(
        part(json!(1025), json!(1), json!(sha256)),
        nothing(),
        400,
        "InvalidPartNumber",
    );
    check_sign(
        part(json!(1), json!(0), json!(sha256)),
        nothing(),
        400,
        "InvalidSize",
    );
    check_sign(
        part(json!(1), json!(-1), json!(sha256)),
        nothing(),
        400,
        "InvalidSize",
    );
    check_sign(
        part(json!(1), json!(5_368_709_121_u64), json!(sha256)),
        nothing(),
        400,
        "InvalidSize",
    );
    check_sign(
        part(json!(1), json!(1), json!("AAAA")),
        nothing(),
        400,
        "InvalidChecksum",
    );
    check_sign(
        json!({"operation": "UploadPart"}),
        nothing(),
        400,
        "InvalidRequest",
    );
    check_sign(
        json!({"operation": "ListParts", "partNumberMarker": -1}),
        nothing(),
        400,
        "InvalidPartNumber",
    );
    check_sign(
        json!({"operation": "CompleteMultipartUpload", "size": 0}),
        nothing(),
        400,
        "InvalidSize",
    );
    let too_large = json!({"operation": "CompleteMultipartUpload", "size": 5_368_709_121_u64});
    check_sign(too_large, nothing(), 413, "FileTooLarge");
    check_sign(
        json!({"operation": "DeleteObject"}),
        nothing(),
        400,
        "InvalidRequest",
    );
    check_sign(
        json!({"operation": "AbortMultipartUpload", "size": 1}),
        nothing(),
        400,
        "InvalidRequest",
    );
    check_sign(json!({}), nothing(), 400, "InvalidRequest");
}

#[test]
fn a_key_or_an_upload_that_is_not_the_callers_is_refused() {
    let abort = || json!({"operation": "AbortMultipartUpload"});
    check_sign(abort(), json!({"key": "uploads/somebody/u/a"}), 403, "Forbidden");
    check_sign(
        abort(),
        json!({"key": "uploads/anonymous2/u/a"}),
        403,
        "Forbidden",
    );
    check_sign(
        abort(),
        json!({"key": "uploads/anonymous/../b"}),
        400,
        "InvalidKey",
    );
    check_sign(
        abort(),
        json!({"key": "uploads/anonymous/u.slipway-manifest.json"}),
        400,
        "InvalidKey",
    );
    check_sign(abort(), json!({"key": 1}), 400, "InvalidRequest");
    check_sign(abort(), json!({"uploadId": ""}), 400, "InvalidUploadId");
    check_sign(abort(), json!({"uploadId": "a\nb"}), 400, "InvalidUploadId");
    check_sign(
        abort(),
        json!({"uploadId": "u".repeat(1025)}),
        400,
        "InvalidUploadId",
    );
    check_sign(abort(), json!({"operations": []}), 400, "InvalidBatchSize");
    check_sign(
        abort(),
        json!({"operations": vec![abort(); 101]}),
        400,
        "InvalidBatchSize",
    );
    check_sign(abort(), json!({"extra": 1}), 400, "InvalidRequest");
}

/// A good `POST /manifests` with one field changed; `null` takes it away.
fn check_manifest(field: &str, value: Value, status: u16, code: &str) {
    let mut body = json!({"batch": "019ab718-1480-7000-8000-000000000000", "size": 612,
        "sha256": "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs="});
    match value {
        Value::Null => drop(body.as_object_mut().expect("an object").remove(field)),
        value => body[field] = value,
    }
    check(&with_body("post_manifests", &body.to_string()), status, code);
}

#[test]
fn a_bad_manifest_is_refused() {
    check_manifest("batch", Value::Null, 400, "InvalidRequest");
    check_manifest("batch", json!("../somebody"), 400, "InvalidRequest");
    let version_4 = json!("0e37df36-f698-41e6-8dd4-cb9ced3df976");
    check_manifest("batch", version_4, 400, "InvalidRequest");
    for edition in [json!(0), json!(1_001), json!(-1), json!("2"), json!(1.5)] {
        check_manifest("edition", edition, 400, "InvalidRequest");
    }
    for size in [json!(0), json!(-1), json!("612")] {
        check_manifest("size", size, 400, "InvalidSize");
    }
    check_manifest("size", json!(268_435_457), 413, "FileTooLarge");
    check_manifest("size", Value::Null, 400, "InvalidRequest");
    check_manifest("sha256", json!("AAAA"), 400, "InvalidChecksum");
    check_manifest("sha256", Value::Null, 400, "InvalidRequest");
    check_manifest("secondEndpoint", json!(1), 400, "InvalidRequest");
    check_manifest("key", json!("chosen/by/the/client"), 400, "InvalidRequest");
}

#[test]
fn a_token_without_a_usable_subject_signs_nothing() {
    for claims in [json!({}), json!({"sub": ""}), json!({"sub": "s".repeat(256)})] {
        for name in ["get_presign", "post_uploads", "post_sign", "post_manifests"] {
            let mut event = event(name);
            event["requestContext"]["authorizer"] = json!({"jwt": {"claims": claims, "scopes": null}});
            check(&event, 401, "NotSignedIn");
        }
    }
}
