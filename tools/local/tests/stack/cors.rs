//! CORS over the wire: preflights, and headers on every answer that a page may read.

use http::Request;
use http_body_util::Full;
use s3_conformance::{Answer, Call};

use crate::support::{PAGE, Send as _, TestStack, send};

const ALLOW_ORIGIN: &str = "access-control-allow-origin";

fn url(stack: &TestStack) -> String {
    format!(
        "{}/{}/uploads/a?X-Amz-Signature=none",
        stack.stack.s3_url(),
        local::BUCKET
    )
}

/// Sends a preflight with those of these headers that are not empty.
async fn preflight(stack: &TestStack, origin: &str, method: &str, headers: &str) -> Answer {
    let mut request = Request::options(url(stack));
    for (name, value) in [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", headers),
    ] {
        if !value.is_empty() {
            request = request.header(name, value);
        }
    }
    send(request.body(Full::default()).expect("a request")).await
}

#[tokio::test]
async fn a_preflight_needs_no_signature_and_names_what_is_allowed() {
    let stack = TestStack::start().await;
    let headers = "content-type,if-none-match,x-amz-checksum-sha256,x-amz-meta-filename";
    let answer = preflight(&stack, PAGE, "PUT", headers).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(answer.header(ALLOW_ORIGIN), Some(PAGE));
    assert_eq!(
        answer.header("access-control-allow-methods"),
        Some("PUT, POST, GET, DELETE")
    );
    assert_eq!(
        answer.header("access-control-allow-headers"),
        Some(headers.replace(',', ", ").as_str())
    );
    assert_eq!(answer.header("access-control-max-age"), Some("3000"));
    assert!(answer.header("vary").is_some_and(|vary| vary.contains("Origin")));
    assert!(answer.header("x-amz-request-id").is_some());
}

#[tokio::test]
async fn a_preflight_that_no_rule_allows_is_refused() {
    let stack = TestStack::start().await;
    for (origin, method, headers) in [
        ("http://evil.example", "PUT", "content-type"),
        (PAGE, "HEAD", ""),
        (PAGE, "PUT", "x-amz-acl"),
    ] {
        let answer = preflight(&stack, origin, method, headers).await;
        answer.is_error(403, "AccessForbidden");
        let message = answer.element("Message").expect("a message");
        assert!(
            message.starts_with("CORSResponse: This CORS request is not allowed."),
            "{message}"
        );
        assert_eq!(answer.header(ALLOW_ORIGIN), None);
    }
    for (origin, method) in [("", "PUT"), (PAGE, ""), (PAGE, "PATCH")] {
        let answer = preflight(&stack, origin, method, "").await;
        answer.is_error(400, "BadRequest");
    }
}

#[tokio::test]
async fn preflights_are_not_affected_by_planned_failures() {
    let stack = TestStack::start().await;
    stack.controls().fail_next_s3_requests(1, "PUT", 503, "SlowDown");
    assert_eq!(preflight(&stack, PAGE, "PUT", "").await.status, 200);
    let answer = Call::put("uploads/a", "bytes")
        .sent_header("origin", PAGE)
        .send(&stack)
        .await;
    assert_eq!(answer.is_error(503, "SlowDown").header(ALLOW_ORIGIN), Some(PAGE));
}

#[tokio::test]
async fn the_page_may_read_successes_and_errors() {
    let stack = TestStack::start().await;
    let put = Call::put("uploads/a", "bytes")
        .header("if-none-match", "*")
        .sent_header("origin", PAGE);
    for status in [200, 412] {
        let answer = put.send(&stack).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header(ALLOW_ORIGIN), Some(PAGE), "{status}");
        let exposed = answer
            .header("access-control-expose-headers")
            .expect("exposed headers");
        assert_eq!(exposed, wire::EXPOSED_HEADERS.join(", "));
    }
}

#[tokio::test]
async fn a_request_of_another_origin_is_carried_out_and_hidden() {
    let stack = TestStack::start().await;
    let answer = Call::put("uploads/a", "bytes")
        .sent_header("origin", "http://evil.example")
        .send(&stack)
        .await;
    assert_eq!(answer.is_success().header(ALLOW_ORIGIN), None);
    assert_eq!(stack.stored("uploads/a").as_deref(), Some(b"bytes".as_slice()));
}

#[tokio::test]
async fn an_origin_with_a_star_admits_pages_on_any_port() {
    let stack = TestStack::with_origin("http://127.0.0.1:*").await;
    let page = "http://127.0.0.1:43210";
    let answer = preflight(&stack, page, "PUT", "content-type").await;
    assert_eq!((answer.status, answer.header(ALLOW_ORIGIN)), (200, Some(page)));
    preflight(&stack, "http://127.0.0.2:43210", "PUT", "")
        .await
        .is_error(403, "AccessForbidden");
    let url = stack.stack.api_url() + "/health";
    let request = Request::get(url)
        .header("origin", page)
        .body(Full::default())
        .expect("a request");
    assert_eq!(send(request).await.header(ALLOW_ORIGIN), Some("*"));
}
