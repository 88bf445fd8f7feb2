//! What is refused, besides what the facts about S3 ask (`tests/s3-conformance/`).

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use local::{OWNER_ACCESS_KEY_ID, ROLE_ACCESS_KEY_ID, ROLE_SECRET_ACCESS_KEY};
use rusty_s3::Method;
use s3_conformance::{AccessKey, Answer, Call};

use crate::support::{Send as _, TestStack, send, send_raw, sha256};

const KEY: &str = "uploads/a.txt";

/// A small PutObject.
fn put() -> Call {
    Call::put(KEY, "bytes")
}

/// Sends a call and checks that it is refused, with these elements, and stores nothing.
async fn check(row: &str, call: Call, status: u16, code: &str, elements: &[(&str, &str)]) -> Answer {
    let stack = TestStack::start().await;
    let answer = call.send(&stack).await;
    eprintln!("{row}: {}", answer.text());
    answer.is_error(status, code);
    for (name, text) in elements {
        answer.has_element(name, text);
    }
    stack.is_empty();
    stack.stack.stop().await;
    answer
}

#[tokio::test]
async fn bad_signature() {
    let wrong = AccessKey::lasting(OWNER_ACCESS_KEY_ID, "wrong");
    for call in [put(), put().in_header()] {
        let call = call.signed_by(&wrong);
        let elements = [("AWSAccessKeyId", OWNER_ACCESS_KEY_ID)];
        let answer = check("bad signature", call, 403, "SignatureDoesNotMatch", &elements).await;
        let canonical = answer.element("CanonicalRequest").expect("CanonicalRequest");
        assert!(
            canonical.starts_with("PUT\n/slipway-uploads/uploads/a.txt\n"),
            "{canonical}"
        );
        let to_sign = answer.element("StringToSign").expect("StringToSign");
        assert!(to_sign.starts_with("AWS4-HMAC-SHA256\n"), "{to_sign}");
        for name in ["SignatureProvided", "StringToSignBytes", "CanonicalRequestBytes"] {
            assert!(
                answer.element(name).is_some_and(|text| !text.is_empty()),
                "{name}"
            );
        }
    }
}

/// Changes one thing of a signed request and checks that the signature does not match any more.
async fn check_changed(what: &str, change: impl FnOnce(&mut Request<Full<Bytes>>)) {
    let stack = TestStack::start().await;
    let call = put()
        .header("content-length", "5")
        .header("content-type", "text/plain")
        .header("if-none-match", "*")
        .header("x-amz-meta-filename", "a.txt")
        .header("x-amz-checksum-sha256", &sha256(b"bytes"));
    let mut request = call.request(stack.endpoint()).expect("a request");
    change(&mut request);
    let answer = send(request).await;
    assert_eq!(answer.status, 403, "{what}");
    answer.is_error(403, "SignatureDoesNotMatch");
    assert_eq!(stack.stack.object_keys(), [""; 0], "{what}");
}

#[tokio::test]
async fn every_signed_header_is_enforced() {
    for (name, other) in [
        ("content-type", "text/html"),
        ("if-none-match", "\"etag\""),
        ("x-amz-meta-filename", "b.txt"),
        ("x-amz-checksum-sha256", &sha256(b"other")),
    ] {
        check_changed(name, |request| {
            request
                .headers_mut()
                .insert(name, other.parse().expect("a value"));
        })
        .await;
        check_changed(name, |request| {
            request.headers_mut().remove(name);
        })
        .await;
    }
    check_changed("content-length", |request| {
        request.headers_mut().insert("content-length", 4.into());
        *request.body_mut() = Full::from("byte");
    })
    .await;
    check_changed("method", |request| *request.method_mut() = http::Method::DELETE).await;
    check_changed("path", |request| {
        let uri = request.uri().to_string().replace("a.txt", "b.txt");
        *request.uri_mut() = uri.parse().expect("a URI");
    })
    .await;
    check_changed("query", |request| {
        let uri = format!("{}&x-id=PutObject", request.uri());
        *request.uri_mut() = uri.parse().expect("a URI");
    })
    .await;
}

#[tokio::test]
async fn role_may_not_write() {
    let stack = TestStack::start().await;
    let role = stack.endpoint().limited;
    let by_role = |method: Method, key: &str| Call::new(method, key).signed_by(&role);
    by_role(Method::Put, KEY)
        .body("bytes")
        .send(&stack)
        .await
        .is_success();
    for call in [
        by_role(Method::Put, "other/a.txt").body("bytes"),
        by_role(Method::Put, "uploads").body("bytes"),
        by_role(Method::Post, "other/a.txt").query("uploads", ""),
        by_role(Method::Get, KEY),
        by_role(Method::Delete, KEY),
        by_role(Method::Get, "").query("list-type", "2"),
        by_role(Method::Put, "").body("bytes"),
    ] {
        let answer = call.send(&stack).await;
        answer
            .is_error(403, "AccessDenied")
            .has_element("Message", "Access Denied");
    }
    assert_eq!(stack.stack.object_keys(), [KEY]);
}

