//! `GET /presign`.

use serde_json::Value;

use crate::support::{NOW, SESSION_TOKEN, Stage, event, json, presign_event, query_value};

fn check_url(stage: &Stage, query: &str, key: &str, url_start: &str) -> String {
    let response = stage.send(&presign_event(query));
    assert_eq!(response.status(), 200, "{query}");
    let body = json(&response);
    assert_eq!(body["key"], key);
    let url = body["uploadURL"].as_str().expect("a URL").to_owned();
    assert_eq!(url.split('?').next(), Some(url_start));
    url
}

#[test]
fn the_answer_is_exactly_the_url_and_the_key() {
    let body = json(&Stage::new(&[]).send(&event("get_presign")));
    let Value::Object(fields) = body else {
        panic!("{body} is no object")
    };
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["key", "uploadURL"]);
    assert_eq!(fields["key"], "report 2025.pdf");
}

#[test]
fn the_url_needs_no_header_and_works_once() {
    let stage = Stage::new(&[("URL_EXPIRATION_SECONDS", "60")]);
    let url = check_url(
        &stage,
        "key=report%202025.pdf",
        "report 2025.pdf",
        "https://photos.s3.eu-central-1.amazonaws.com/uploads/report%202025.pdf",
    );
    assert_eq!(query_value(&url, "X-Amz-SignedHeaders"), "host");
    assert_eq!(query_value(&url, "If-None-Match"), "*");
    assert_eq!(query_value(&url, "X-Amz-Expires"), "60");
    assert_eq!(query_value(&url, "X-Amz-Date"), "20251124T182000Z");
    assert_eq!(query_value(&url, "X-Amz-Security-Token"), SESSION_TOKEN);
    assert_eq!(NOW, 1_764_008_400, "the date above is this time");
}

#[test]
fn with_a_limit_the_url_is_bound_to_type_and_length() {
    for limit in [("ALLOWED_TYPES", "image/*"), ("MAX_UPLOAD_BYTES", "10")] {
        let stage = Stage::new(&[limit]);
        let url = check_url(
            &stage,
            "key=a&contentType=image%2FPNG&contentLength=10",
            "a",
            "https://photos.s3.eu-central-1.amazonaws.com/uploads/a",
        );
        assert_eq!(
            query_value(&url, "X-Amz-SignedHeaders"),
            "content-length;content-type;host"
        );
        assert_eq!(query_value(&url, "If-None-Match"), "*");
        assert_eq!(stage.log_lines()[0]["size"], 10);
    }
}

#[test]
fn without_a_limit_type_and_length_are_not_read() {
    let answer = |query: &str| Stage::new(&[]).send(&presign_event(query)).into_body();
    let plain = answer("key=a");
    assert_eq!(answer("key=a&contentType=x&contentLength=y"), plain);
}

#[test]
fn a_limit_that_no_put_exceeds_is_none() {
    let stage = Stage::new(&[("MAX_UPLOAD_BYTES", "53687091200000")]);
    let response = stage.send(&presign_event("key=a"));
    assert_eq!(response.status(), 200);
}

#[test]
fn a_key_inside_the_prefix_is_taken_as_it_is() {
    let url = "https://photos.s3.eu-central-1.amazonaws.com/uploads/a/b.txt";
    check_url(&Stage::new(&[]), "key=uploads/a/b.txt", "uploads/a/b.txt", url);
}

#[test]
fn without_a_prefix_the_key_is_the_objects_key() {
    let url = "https://photos.s3.eu-central-1.amazonaws.com/a.txt";
    check_url(&Stage::new(&[("KEY_PREFIX", "")]), "key=a.txt", "a.txt", url);
}

#[test]
fn another_service_is_addressed_by_path() {
    let stage = Stage::new(&[("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000")]);
    check_url(
        &stage,
        "key=a.txt",
        "a.txt",
        "http://127.0.0.1:9000/photos/uploads/a.txt",
    );
}

#[test]
fn odd_characters_are_encoded_once() {
    let url = "https://photos.s3.eu-central-1.amazonaws.com/uploads/a%2Bb%20%25%23%C3%A9.txt";
    check_url(&Stage::new(&[]), "key=a%2Bb+%25%23%C3%A9.txt", "a+b %#é.txt", url);
}

#[test]
fn a_caller_who_is_signed_in_writes_into_the_own_folder() {
    let stage = Stage::new(&[]);
    let mut event = presign_event("key=uploads/somebody-else/a.txt");
    event["requestContext"]["authorizer"] =
        super::support::event("post_uploads_signed_in")["requestContext"]["authorizer"].clone();
    let body = json(&stage.send(&event));
    let url = body["uploadURL"].as_str().expect("a URL");
    assert!(
        url.contains("/uploads/5f0c3a1e-9b7d-4c55-8f5e-1c2d3e4f5a6b/uploads/somebody-else/a.txt?"),
        "{url}"
    );
}
