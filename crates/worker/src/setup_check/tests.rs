//! The set-up check with recorded answers.

use std::cell::RefCell;

use wasm_bindgen_test::wasm_bindgen_test;
use wire::HttpMethod;

use super::*;

const ORIGIN: &str = "https://page.example";
const UPLOADED: &str = "https://media.s3.eu-west-1.amazonaws.com/team/uploads/ann/u1/slipway-set-up-check";
const CREDENTIAL: &str = "X-Amz-Credential=AKIA%2F20261124%2Feu-west-1%2Fs3%2Faws4_request";
const CREATED: &str = "<InitiateMultipartUploadResult><UploadId>U</UploadId></InitiateMultipartUploadResult>";

/// What answers a request: `None` is an answer that the browser does not show.
type Answers = Box<dyn Fn(&SignedRequest, &str) -> Option<HttpAnswer>>;

/// A network with recorded answers, which remembers what was asked.
struct Recorded {
    answers: Answers,
    reachable: bool,
    second_endpoint: bool,
    asked: RefCell<Vec<String>>,
}

impl Network for Recorded {
    fn has_second_endpoint(&self) -> bool {
        self.second_endpoint
    }

    fn origin(&self) -> String {
        ORIGIN.to_owned()
    }

    fn api_request(&self, path: &str) -> SignedRequest {
        request(HttpMethod::Post, &format!("https://api.example{path}"), &[])
    }

    async fn send(&self, request: &SignedRequest, body: &str) -> Option<HttpAnswer> {
        let headers: Vec<&str> = request.headers.keys().map(String::as_str).collect();
        let asked = format!(
            "{} {} {}",
            request.method.as_str(),
            step(request),
            headers.join(" ")
        );
        self.asked.borrow_mut().push(asked.trim().to_owned());
        (self.answers)(request, body)
    }

    async fn is_reachable(&self, _: &str) -> bool {
        self.reachable
    }
}

fn request(method: HttpMethod, url: &str, headers: &[&str]) -> SignedRequest {
    SignedRequest {
        method,
        url: url.to_owned(),
        headers: headers
            .iter()
            .map(|name| ((*name).to_owned(), "value".to_owned()))
            .collect(),
        expires_at: 0,
    }
}

/// What a request is for: the fragment that the recorded API adds to the URL of each.
fn step(request: &SignedRequest) -> &str {
    let url = request.url.as_str();
    url.rsplit(['#', '/']).next().unwrap_or_default()
}

fn signed(method: HttpMethod, step: &str, headers: &[&str]) -> SignedRequest {
    request(method, &format!("{UPLOADED}?{CREDENTIAL}#{step}"), headers)
}

fn ok(body: impl Into<String>) -> HttpAnswer {
    HttpAnswer {
        status: 200,
        etag: Some("\"e\"".to_owned()),
        request_id: Some("R".to_owned()),
        body: body.into(),
    }
}

fn error(status: u16, code: &str, more: &str) -> HttpAnswer {
    HttpAnswer {
        status,
        body: format!("<Error><Code>{code}</Code>{more}<RequestId>R</RequestId></Error>"),
        ..HttpAnswer::default()
    }
}

fn plan() -> String {
    let create = signed(
        HttpMethod::Post,
        "create",
        &["content-type", "x-amz-checksum-type", "x-amz-tagging"],
    );
    let response = serde_json::json!({
        "serverTime": 1_000_000,
        "batch": "01a3185c-5000-7000-8000-000000000000",
        "files": [{ "id": "probe", "key": "team/uploads/ann/u1/n", "create": create, "partSize": 8 }],
    });
    response.to_string()
}

fn signatures() -> String {
    let operations = [
        signed(HttpMethod::Put, "part", &["x-amz-checksum-sha256"]),
        signed(HttpMethod::Get, "list", &[]),
        signed(
            HttpMethod::Post,
            "complete",
            &["if-none-match", "x-amz-mp-object-size"],
        ),
        signed(HttpMethod::Delete, "abort", &[]),
    ];
    let signed = operations.map(|request| serde_json::json!({ "signed": request }));
    serde_json::json!({ "serverTime": 1_000_000, "requests": signed }).to_string()
}

