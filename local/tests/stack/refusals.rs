//! Every refusal that S3's facts name, one row a case.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use local::{ROLE_ACCESS_KEY_ID, ROLE_SECRET_ACCESS_KEY, ROLE_SESSION_TOKEN};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Answer, Call, TestStack, connect, head, send, sha256};

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
    assert_eq!(stack.stack.object_keys(), [""; 0], "{row}");
    assert_eq!(stack.staged(), [""; 0].map(std::path::PathBuf::from), "{row}");
    stack.stack.stop().await;
    answer
}

#[tokio::test]
async fn url_expired() {
    let call = put().expires(10).age(3600);
    let elements = [("Message", "Request has expired"), ("X-Amz-Expires", "10")];
    let answer = check("URL expired", call, 403, "AccessDenied", &elements).await;
    let expires = answer.element("Expires").expect("Expires");
    let now = answer.element("ServerTime").expect("ServerTime");
    assert!(
        expires < now && expires.len() == "2013-05-24T00:00:00Z".len(),
        "{expires} {now}"
    );
}

#[tokio::test]
async fn expiry_is_at_most_seven_days() {
    let code = "AuthorizationQueryParametersError";
    let answer = check("604,801 s", put().expires(604_801), 400, code, &[]).await;
    assert!(answer.text().contains("less than 604800 seconds"));
    let stack = TestStack::start().await;
    put().expires(604_800).send(&stack).await.is_success();
}

#[tokio::test]
async fn bad_signature() {
    let access_key = local::OWNER_ACCESS_KEY_ID;
    for call in [put(), put().in_header()] {
        let call = call.access_key(access_key, "wrong");
        let answer = check(
            "bad signature",
            call,
            403,
            "SignatureDoesNotMatch",
            &[("AWSAccessKeyId", access_key)],
        )
        .await;
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
        .signed("content-length", "5")
        .signed("content-type", "text/plain")
        .signed("if-none-match", "*")
        .signed("x-amz-meta-original-name", "a.txt")
        .signed("x-amz-checksum-sha256", &sha256(b"bytes"));
    let mut request = call.request(&stack);
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
        ("x-amz-meta-original-name", "b.txt"),
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
    let by_role = |method: &str, key: &str| {
        Call::new(method, key)
            .access_key(ROLE_ACCESS_KEY_ID, ROLE_SECRET_ACCESS_KEY)
            .session_token(ROLE_SESSION_TOKEN)
    };
    let stack = TestStack::start().await;
    by_role("PUT", KEY).body("bytes").send(&stack).await.is_success();
    for call in [
        by_role("PUT", "other/a.txt").body("bytes"),
        by_role("PUT", "uploads").body("bytes"),
        by_role("POST", "other/a.txt").query("uploads", ""),
        by_role("GET", KEY),
        by_role("DELETE", KEY),
        by_role("GET", "").query("list-type", "2"),
        by_role("PUT", "").body("bytes"),
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
    let by_role = put().access_key(ROLE_ACCESS_KEY_ID, ROLE_SECRET_ACCESS_KEY);
    check("no token", by_role.clone(), 403, "InvalidAccessKeyId", &[]).await;
    check(
        "another token",
        by_role.session_token("other"),
        400,
        "InvalidToken",
        &[],
    )
    .await;
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
async fn unknown_access_key() {
    let call = put().access_key("AKIAUNKNOWN", "secret");
    let elements = [("AWSAccessKeyId", "AKIAUNKNOWN")];
    check("unknown access key", call, 403, "InvalidAccessKeyId", &elements).await;
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
        let mut request = put().request(&stack);
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
        check(name, put().unsigned(name, &value), 403, "AccessDenied", &elements).await;
        check(
            name,
            put().in_header().unsigned(name, &value),
            403,
            "AccessDenied",
            &elements,
        )
        .await;
    }
}

#[tokio::test]
async fn unsigned_content_type_and_content_sha256_are_accepted() {
    let stack = TestStack::start().await;
    let call = put()
        .unsigned("content-type", "text/html")
        .unsigned("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    call.send(&stack).await.is_success();
    let head = Call::new("HEAD", KEY).send(&stack).await;
    assert_eq!(head.header("content-type"), Some("text/html"));
}

#[tokio::test]
async fn session_token_dead() {
    let stack = TestStack::start().await;
    let url = stack.stack.api_url() + "/presign?key=uploads/a.txt";
    let presigned = send(Request::get(url).body(Full::default()).expect("a request")).await;
    let url: serde_json::Value = serde_json::from_slice(&presigned.body).expect("JSON");
    let put = || {
        Request::put(url["uploadURL"].as_str().expect("a URL"))
            .body(Full::from("bytes"))
            .expect("a request")
    };
    stack.controls().set_lambda_session_expired(true);
    send(put()).await.is_error(400, "ExpiredToken");
    stack.controls().set_lambda_session_expired(false);
    send(put()).await.is_success();
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
        check(name, put().signed(name, &value), 400, "BadDigest", &[]).await;
    }
}

#[tokio::test]
async fn body_that_is_not_what_its_signature_says() {
    let stack = TestStack::start().await;
    let mut request = put().in_header().request(&stack);
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
            put().signed(name, "not base64"),
            400,
            "InvalidRequest",
            &[("Message", &message)],
        )
        .await;
    }
    check(
        "content-md5",
        put().signed("content-md5", "no"),
        400,
        "InvalidDigest",
        &[],
    )
    .await;
}

