//! How the program starts, or says why it does not.

use std::process::{Command, Stdio};

use local::FunctionError;
use serde_json::Value;

use crate::support::{Program, event, program};

/// Starts the program with a fault in its variables, and checks that its report names the setting.
async fn check_start_error(changes: &[(&str, &str)], setting: &str) {
    let (started, output) = Program::try_start(changes).await;
    let Err(FunctionError::Start(report)) = started else {
        panic!("{changes:?} gave no report\n{}", output.text())
    };
    let report: Value = serde_json::from_slice(&report).expect("JSON");
    assert_eq!(report["errorType"], "Runtime.InitError");
    let message = report["errorMessage"].as_str().expect("a message");
    assert!(message.contains(setting), "{message}");
    output
        .until("the log names the setting", |line| line.contains(setting))
        .await;
}

#[tokio::test]
async fn a_setting_that_is_missing_or_bad_is_reported_by_name() {
    check_start_error(&[("BUCKET_NAME", "")], "BUCKET_NAME").await;
    check_start_error(&[("AWS_REGION", "")], "AWS_REGION_NAME").await;
    check_start_error(&[("MAX_UPLOAD_BYTES", "5GB")], "MAX_UPLOAD_BYTES").await;
    check_start_error(&[("OBJECT_TAGS", "x")], "OBJECT_TAGS").await;
}

#[test]
fn outside_lambda_the_program_says_so() {
    let mut command = Command::new(program());
    let output = command
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9")
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(!output.status.success());
    assert!(said.contains("AWS_LAMBDA_FUNCTION_NAME"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

/// Lambda hands new credentials to a new process and never to a running one.
#[tokio::test]
async fn a_new_process_signs_with_the_credentials_of_its_own() {
    for key_id in ["ASIAFIRSTEXAMPLE", "ASIASECONDEXAMPLE"] {
        let token = format!("{key_id}TOKEN");
        let rotated = [("AWS_ACCESS_KEY_ID", key_id), ("AWS_SESSION_TOKEN", &token)];
        let program = Program::start(&rotated).await;
        let (status, body) = program.send(&event("get_presign")).await;
        assert_eq!(status, 200);
        assert!(body.contains(&format!("X-Amz-Credential={key_id}%2F")), "{body}");
        assert!(body.contains(&format!("X-Amz-Security-Token={token}")), "{body}");
        program.stop().await;
    }
}

#[tokio::test]
async fn without_credentials_nothing_is_signed() {
    let program = Program::start(&[("AWS_SECRET_ACCESS_KEY", "")]).await;
    let (status, body) = program.send(&event("get_presign")).await;
    assert_eq!(status, 500);
    assert!(!body.contains("X-Amz-"), "{body}");
    program.stop().await;
}
