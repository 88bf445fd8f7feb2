//! What the program writes, at whatever level of its log: neither a signature nor a token.

use serde_json::Value;

use crate::support::{Program, SECRET, SESSION_TOKEN, event};

/// The values of every `X-Amz-Signature` in an answer.
fn signatures(body: &str) -> Vec<String> {
    let parts = body.split("X-Amz-Signature=").skip(1);
    parts
        .map(|rest| rest.chars().take_while(char::is_ascii_hexdigit).collect())
        .collect()
}

/// Runs the program at a level of the log, and checks all that it writes.
async fn check_level(level: &str) {
    // Whatever could turn up the log of a Rust program or of a Lambda function.
    let program = Program::start(&[
        ("RUST_LOG", level),
        ("AWS_LAMBDA_LOG_LEVEL", level),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ("LOG_LEVEL", level),
    ])
    .await;
    let mut issued = Vec::new();
    for name in [
        "get_presign",
        "post_uploads",
        "post_uploads_signed_in",
        "post_sign",
    ] {
        let (status, body) = program.send(&event(name)).await;
        assert_eq!(status, 200, "{name}");
        issued.extend(signatures(&body));
    }
    assert!(program.invoke(*b"{").await.is_err());
    let output = program.output.clone();
    program.stop().await;
    assert_eq!(issued.len(), 9);

    let lines = output.lines();
    let is_issue = |line: &&String| {
        let line: Value = serde_json::from_str(line).expect("each line is JSON");
        line["message"] == "issued"
    };
    assert_eq!(lines.iter().filter(is_issue).count(), issued.len(), "{level}");
    let bearer = "eyJraWQiOiJleGFtcGxlIiwiYWxnIjoiUlMyNTYifQ";
    let secrets = [
        SESSION_TOKEN,
        "IQoJb3JpZ2lu",
        SECRET,
        "wJalrXUtnFEMI",
        bearer,
        "X-Amz-",
        "https://",
    ];
    let text = output.text();
    for secret in issued.iter().map(String::as_str).chain(secrets) {
        assert!(!text.contains(secret), "at level {level}, {secret} is in {text}");
    }
}

#[tokio::test]
async fn no_signature_and_no_token_is_written_at_any_level() {
    for level in ["trace", "TRACE", "debug", "INFO", "error"] {
        check_level(level).await;
    }
}

#[tokio::test]
async fn the_metrics_are_lines_of_the_output() {
    let program = Program::start(&[]).await;
    program.send(&event("post_uploads")).await;
    let is_metrics = |line: &str| line.contains(r#""_aws""#) && line.contains(r#""UrlsIssued":3"#);
    program.output.until("there are metrics", is_metrics).await;
    program.stop().await;
}