#[tokio::test]
async fn checksum_in_the_query_is_signed_and_ignored() {
    let stack = TestStack::start().await;
    put()
        .query("x-amz-checksum-sha256", &sha256(b"other"))
        .send(&stack)
        .await
        .is_success();
    assert_eq!(stack.stored(KEY).as_deref(), Some(b"bytes".as_slice()));
}

#[tokio::test]
async fn key_exists() {
    let stack = TestStack::start().await;
    for conditional in [
        put().signed("if-none-match", "*"),
        put().query("If-None-Match", "*"),
    ] {
        put().send(&stack).await.is_success();
        let answer = conditional.clone().body("other").send(&stack).await;
        answer
            .is_error(412, "PreconditionFailed")
            .has_element("Condition", "If-None-Match");
        assert_eq!(stack.stored(KEY).as_deref(), Some(b"bytes".as_slice()));
        Call::new("DELETE", KEY).send(&stack).await.is_success();
        conditional.body("other").send(&stack).await.is_success();
        assert_eq!(stack.stored(KEY).as_deref(), Some(b"other".as_slice()));
    }
}

#[tokio::test]
async fn other_conditions_are_not_implemented() {
    let etag = "\"0123\"";
    for call in [
        put().signed("if-none-match", etag),
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

/// Writes raw bytes, ends the sending side, and reads the whole answer.
async fn exchange(stack: &TestStack, bytes: &[u8], ends: bool) -> String {
    let mut stream = connect(&stack.stack.s3_url().parse().expect("a URI")).await;
    stream.write_all(bytes).await.expect("sent");
    if ends {
        stream.shutdown().await.expect("ended");
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

#[tokio::test]
async fn body_cut_short() {
    let stack = TestStack::start().await;
    let request = put().request(&stack);
    let bytes = format!("{}content-length: 10\r\n\r\nhalf", head(&request));
    let answer = exchange(&stack, bytes.as_bytes(), true).await;
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("<Code>IncompleteBody</Code>"),
        "{answer}"
    );
    assert_eq!(stack.stack.object_keys(), [""; 0]);
    assert_eq!(stack.staged().len(), 0);
}

#[tokio::test]
async fn too_slow() {
    let stack = TestStack::start().await;
    stack.controls().set_s3_body_timeout(Duration::from_millis(50));
    let request = put().request(&stack);
    let bytes = format!(
        "{}connection: close\r\ncontent-length: 10\r\n\r\nhalf",
        head(&request)
    );
    let answer = exchange(&stack, bytes.as_bytes(), false).await;
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("<Code>RequestTimeout</Code>"),
        "{answer}"
    );
    assert_eq!(stack.staged().len(), 0);
}

#[tokio::test]
async fn no_length() {
    let stack = TestStack::start().await;
    let head = head(&put().request(&stack)) + "connection: close\r\n";
    let answer = exchange(&stack, format!("{head}\r\n").as_bytes(), false).await;
    assert!(
        answer.starts_with("HTTP/1.1 411 ") && answer.contains("<Code>MissingContentLength</Code>"),
        "{answer}"
    );
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n5\r\nbytes\r\n0\r\n\r\n");
    let answer = exchange(&stack, chunked.as_bytes(), false).await;
    assert!(
        answer.starts_with("HTTP/1.1 501 ") && answer.contains("<Header>Transfer-Encoding</Header>"),
        "{answer}"
    );
    assert_eq!(stack.stack.object_keys(), [""; 0]);
}

#[tokio::test]
async fn single_put_of_more_than_five_gib() {
    let stack = TestStack::start().await;
    let request = put().request(&stack);
    let bytes = format!(
        "{}content-length: 5368709121\r\nexpect: 100-continue\r\n\r\n",
        head(&request)
    );
    let answer = exchange(&stack, bytes.as_bytes(), true).await;
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("<Code>EntityTooLarge</Code>"),
        "{answer}"
    );
    assert!(
        answer.contains("<MaxSizeAllowed>5368709120</MaxSizeAllowed>"),
        "{answer}"
    );
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
        Call::new("GET", KEY).query("acl", ""),
        Call::new("GET", "").query("versions", ""),
        Call::new("GET", "")
            .query("list-type", "2")
            .query("delimiter", "/"),
    ] {
        call.send(&stack).await.is_error(501, "NotImplemented");
    }
}

#[tokio::test]
async fn head_of_a_missing_object_has_no_body() {
    let stack = TestStack::start().await;
    let answer = Call::new("HEAD", KEY).send(&stack).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (404, 0));
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
