//! The whole stack with the program in it: HTTP in, a stored object out.

use std::process::Command;

use local::{Stack, StackOptions};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::program;

struct TestStack {
    stack: Stack,
    _data: TempDir,
}

impl TestStack {
    async fn start() -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let options = StackOptions {
            allowed_origins: vec!["http://127.0.0.1:8080".to_owned()],
            ..StackOptions::new(data.path().to_owned())
        };
        let stack = Stack::start_with_program(options, program());
        Self {
            stack: stack.await.expect("the stack starts"),
            _data: data,
        }
    }

    /// Asks for a URL for the key.
    async fn presign(&self, key: &str) -> (u16, Value) {
        let url = format!("{}/api/presign?key={key}", self.stack.api_url());
        let answer = blocking(move || {
            let mut response = agent().get(url).call().expect("an answer");
            let body = response.body_mut().read_to_string().expect("a body");
            (response.status().as_u16(), body)
        });
        let (status, body) = answer.await;
        (status, serde_json::from_str(&body).expect("JSON"))
    }

    async fn put(&self, url: String, bytes: &'static str) -> u16 {
        blocking(move || {
            let response = agent().put(url).content_type("").send(bytes);
            response.expect("an answer").status().as_u16()
        })
        .await
    }
}

fn agent() -> ureq::Agent {
    let configuration = ureq::Agent::config_builder().http_status_as_error(false);
    configuration.build().into()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("it ends")
}

#[tokio::test]
async fn a_url_of_the_program_stores_an_object_once() {
    let stack = TestStack::start().await;
    let (status, answer) = stack.presign("a%20b.txt").await;
    assert_eq!((status, &answer["key"]), (200, &"a b.txt".into()));
    let url = answer["uploadURL"].as_str().expect("a URL").to_owned();
    assert_eq!(stack.put(url.clone(), "first").await, 200);
    assert_eq!(stack.put(url, "second").await, 412);
    assert_eq!(stack.stack.object_keys(), ["uploads/a b.txt"]);
    let path = stack.stack.object_path("uploads/a b.txt");
    assert_eq!(std::fs::read(path).expect("the file"), b"first");
    stack.stack.stop().await;
}

#[tokio::test]
async fn refusals_of_the_program_are_the_gateway_s_answers() {
    let stack = TestStack::start().await;
    let (status, answer) = stack.presign("..").await;
    assert_eq!((status, &answer["error"]["code"]), (400, &"InvalidKey".into()));
    stack.stack.stop().await;
}

#[tokio::test]
async fn a_program_that_ended_is_started_again() {
    let stack = TestStack::start().await;
    let process_id = stack.stack.lambda_process_id().await.expect("a process");
    let killed = Command::new("kill")
        .args(["-9", &process_id.to_string()])
        .status();
    assert!(killed.expect("kill runs").success());
    // The event that finds the program dying may fail with it; the next one does not.
    let mut status = stack.presign("a.txt").await.0;
    if status == 500 {
        status = stack.presign("a.txt").await.0;
    }
    assert_eq!(status, 200);
    let restarted = stack.stack.lambda_process_id().await;
    assert_ne!(restarted, Some(process_id));
    stack.stack.stop().await;
}