/// What a set-up answers if everything is right.
fn right(request: &SignedRequest) -> HttpAnswer {
    match step(request) {
        "uploads" => ok(plan()),
        "sign" => ok(signatures()),
        "create" => ok(CREATED),
        "list" => ok("<ListPartsResult/>"),
        "complete" => error(400, "InvalidPart", ""),
        _ => ok(""),
    }
}

async fn run(
    reachable: bool,
    answers: impl Fn(&SignedRequest, &str) -> Option<HttpAnswer> + 'static,
) -> (Vec<Finding>, Vec<String>) {
    run_on(Recorded {
        answers: Box::new(answers),
        reachable,
        second_endpoint: false,
        asked: RefCell::default(),
    })
    .await
}

async fn run_on(network: Recorded) -> (Vec<Finding>, Vec<String>) {
    let findings = check(&network).await;
    (findings, network.asked.into_inner())
}

/// Answers one step differently from a right set-up, and checks the kind of the only finding, and what its
/// details and its paste contain.
async fn check_step(
    at: &'static str,
    answer: Option<HttpAnswer>,
    kind: FindingKind,
    says: &str,
    paste: &str,
) {
    let shown = format!("{answer:?}");
    let answers = move |request: &SignedRequest, _: &str| match step(request) == at {
        true => answer.clone(),
        false => Some(right(request)),
    };
    let (findings, _) = run(true, answers).await;
    let [found] = findings.as_slice() else {
        panic!("{at} {shown}: {findings:#?}");
    };
    assert_eq!(found.kind, kind, "{at} {shown}: {found:#?}");
    assert!(found.details.contains(says), "{at} {shown}: {found:#?}");
    assert!(found.paste.contains(paste), "{at} {shown}: {found:#?}");
    assert_eq!(
        paste.is_empty(),
        found.paste.is_empty(),
        "{at} {shown}: {found:#?}"
    );
}

#[wasm_bindgen_test]
async fn a_right_set_up_passes_and_nothing_is_left_in_it() {
    let (findings, asked) = run(true, |request, _| Some(right(request))).await;
    assert_eq!(findings, [Finding::new(FindingKind::AllRight, "", "")]);
    assert_eq!(
        asked,
        [
            "POST uploads",
            "POST create content-type x-amz-checksum-type x-amz-tagging",
            "POST sign",
            "PUT part x-amz-checksum-sha256",
            "GET list",
            "POST complete if-none-match x-amz-mp-object-size",
            "DELETE abort",
        ]
    );
}

