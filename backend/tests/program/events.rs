//! Events, good and bad: each has an answer, and the next one too.

use local::FunctionError;

use crate::support::{Program, changed, code, event};

#[tokio::test]
async fn recorded_events_are_answered() {
    let program = Program::start(&[]).await;
    for (name, status) in [
        ("get_health", 200),
        ("get_presign", 200),
        ("options_uploads", 204),
        ("post_uploads", 200),
        ("post_uploads_base64", 200),
        ("post_uploads_signed_in", 200),
        ("post_uploads_no_body", 400),
        ("post_sign", 200),
    ] {
        assert_eq!(program.send(&event(name)).await.0, status, "{name}");
    }
    program.stop().await;
}

#[tokio::test]
async fn malformed_events_are_bad_requests() {
    let program = Program::start(&[]).await;
    for event in [
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        r#"{"Records": []}"#.to_owned(),
        changed("get_presign", "/rawPath", 1),
        changed("get_presign", "/requestContext/http", "GET"),
        changed("post_uploads", "/headers", "none"),
        changed("post_uploads_base64", "/body", "!!!!"),
    ] {
        let (status, body) = program.send(&event).await;
        assert_eq!((status, code(&body).as_str()), (400, "InvalidRequest"), "{event}");
    }
    for query in ["key=a<b", "key=a b", "key=%zz", "key=\u{0}", "<", " "] {
        let (status, _) = program
            .send(&changed("get_presign", "/rawQueryString", query))
            .await;
        assert!(status == 200 || status == 400, "{query:?} gives {status}");
    }
    program.stop().await;
}

#[tokio::test]
async fn bytes_that_are_not_json_fail_their_own_event_and_no_other() {
    let program = Program::start(&[]).await;
    // The Lambda service takes nothing but JSON, so no such event comes from API Gateway.
    for event in [b"".as_slice(), b"{", b"\xff\xfe"] {
        let answer = program.invoke(event).await;
        assert!(matches!(answer, Err(FunctionError::Failed(_))), "{answer:?}");
    }
    program.stop().await;
}

#[tokio::test]
async fn payloads_of_10_mb_are_answered() {
    let program = Program::start(&[]).await;
    let large = 10 * 1024 * 1024;
    let text = changed("post_uploads", "/body", " ".repeat(large));
    let base64 = changed("post_uploads_base64", "/body", "e30=".repeat(large / 4));
    for event in [text, base64] {
        let (status, body) = program.send(&event).await;
        assert_eq!((status, code(&body).as_str()), (413, "BodyTooLarge"));
    }
    let long = changed(
        "get_presign",
        "/rawQueryString",
        format!("key={}", "k".repeat(large)),
    );
    let (status, body) = program.send(&long).await;
    assert_eq!((status, code(&body).as_str()), (400, "InvalidKey"));
    program.stop().await;
}
