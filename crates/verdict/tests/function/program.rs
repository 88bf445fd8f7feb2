//! The function's program, run as Lambda runs it.

use std::{sync::Arc, time::Duration};

use local::{
    FunctionError, FunctionOptions, FunctionProcess, OWNER_ACCESS_KEY_ID, OWNER_SECRET_ACCESS_KEY, REGION,
};
use serde_json::{Value, json};
use tokio::{task::spawn_blocking, time::Instant};
use verdict::{ObjectStore as _, ObjectVersion, S3Store, TAG};

use crate::{
    over_http::World,
    support::{BUCKET, PNG},
};

fn options(variables: &[(&str, &str)]) -> FunctionOptions {
    let own = [
        ("BUCKET_NAME", BUCKET),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", OWNER_ACCESS_KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", OWNER_SECRET_ACCESS_KEY),
    ];
    let variables = own.iter().chain(variables);
    FunctionOptions {
        program: env!("CARGO_BIN_EXE_verdict").into(),
        arguments: Vec::new(),
        folder: None,
        variables: variables
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        output: Arc::new(|line| eprintln!("{line}")),
    }
}

fn event(key: &str) -> String {
    let object = json!({"key": key, "size": PNG.len()});
    let record = json!({
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": BUCKET}, "object": object},
    });
    json!({ "Records": [record] }).to_string()
}

/// Waits until an object has this verdict.
async fn has_verdict(store: &Arc<S3Store>, object: &ObjectVersion, expected: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let (store, object) = (Arc::clone(store), object.clone());
        let tags = spawn_blocking(move || store.tags(&object).expect("an answer"));
        let tags = tags.await.expect("it ends").expect("an object");
        if tags.get(TAG).map(String::as_str) == Some(expected) {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{expected} within 10 seconds: {tags:?}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_program_judges_an_object_of_s3_and_tells_the_page() {
    let world = World::start().await;
    let object = world.upload("a.png", PNG).await;
    let store = Arc::new(world.store());
    // The stack judges the object by rules of its own first.
    has_verdict(&store, &object, "clean").await;
    let url = world.stack.s3_url();
    let options = options(&[("AWS_ENDPOINT_URL_S3", &url), ("FORBIDDEN_TYPES", "image/png")]);
    let program = FunctionProcess::start(&options).await.expect("it starts");
    let answer = program.invoke(event(&object.key)).await.expect("an answer");
    assert_eq!(answer, "null");
    has_verdict(&store, &object, "forbidden").await;
    let request = json!({
        "rawPath": "/verdicts",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": "POST"}},
        "body": json!({"keys": ["uploads/anonymous/a.png"]}).to_string(),
    });
    let answer = program.invoke(request.to_string()).await.expect("an answer");
    let answer: Value = serde_json::from_slice(&answer).expect("JSON");
    assert_eq!(answer["body"], r#"{"verdicts":["pending"]}"#, "{answer}");
    program.stop().await;
}

#[tokio::test]
async fn an_event_that_cannot_be_handled_is_an_error_for_lambda() {
    let options = options(&[("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")]);
    let program = FunctionProcess::start(&options).await.expect("it starts");
    let error = program
        .invoke(event("uploads/a.png"))
        .await
        .expect_err("nobody is there");
    assert!(
        matches!(&error, FunctionError::Failed(report) if report.windows(16).any(|part| part == b"GetObjectTagging")),
        "{error}"
    );
    // The next event is handled nonetheless.
    let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent"}).to_string();
    assert_eq!(program.invoke(test).await.expect("an answer"), "null");
    program.stop().await;
}

#[tokio::test]
async fn a_bad_setting_stops_the_start_with_its_name() {
    let error = FunctionProcess::start(&options(&[("FORBIDDEN_TYPES", "exe")])).await;
    let error = error.err().expect("it does not start").to_string();
    assert!(error.contains("FORBIDDEN_TYPES"), "{error}");
}
