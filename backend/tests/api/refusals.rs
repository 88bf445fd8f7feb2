//! What is wrong with a request is said by a status and a code, and nothing is signed.

use serde_json::{Value, json};
use wire::ErrorCode::{self, *};

use crate::support::{Stage, event, presign_event, with_body};

fn check(event: &Value, code: ErrorCode) {
    Stage::new(&[]).refuses(event, code);
}

fn check_key(query: &str) {
    check(&presign_event(query), InvalidKey);
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
    stage.refuses(&event("get_presign"), PresignDisabled);
}

fn check_limited_presign(limit: (&str, &str), declaration: &str, code: ErrorCode) {
    let query = format!("key=a{declaration}");
    Stage::new(&[limit]).refuses(&presign_event(&query), code);
}

#[test]
fn with_a_limit_plain_presign_needs_type_and_length() {
    for limit in [("ALLOWED_TYPES", "image/*"), ("MAX_UPLOAD_BYTES", "10")] {
        check_limited_presign(limit, "", InvalidType);
        check_limited_presign(limit, "&contentLength=1", InvalidType);
        check_limited_presign(limit, "&contentType=&contentLength=1", InvalidType);
        check_limited_presign(limit, "&contentType=png&contentLength=1", InvalidType);
        check_limited_presign(limit, "&contentType=image/p%0Ang&contentLength=1", InvalidType);
        check_limited_presign(limit, "&contentType=image/png", InvalidSize);
        check_limited_presign(limit, "&contentType=image/png&contentLength=", InvalidSize);
        check_limited_presign(limit, "&contentType=image/png&contentLength=-1", InvalidSize);
        check_limited_presign(
            limit,
            "&contentType=image/png&contentLength=1&contentLength=1",
            InvalidSize,
        );
        check_limited_presign(
            limit,
            "&contentType=image/png&contentLength=5368709121",
            FileTooLarge,
        );
    }
}

#[test]
fn plain_presign_cannot_pass_by_the_limits() {
    let only_images = ("ALLOWED_TYPES", "image/*");
    check_limited_presign(
        only_images,
        "&contentType=text/html&contentLength=1",
        TypeNotAllowed,
    );
    let ten_bytes = ("MAX_UPLOAD_BYTES", "10");
    check_limited_presign(ten_bytes, "&contentType=text/html&contentLength=11", FileTooLarge);
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
        stage.refuses(&event, Forbidden);
        event["headers"]["x-slipway-origin"] = "secret".into();
        assert_eq!(stage.send(&event).status(), 200, "{name}");
        assert!(!stage.log().contains("secret"));
    }
}

/// A good file with some fields changed; `null` takes a field away.
fn check_file(changes: Value, code: ErrorCode) {
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
        code,
    );
}

#[test]
fn a_bad_file_is_refused() {
    check_file(json!({"size": -1}), InvalidSize);
    check_file(json!({"size": 1.5}), InvalidSize);
    check_file(json!({"size": "1"}), InvalidSize);
    check_file(json!({"size": 1e300}), InvalidSize);
    check_file(json!({"size": 18_446_744_073_709_551_615_u64}), FileTooLarge);
    check_file(json!({"size": 5_368_709_121_u64}), FileTooLarge);
    check_file(json!({"size": null}), InvalidRequest);
    check_file(json!({"name": ""}), InvalidName);
    check_file(json!({"name": 1}), InvalidName);
    check_file(json!({"name": "n".repeat(4097)}), InvalidName);
    check_file(json!({"name": null}), InvalidRequest);
    check_file(json!({"type": 1}), InvalidType);
    check_file(json!({"sha256": "AAAA"}), InvalidChecksum);
    check_file(json!({"sha256": 1}), InvalidChecksum);
    check_file(json!({"sha256": null}), ChecksumRequired);
    check_file(json!({"key": "chosen/by/the/client"}), InvalidRequest);
    check_file(json!({"id": null}), InvalidRequest);
    check_file(json!({"id": 1}), InvalidRequest);
}

fn check_body(name: &str, body: &str, code: ErrorCode) {
    check(&with_body(name, body), code);
}

