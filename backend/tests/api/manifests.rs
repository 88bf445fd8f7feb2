//! `POST /manifests`.

use serde_json::json;
use wire::ManifestResponse;

use crate::support::{self, NOW, Stage, event, query_value, with_body};

const BATCH: &str = "019ab718-1480-7000-8000-000000000000";
const SHA256: &str = "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=";

fn signed(stage: &Stage, event: &serde_json::Value) -> ManifestResponse {
    let response = stage.send(event);
    assert_eq!(response.status(), 200, "{:?}", response.body());
    serde_json::from_str(response.body()).expect("an answer")
}

#[test]
fn a_manifest_is_put_once_as_these_bytes_beside_its_batch() {
    let answer = signed(&Stage::new(&[]), &event("post_manifests"));
    assert_eq!(answer.server_time, NOW);
    let name = format!("{BATCH}.slipway-manifest.json");
    assert_eq!(answer.key, format!("uploads/anonymous/{name}"));
    let headers = [
        (
            "content-disposition",
            format!("attachment; filename*=UTF-8''{name}"),
        ),
        ("content-type", "application/json".to_owned()),
        ("if-none-match", "*".to_owned()),
        ("x-amz-checksum-sha256", SHA256.to_owned()),
        ("x-amz-meta-filename", name),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value));
    assert_eq!(answer.put.headers, headers.into());
    assert_eq!(answer.put.method.as_str(), "PUT");
    assert_eq!(answer.put.expires_at, NOW + 900);
    let signed_headers = "content-disposition;content-length;content-type;host;if-none-match;\
                          x-amz-checksum-sha256;x-amz-meta-filename";
    assert_eq!(
        query_value(&answer.put.url, "X-Amz-SignedHeaders"),
        signed_headers
    );
}

#[test]
fn a_later_edition_has_its_number_in_the_key() {
    for (edition, expected) in [
        (1, BATCH.to_owned()),
        (2, format!("{BATCH}.2")),
        (1_000, format!("{BATCH}.1000")),
    ] {
        let body = json!({"batch": BATCH, "edition": edition, "size": 1, "sha256": SHA256});
        let answer = signed(&Stage::new(&[]), &with_body("post_manifests", &body.to_string()));
        assert_eq!(
            answer.key,
            format!("uploads/anonymous/{expected}.slipway-manifest.json")
        );
    }
}

#[test]
fn the_limits_of_files_do_not_hold_for_a_manifest() {
    let limits = [
        ("ALLOWED_TYPES", "image/*"),
        ("MAX_UPLOAD_BYTES", "10"),
        ("ALLOW_PLAIN_PRESIGN", "false"),
    ];
    let body = json!({"batch": BATCH, "size": wire::MAX_MANIFEST_BYTES, "sha256": SHA256});
    signed(
        &Stage::new(&limits),
        &with_body("post_manifests", &body.to_string()),
    );
}

#[test]
fn a_manifest_lies_with_its_uploader_and_is_stored_like_files() {
    let mut event = event("post_manifests");
    event["requestContext"]["authorizer"] = json!({"jwt": {"claims": {"sub": "ada"}, "scopes": null}});
    let settings = [
        ("SSE_KMS_KEY_ID", "alias/uploads"),
        ("OBJECT_TAGS", "team=web"),
        ("KEY_PREFIX", "in/box"),
    ];
    let answer = signed(&Stage::new(&settings), &event);
    assert_eq!(answer.key, format!("in/box/ada/{BATCH}.slipway-manifest.json"));
    assert_eq!(answer.put.headers["x-amz-tagging"], "team=web");
    assert_eq!(
        answer.put.headers["x-amz-server-side-encryption-aws-kms-key-id"],
        "alias/uploads"
    );
}

#[test]
fn a_manifest_may_go_to_the_second_endpoint() {
    let body = json!({"batch": BATCH, "size": 1, "sha256": SHA256, "secondEndpoint": true}).to_string();
    let answer = signed(&Stage::new(&[]), &with_body("post_manifests", &body));
    assert!(
        answer.put.url.starts_with("https://photos.s3.dualstack."),
        "{}",
        answer.put.url
    );
    let has_none = Stage::new(&[("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000")]);
    let response = has_none.send(&with_body("post_manifests", &body));
    assert_eq!(support::json(&response)["error"]["code"], "InvalidRequest");
}