#[wasm_bindgen_test]
async fn the_answers_of_the_api_are_distinguished() {
    let answer = |status, body: &str| {
        Some(HttpAnswer {
            status,
            body: body.to_owned(),
            ..HttpAnswer::default()
        })
    };
    let refusal = r#"{"error":{"code":"InvalidName","message":"too long"}}"#;
    let ended = r#"{"error":{"code":"NotSignedIn","message":"no token"}}"#;
    for (answer, kind, says) in [
        (
            answer(404, "<html>"),
            FindingKind::ApiUnexpectedAnswer,
            "404: <html>",
        ),
        (
            answer(200, "<html>"),
            FindingKind::ApiUnexpectedAnswer,
            "https://api.example/uploads",
        ),
        (
            answer(401, r#"{"message":"Unauthorized"}"#),
            FindingKind::NotSignedIn,
            "401",
        ),
        (answer(401, ended), FindingKind::NotSignedIn, "no token"),
        (
            answer(500, r#"{"message":"Internal Server Error"}"#),
            FindingKind::ApiBusy,
            "500",
        ),
        (
            answer(400, refusal),
            FindingKind::ApiRefused,
            "InvalidName: too long",
        ),
    ] {
        check_step("uploads", answer, kind, says, "").await;
    }
    let allow = "ALLOWED_ORIGINS=https://page.example";
    check_step("uploads", None, FindingKind::ApiCors, "answers, but", allow).await;
    let (findings, _) = run(false, |_, _| None).await;
    assert_eq!(findings[0].kind, FindingKind::ApiUnreachable);
}

#[wasm_bindgen_test]
async fn the_answers_of_s3_are_distinguished() {
    use FindingKind as Kind;
    let expired = "<Message>Request has expired</Message><ServerTime>1970-01-12T13:00:00Z</ServerTime>";
    let ahead = "The clock of the API is 46 minutes ahead of";
    let region = "<Region>us-east-2</Region>";
    let set_region = "AWS_REGION_NAME=us-east-2";
    let malformed = "AuthorizationQueryParametersError";
    let endpoint = "<Endpoint>media.s3.us-east-2.amazonaws.com</Endpoint>";
    let old_endpoint = "<Endpoint>media.s3-us-east-2.amazonaws.com</Endpoint>";
    let location = "<Message>The us-east-2 location constraint is incompatible for the region specific \
                    endpoint this request was sent to.</Message>";
    let clock = "timedatectl";
    for (status, code, more, kind, says, paste) in [
        (403, "AccessDenied", expired, Kind::ClockSkewed, ahead, clock),
        (
            403,
            "RequestTimeTooSkewed",
            expired,
            Kind::ClockSkewed,
            ahead,
            clock,
        ),
        (403, "RequestTimeTooSkewed", "", Kind::ClockSkewed, "Skewed", ""),
        (
            400,
            malformed,
            region,
            Kind::WrongRegion,
            "not in eu-west-1",
            set_region,
        ),
        (
            400,
            "AuthorizationHeaderMalformed",
            region,
            Kind::WrongRegion,
            "media",
            set_region,
        ),
        (
            301,
            "PermanentRedirect",
            endpoint,
            Kind::WrongRegion,
            "us-east-2",
            set_region,
        ),
        (
            301,
            "PermanentRedirect",
            old_endpoint,
            Kind::WrongRegion,
            "us-east-2",
            set_region,
        ),
        (
            301,
            "PermanentRedirect",
            "",
            Kind::WrongRegion,
            "not in eu-west-1",
            "",
        ),
        (
            400,
            "IllegalLocationConstraintException",
            location,
            Kind::WrongRegion,
            "us-east-2",
            set_region,
        ),
        (400, malformed, "", Kind::S3Refused, malformed, ""),
        (404, "NoSuchBucket", "", Kind::BucketMissing, "BUCKET_NAME", ""),
        (400, "ExpiredToken", "", Kind::Expired, "session", ""),
        (
            403,
            "SignatureDoesNotMatch",
            "",
            Kind::SignatureRefused,
            "credentials",
            "",
        ),
        (
            403,
            "InvalidAccessKeyId",
            "",
            Kind::SignatureRefused,
            "credentials",
            "",
        ),
        (
            403,
            "AccessDenied",
            "",
            Kind::AccessDenied,
            "s3:PutObject",
            "arn:aws:s3:::media/team/uploads/*",
        ),
        (503, "SlowDown", "", Kind::S3Busy, "SlowDown", ""),
        (
            501,
            "NotImplemented",
            "",
            Kind::S3Refused,
            "NotImplemented",
            "CHECKSUMS=off",
        ),
    ] {
        check_step("create", Some(error(status, code, more)), kind, says, paste).await;
    }
    check_step("create", Some(ok("<html/>")), Kind::S3UnexpectedAnswer, "200", "").await;
}

#[wasm_bindgen_test]
async fn a_url_that_expired_though_the_clocks_agree_expires_too_soon() {
    // 1,000,005 seconds after the start of 1970; the recorded API's clock says 1,000,000.
    let more = "<Message>Request has expired</Message><ServerTime>1970-01-12T13:46:45Z</ServerTime>";
    let answer = error(403, "AccessDenied", more);
    check_step(
        "part",
        Some(answer),
        FindingKind::Expired,
        "agree",
        "URL_EXPIRATION",
    )
    .await;
}

#[wasm_bindgen_test]
async fn the_action_that_the_role_lacks_is_named() {
    let denied = || Some(error(403, "AccessDenied", ""));
    for (at, action) in [
        ("part", "s3:PutObject"),
        ("list", "s3:ListMultipartUploadParts"),
        ("complete", "s3:PutObject"),
        ("abort", "s3:AbortMultipartUpload on the bucket media"),
    ] {
        check_step(at, denied(), FindingKind::AccessDenied, action, "s3:PutObject").await;
    }
    check_step(
        "abort",
        denied(),
        FindingKind::AccessDenied,
        "The upload U of",
        "s3",
    )
    .await;
}

#[wasm_bindgen_test]
async fn hidden_headers_are_named() {
    let hidden = |etag: Option<&str>, request_id: Option<&str>| {
        let mut answer = ok("");
        answer.etag = etag.map(str::to_owned);
        answer.request_id = request_id.map(str::to_owned);
        Some(answer)
    };
    let kind = FindingKind::HeadersHidden;
    check_step(
        "part",
        hidden(None, Some("R")),
        kind,
        "lacks ETag.",
        "ExposeHeaders",
    )
    .await;
    check_step(
        "part",
        hidden(Some("e"), None),
        kind,
        "lacks x-amz-request-id.",
        "ETag",
    )
    .await;
    check_step(
        "part",
        hidden(None, None),
        kind,
        "lacks ETag, x-amz-request-id.",
        "ETag",
    )
    .await;
}

#[wasm_bindgen_test]
async fn the_header_that_cors_refuses_is_found_and_the_paste_allows_it() {
    let (findings, asked) = run(true, |request, _| match step(request) {
        "create" => (!request.headers.contains_key("x-amz-tagging")).then(|| error(403, "S", "")),
        _ => Some(right(request)),
    })
    .await;
    let [found] = findings.as_slice() else {
        panic!("{findings:#?}");
    };
    assert_eq!(found.kind, FindingKind::BucketCors);
    assert!(
        found
            .details
            .contains("AllowedHeaders of the bucket media lacks x-amz-tagging."),
        "{found:#?}"
    );
    let paste: serde_json::Value = serde_json::from_str(&found.paste).expect("JSON");
    let rule = &paste["CORSRules"][0];
    assert_eq!(rule["AllowedOrigins"], serde_json::json!([ORIGIN]));
    let allowed = rule["AllowedHeaders"].as_array().expect("a list");
    for name in ["content-type", "x-amz-tagging", "if-none-match"] {
        assert_eq!(
            allowed.iter().filter(|allowed| *allowed == name).count(),
            1,
            "{name}"
        );
    }
    assert_eq!(
        asked[2..],
        [
            "POST create",
            "POST create content-type",
            "POST create x-amz-checksum-type",
            "POST create x-amz-tagging",
        ]
    );
}

#[wasm_bindgen_test]
async fn a_method_that_cors_refuses_differs_from_an_unreachable_s3() {
    let kind = FindingKind::BucketCors;
    check_step(
        "part",
        None,
        kind,
        "does not allow PUT from https://page.example",
        "PUT",
    )
    .await;
    check_step("abort", None, kind, "The upload U of", "DELETE").await;
    let (findings, asked) = run(false, |request, _| match step(request) {
        "create" => None,
        _ => Some(right(request)),
    })
    .await;
    assert_eq!(findings[0].kind, FindingKind::S3Unreachable);
    assert!(
        findings[0].details.contains("https://media.s3.eu-west-1"),
        "{findings:#?}"
    );
    assert_eq!(asked.len(), 2, "{asked:?}");
}

#[wasm_bindgen_test]
async fn a_second_endpoint_that_does_not_answer_is_one_finding() {
    for is_there in [true, false] {
        let second = request(
            HttpMethod::Put,
            "https://media.s3.dualstack.eu-west-1.amazonaws.com/k#second",
            &[],
        );
        let answers = move |request: &SignedRequest, body: &str| match step(request) {
            "second" => is_there.then(|| ok("")),
            "sign" if body.contains("\"secondEndpoint\":true") => {
                let signed = serde_json::json!({ "signed": second });
                let response = serde_json::json!({ "serverTime": 1_000_000, "requests": [signed] });
                Some(ok(response.to_string()))
            }
            _ => Some(right(request)),
        };
        let (findings, asked) = run_on(Recorded {
            answers: Box::new(answers),
            reachable: true,
            second_endpoint: true,
            asked: RefCell::default(),
        })
        .await;
        let [found] = findings.as_slice() else {
            panic!("{findings:#?}")
        };
        if is_there {
            assert_eq!(found.kind, FindingKind::AllRight);
        } else {
            assert_eq!(found.kind, FindingKind::SecondEndpointUnreachable);
            let address = "https://media.s3.dualstack.eu-west-1.amazonaws.com,";
            assert!(found.details.contains(address), "{found:#?}");
        }
        let abort = asked.last().map(String::as_str);
        assert_eq!(abort, Some("DELETE abort"), "the upload is left: {asked:?}");
    }
}

#[wasm_bindgen_test]
async fn one_mistake_is_one_finding_however_many_steps_find_it() {
    let (findings, _) = run(true, |request, _| match step(request) {
        "part" | "list" | "abort" => Some(error(403, "AccessDenied", "")),
        _ => Some(right(request)),
    })
    .await;
    let [found] = findings.as_slice() else {
        panic!("{findings:#?}");
    };
    for action in [
        "s3:PutObject",
        "s3:ListMultipartUploadParts",
        "s3:AbortMultipartUpload",
    ] {
        assert!(found.details.contains(action), "{found:#?}");
    }
}

#[wasm_bindgen_test]
async fn a_probe_has_a_type_and_a_size_that_the_api_accepts() {
    let plan_put = || {
        let put = signed(HttpMethod::Put, "put", &["if-none-match", CHECKSUM]);
        let file = serde_json::json!({ "id": "probe", "key": "team/uploads/ann/u1/n", "put": put });
        let batch = "01a3185c-5000-7000-8000-000000000000";
        serde_json::json!({ "serverTime": 1, "batch": batch, "files": [file] }).to_string()
    };
    let refuse = |error: &str| HttpAnswer {
        status: 413,
        body: format!(r#"{{"error":{error}}}"#),
        ..HttpAnswer::default()
    };
    let (findings, asked) = run(true, move |request, body| {
        let is_small = body.contains(r#""size":1,"#);
        Some(match step(request) {
            "uploads" if !body.contains("image/x-probe") => {
                refuse(r#"{"code":"TypeNotAllowed","message":"","allowedTypes":["image/*"]}"#)
            }
            "uploads" if !is_small => refuse(r#"{"code":"FileTooLarge","message":"","maxBytes":5}"#),
            "uploads" => ok(plan_put()),
            _ => error(400, if body == OTHER { "BadDigest" } else { "stored" }, ""),
        })
    })
    .await;
    assert_eq!(findings, [Finding::new(FindingKind::AllRight, "", "")]);
    assert_eq!(
        asked.last().map(String::as_str),
        Some("PUT put if-none-match x-amz-checksum-sha256")
    );
    let (findings, asked) = run(true, move |_, _| {
        Some(refuse(
            r#"{"code":"TypeNotAllowed","message":"","allowedTypes":["image/*"]}"#,
        ))
    })
    .await;
    assert_eq!(findings[0].kind, FindingKind::ApiRefused);
    assert_eq!(asked.len(), 2, "no type is tried twice: {asked:?}");
}

/// A configuration that the help page shows to paste.
fn on_help_page(id: &str) -> serde_json::Value {
    let help = include_str!("../../../../static/help.html");
    let (_, rest) = help
        .split_once(&format!("<code id=\"{id}\">"))
        .expect("a configuration");
    let (json, _) = rest.split_once("</code>").expect("its end");
    serde_json::from_str(json).expect("JSON")
}

#[wasm_bindgen_test]
fn what_is_pasted_is_what_the_help_page_shows() {
    let written = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    let cors = configuration::bucket_cors("https://upload.example.com", &["if-none-match".to_owned()]);
    assert_eq!(written(&cors), on_help_page("cors"));
    assert_eq!(
        written(&configuration::role_policy("BUCKET", "uploads/")),
        on_help_page("role")
    );
}

#[wasm_bindgen_test]
async fn what_a_service_lacks_is_named_by_its_refusal() {
    let checksums =
        "<Message>Header 'x-amz-checksum-algorithm' with value 'SHA256' not implemented</Message>";
    let condition = "<Header>If-None-Match</Header>";
    for (at, status, code, more, paste) in [
        ("create", 501, "NotImplemented", checksums, "CHECKSUMS=off"),
        ("create", 501, "NotImplemented", "", "CHECKSUMS=off"),
        ("part", 400, "InvalidArgument", checksums, "CHECKSUMS=off"),
        (
            "complete",
            501,
            "NotImplemented",
            condition,
            "CONDITIONAL_WRITES=off",
        ),
        ("complete", 501, "NotImplemented", "", "CONDITIONAL_WRITES=off"),
    ] {
        let answer = Some(error(status, code, more));
        check_step(at, answer, FindingKind::S3Refused, "docs/other-s3.md", paste).await;
    }
}

#[wasm_bindgen_test]
fn a_service_is_known_by_its_host_or_its_errors() {
    let r2 = "https://0123.r2.cloudflarestorage.com";
    let settings = "PART_SIZES=constant\nCHECKSUMS=off";
    assert_eq!(service::known(r2, ""), Some(("Cloudflare R2", settings)));
    let garage = "<Error><Code>NoSuchKey</Code><Region>garage</Region></Error>";
    assert_eq!(
        service::known("https://s3.example.com", garage),
        Some(("Garage", ""))
    );
    let amazon = "https://media.s3.eu-west-1.amazonaws.com";
    assert_eq!(
        service::known(amazon, "<Error><Code>NoSuchKey</Code></Error>"),
        None
    );
}

#[wasm_bindgen_test]
fn the_local_network_is_named_where_the_storage_is_nearer() {
    for (page, storage, expected) in [
        ("https://page.example", "http://192.168.1.2:9000", true),
        ("https://page.example", "http://127.0.0.1:9000", true),
        ("https://page.example", "http://[fd00::1]:9000", true),
        ("https://page.example", "http://nas.local:9000", true),
        ("http://192.168.1.2", "http://localhost:9000", true),
        ("https://page.example", "https://s3.example.com", false),
        ("http://192.168.1.2", "http://192.168.1.3:9000", false),
        ("http://localhost:8080", "http://192.168.1.3:9000", false),
    ] {
        assert_eq!(
            service::asks_for_local_network(page, storage),
            expected,
            "{page} {storage}"
        );
    }
}

#[wasm_bindgen_test]
fn parts_of_one_size_are_asked_for_where_the_service_wants_them() {
    let url = "https://0123.r2.cloudflarestorage.com/media/team/uploads/ann/u1/n";
    let create = request(HttpMethod::Post, url, &[]);
    let place = Place::of(&create, "team/uploads/ann/u1/n", 0, ORIGIN.to_owned());
    let found = s3_answers::part_sizes(wire::PartSizes::Growing, &place).expect("a finding");
    assert!(found.paste.contains("PART_SIZES=constant"), "{found:?}");
    assert_eq!(s3_answers::part_sizes(wire::PartSizes::Constant, &place), None);
}