#[test]
fn a_bad_body_is_refused() {
    for name in ["post_uploads", "post_sign", "post_manifests"] {
        check_body(name, "", MissingBody);
        check_body(name, "{", InvalidJson);
        check_body(name, &"[".repeat(1000), InvalidJson);
        check_body(name, "[]", InvalidRequest);
        check_body(name, "{}", InvalidRequest);
        check_body(name, &" ".repeat(1024 * 1024 + 1), BodyTooLarge);
    }
    check_body("post_uploads", r#"{"files":{}}"#, InvalidRequest);
    check_body("post_uploads", r#"{"files":[1]}"#, InvalidRequest);
    check_body("post_uploads", r#"{"files":[]}"#, InvalidBatchSize);
    let files = vec![json!({"id": "1"}); 101];
    check_body(
        "post_uploads",
        &json!({"files": files}).to_string(),
        InvalidBatchSize,
    );
    for batch in [
        r#""""#,
        "7",
        r#""../../x""#,
        r#""019AB718-1480-7000-8000-000000000000""#,
        r#""0e37df36-f698-11e6-8dd4-cb9ced3df976""#,
    ] {
        let body = format!(r#"{{"batch":{batch},"files":[{{"id":"1","name":"a","size":0}}]}}"#);
        check_body("post_uploads", &body, InvalidRequest);
    }
    let file = r#"{"id":"1","name":"a","size":0}"#;
    check_body(
        "post_uploads",
        &format!(r#"{{"files":[{file}],"x":1}}"#),
        InvalidRequest,
    );
    check(&event("post_uploads_no_body"), MissingBody);
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
        check(&event, UnsupportedMediaType);
    }
}

#[test]
fn a_charset_does_not_matter() {
    let mut event = event("post_uploads");
    event["headers"]["content-type"] = "Application/JSON; charset=utf-8".into();
    assert_eq!(Stage::new(&[]).send(&event).status(), 200);
}

/// A `POST /sign` for one operation, with one field of the whole changed.
fn check_sign(operation: Value, (field, value): (&str, Value), code: ErrorCode) {
    let mut body = json!({"key": "uploads/anonymous/u/a", "uploadId": "u", "operations": [operation]});
    body[field] = value;
    check(&with_body("post_sign", &body.to_string()), code);
}

#[test]
fn a_bad_operation_is_refused() {
    let sha256 = "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=";
    for (field, value, code) in [
        ("partNumber", json!(0), InvalidPartNumber),
        ("partNumber", json!(10_001), InvalidPartNumber),
        ("partNumber", json!(-1), InvalidPartNumber),
        ("partNumber", json!(4_294_967_297_u64), InvalidPartNumber),
        ("partNumber", json!(1025), InvalidPartNumber),
        ("size", json!(0), InvalidSize),
        ("size", json!(-1), InvalidSize),
        ("size", json!(5_368_709_121_u64), InvalidSize),
        ("sha256", json!("AAAA"), InvalidChecksum),
    ] {
        let mut part = json!({"operation": "UploadPart", "partNumber": 1, "size": 1, "sha256": sha256});
        part[field] = value;
        check_sign(part, ("uploadId", json!("u")), code);
    }
    for (operation, code) in [
        (json!({"operation": "UploadPart"}), InvalidRequest),
        (
            json!({"operation": "ListParts", "partNumberMarker": -1}),
            InvalidPartNumber,
        ),
        (
            json!({"operation": "CompleteMultipartUpload", "size": 0}),
            InvalidSize,
        ),
        (
            json!({"operation": "CompleteMultipartUpload", "size": 5_368_709_121_u64}),
            FileTooLarge,
        ),
        (json!({"operation": "DeleteObject"}), InvalidRequest),
        (
            json!({"operation": "AbortMultipartUpload", "size": 1}),
            InvalidRequest,
        ),
        (json!({}), InvalidRequest),
    ] {
        check_sign(operation, ("uploadId", json!("u")), code);
    }
}

#[test]
fn a_key_or_an_upload_that_is_not_the_callers_is_refused() {
    let abort = json!({"operation": "AbortMultipartUpload"});
    for (field, value, code) in [
        ("key", json!("uploads/somebody/u/a"), Forbidden),
        ("key", json!("uploads/anonymous2/u/a"), Forbidden),
        ("key", json!("uploads/anonymous/../b"), InvalidKey),
        (
            "key",
            json!("uploads/anonymous/u.slipway-manifest.json"),
            InvalidKey,
        ),
        ("key", json!(1), InvalidRequest),
        ("uploadId", json!(""), InvalidUploadId),
        ("uploadId", json!("a\nb"), InvalidUploadId),
        ("uploadId", json!("u".repeat(1025)), InvalidUploadId),
        ("operations", json!([]), InvalidBatchSize),
        ("operations", json!(vec![&abort; 101]), InvalidBatchSize),
        ("extra", json!(1), InvalidRequest),
    ] {
        check_sign(abort.clone(), (field, value), code);
    }
}

/// A good `POST /manifests` with one field changed; `null` takes it away.
fn check_manifest(field: &str, value: Value, code: ErrorCode) {
    let mut body = json!({"batch": "019ab718-1480-7000-8000-000000000000", "size": 612,
        "sha256": "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs="});
    match value {
        Value::Null => drop(body.as_object_mut().expect("an object").remove(field)),
        value => body[field] = value,
    }
    check(&with_body("post_manifests", &body.to_string()), code);
}

#[test]
fn a_bad_manifest_is_refused() {
    check_manifest("batch", Value::Null, InvalidRequest);
    check_manifest("batch", json!("../somebody"), InvalidRequest);
    let version_4 = json!("0e37df36-f698-41e6-8dd4-cb9ced3df976");
    check_manifest("batch", version_4, InvalidRequest);
    for edition in [json!(0), json!(1_001), json!(-1), json!("2"), json!(1.5)] {
        check_manifest("edition", edition, InvalidRequest);
    }
    for size in [json!(0), json!(-1), json!("612")] {
        check_manifest("size", size, InvalidSize);
    }
    check_manifest("size", json!(268_435_457), FileTooLarge);
    check_manifest("size", Value::Null, InvalidRequest);
    check_manifest("sha256", json!("AAAA"), InvalidChecksum);
    check_manifest("sha256", Value::Null, InvalidRequest);
    check_manifest("secondEndpoint", json!(1), InvalidRequest);
    check_manifest("key", json!("chosen/by/the/client"), InvalidRequest);
}

#[test]
fn a_token_without_a_usable_subject_signs_nothing() {
    for claims in [json!({}), json!({"sub": ""}), json!({"sub": "s".repeat(256)})] {
        for name in ["get_presign", "post_uploads", "post_sign", "post_manifests"] {
            let mut event = event(name);
            event["requestContext"]["authorizer"] = json!({"jwt": {"claims": claims, "scopes": null}});
            check(&event, NotSignedIn);
        }
    }
}