#[tokio::test]
async fn session_token_missing_or_wrong() {
    let role = AccessKey::lasting(ROLE_ACCESS_KEY_ID, ROLE_SECRET_ACCESS_KEY);
    check("no token", put().signed_by(&role), 403, "InvalidAccessKeyId", &[]).await;
    let call = put().signed_by(&role.with_session_token("other"));
    check("another token", call, 400, "InvalidToken", &[]).await;
}

#[tokio::test]
async fn anonymous_requests_are_refused() {
    let stack = TestStack::start().await;
    let url = format!("{}/{}/{KEY}", stack.stack.s3_url(), local::BUCKET);
    for method in ["GET", "PUT", "DELETE"] {
        let request = Request::builder()
            .method(method)
            .uri(&url)
            .body(Full::from("bytes"))
            .expect("a request");
        send(request)
            .await
            .is_error(403, "AccessDenied")
            .has_element("Message", "Access Denied");
    }
    assert_eq!(stack.stack.object_keys(), [""; 0]);
}

#[tokio::test]
async fn missing_query_parameter() {
    let stack = TestStack::start().await;
    for name in [
        "Algorithm",
        "Credential",
        "Date",
        "Expires",
        "SignedHeaders",
        "Signature",
    ] {
        let mut request = put().request(stack.endpoint()).expect("a request");
        let uri = request
            .uri()
            .to_string()
            .replace(&format!("X-Amz-{name}="), "x-other=");
        *request.uri_mut() = uri.parse().expect("a URI");
        send(request)
            .await
            .is_error(400, "AuthorizationQueryParametersError");
    }
    assert_eq!(stack.stack.object_keys(), [""; 0]);
}

#[tokio::test]
async fn wrong_region() {
    let elements = [("Region", "us-east-1")];
    let code = "AuthorizationQueryParametersError";
    check("wrong region", put().region("eu-west-1"), 400, code, &elements).await;
}

#[tokio::test]
async fn unsigned_amz_headers_are_refused() {
    for name in [
        "x-amz-meta-a",
        "x-amz-acl",
        "x-amz-checksum-sha256",
        "x-amz-copy-source",
    ] {
        let elements = [
            (
                "Message",
                "There were headers present in the request which were not signed",
            ),
            ("HeadersNotSigned", name),
        ];
        let value = sha256(b"bytes");
        check(
            name,
            put().sent_header(name, &value),
            403,
            "AccessDenied",
            &elements,
        )
        .await;
        check(
            name,
            put().in_header().sent_header(name, &value),
            403,
            "AccessDenied",
            &elements,
        )
        .await;
    }
}

#[tokio::test]
async fn checksum_mismatch() {
    for (name, value) in [
        ("x-amz-checksum-sha256", sha256(b"other")),
        ("x-amz-checksum-crc32", "AAAAAA==".to_owned()),
        ("x-amz-checksum-crc32c", "AAAAAA==".to_owned()),
        ("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=".to_owned()),
        ("x-amz-checksum-sha1", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned()),
        ("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==".to_owned()),
    ] {
        check(name, put().header(name, &value), 400, "BadDigest", &[]).await;
    }
}

#[tokio::test]
async fn body_that_is_not_what_its_signature_says() {
    let stack = TestStack::start().await;
    let mut request = put().in_header().request(stack.endpoint()).expect("a request");
    *request.body_mut() = Full::from("other");
    send(request).await.is_error(400, "XAmzContentSHA256Mismatch");
    assert_eq!(stack.stack.object_keys(), [""; 0]);
}

#[tokio::test]
async fn checksum_not_base64() {
    for name in ["x-amz-checksum-sha256", "x-amz-checksum-crc32"] {
        let message = format!("Value for {name} header is invalid.");
        check(
            name,
            put().header(name, "not base64"),
            400,
            "InvalidRequest",
            &[("Message", &message)],
        )
        .await;
    }
    check(
        "content-md5",
        put().header("content-md5", "no"),
        400,
        "InvalidDigest",
        &[],
    )
    .await;
}

#[tokio::test]
async fn key_exists() {
    let stack = TestStack::start().await;
    for conditional in [
        put().header("if-none-match", "*"),
        put().query("If-None-Match", "*"),
    ] {
        put().send(&stack).await.is_success();
        let answer = conditional.clone().body("other").send(&stack).await;
        answer
            .is_error(412, "PreconditionFailed")
            .has_element("Condition", "If-None-Match");
        assert_eq!(stack.stored(KEY).as_deref(), Some(b"bytes".as_slice()));
        Call::new(Method::Delete, KEY).send(&stack).await.is_success();
        conditional.body("other").send(&stack).await.is_success();
        assert_eq!(stack.stored(KEY).as_deref(), Some(b"other".as_slice()));
    }
}

#[tokio::test]
async fn other_conditions_are_not_implemented() {
    let etag = "\"0123\"";
    for call in [
        put().header("if-none-match", etag),
        put().query("If-None-Match", etag),
    ] {
        check(
            "an ETag",
            call,
            501,
            "NotImplemented",
            &[("Header", "If-None-Match")],
        )
        .await;
    }
}

#[tokio::test]
async fn clock_wrong() {
    for call in [
        put().age(-3600),
        put().age(-3600).in_header(),
        put().age(3600).in_header(),
    ] {
        let elements = [("MaxAllowedSkewMilliseconds", "900000")];
        let answer = check("clock wrong", call, 403, "RequestTimeTooSkewed", &elements).await;
        assert!(
            answer
                .element("RequestTime")
                .is_some_and(|time| time.ends_with('Z'))
        );
        assert!(
            answer
                .element("ServerTime")
                .is_some_and(|time| time.ends_with('Z'))
        );
    }
}

#[tokio::test]
async fn throttled() {
    let stack = TestStack::start().await;
    stack.controls().fail_next_s3_requests(2, "PUT", 503, "SlowDown");
    for _ in 0..2 {
        put().send(&stack).await.is_error(503, "SlowDown");
        assert_eq!(stack.stack.object_keys(), [""; 0]);
    }
    put().send(&stack).await.is_success();
}

#[tokio::test]
async fn too_slow() {
    let stack = TestStack::start().await;
    stack.controls().set_s3_body_timeout(Duration::from_millis(50));
    let headers = &[("connection", "close"), ("content-length", "10")];
    let answer = send_raw(&stack, put(), headers, b"half", false).await;
    answer.is_error(400, "RequestTimeout");
    assert_eq!(stack.staged().len(), 0);
}

#[tokio::test]
async fn no_length() {
    let stack = TestStack::start().await;
    let answer = send_raw(&stack, put(), &[("connection", "close")], b"", false).await;
    answer.is_error(411, "MissingContentLength");
    let headers = &[("connection", "close"), ("transfer-encoding", "chunked")];
    let chunked = b"5\r\nbytes\r\n0\r\n\r\n";
    let answer = send_raw(&stack, put(), headers, chunked, false).await;
    answer
        .is_error(501, "NotImplemented")
        .has_element("Header", "Transfer-Encoding");
    assert_eq!(stack.stack.object_keys(), [""; 0]);
}

#[tokio::test]
async fn single_put_of_more_than_five_gib() {
    let stack = TestStack::start().await;
    let headers = &[("content-length", "5368709121"), ("expect", "100-continue")];
    let answer = send_raw(&stack, put(), headers, b"", true).await;
    answer
        .is_error(400, "EntityTooLarge")
        .has_element("MaxSizeAllowed", "5368709120");
}

#[tokio::test]
async fn other_buckets_do_not_exist() {
    let stack = TestStack::start().await;
    let answer = put().bucket("other-bucket").send(&stack).await;
    answer
        .is_error(404, "NoSuchBucket")
        .has_element("BucketName", "other-bucket");
    assert_eq!(stack.stack.object_keys(), [""; 0]);
}

#[tokio::test]
async fn what_the_bucket_does_not_offer_is_not_implemented() {
    let stack = TestStack::start().await;
    for call in [
        Call::new(Method::Get, KEY).query("acl", ""),
        Call::new(Method::Get, "").query("versions", ""),
        Call::new(Method::Get, "")
            .query("list-type", "2")
            .query("delimiter", "/"),
    ] {
        call.send(&stack).await.is_error(501, "NotImplemented");
    }
}

#[tokio::test]
async fn head_of_a_missing_object_has_no_body() {
    let stack = TestStack::start().await;
    let answer = Call::new(Method::Head, KEY).send(&stack).await;
    assert_eq!((answer.status, answer.body.len()), (404, 0));
    assert!(answer.header("x-amz-request-id").is_some());
}

#[tokio::test]
async fn signature_version_2_is_refused() {
    let stack = TestStack::start().await;
    let url = format!(
        "{}/{}/{KEY}?AWSAccessKeyId=A&Expires=9&Signature=s",
        stack.stack.s3_url(),
        local::BUCKET
    );
    let request = Request::put(url).body(Full::from("bytes")).expect("a request");
    send(request).await.is_error(400, "InvalidRequest");
}
