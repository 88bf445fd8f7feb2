//! The running program, its output and recorded events.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use local::{FunctionError, FunctionOptions, FunctionProcess};
use serde_json::Value;
use tokio::time::{Instant, sleep};

pub(crate) const KEY_ID: &str = "ASIAIOSFODNN7EXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
pub(crate) const SESSION_TOKEN: &str = "IQoJb3JpZ2luX2VjEXAMPLETOKEN//////////wEaDGV1LWNlbnRyYWwtMQ==";

/// The Lambda's program: the one that `cargo xtask test` has built as it is deployed, or this build's.
pub(crate) fn program() -> PathBuf {
    let released = std::env::var_os("SLIPWAY_LAMBDA");
    released.map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_backend")), PathBuf::from)
}

/// The lines that a program has written.
#[derive(Clone, Default)]
pub(crate) struct Output(Arc<Mutex<Vec<String>>>);

impl Output {
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().expect("no test panicked").clone()
    }

    pub(crate) fn text(&self) -> String {
        self.lines().join("\n")
    }

    /// Waits until some line satisfies the condition; a program's output arrives apart from its answers.
    pub(crate) async fn until(&self, what: &str, condition: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.lines().iter().any(|line| condition(line)) {
            assert!(Instant::now() < deadline, "{what} in {}", self.text());
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A program and what it writes.
pub(crate) struct Program {
    process: FunctionProcess,
    pub(crate) output: Output,
}

/// The variables of a function that is set up, with some more; an empty value takes one away.
fn variables(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let usual = [
        ("BUCKET_NAME", "photos"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_SESSION_TOKEN", SESSION_TOKEN),
    ];
    let pairs = usual.iter().chain(changes);
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

impl Program {
    pub(crate) async fn start(changes: &[(&str, &str)]) -> Self {
        let (started, output) = Self::try_start(changes).await;
        let process = started.unwrap_or_else(|error| panic!("{error}\n{}", output.text()));
        Self { process, output }
    }

    pub(crate) async fn try_start(
        changes: &[(&str, &str)],
    ) -> (Result<FunctionProcess, FunctionError>, Output) {
        let output = Output::default();
        let lines = Arc::clone(&output.0);
        let options = FunctionOptions {
            program: program(),
            arguments: Vec::new(),
            folder: None,
            variables: variables(changes),
            output: Arc::new(move |line| lines.lock().expect("no test panicked").push(line.to_owned())),
        };
        (FunctionProcess::start(&options).await, output)
    }

    /// Sends an event and returns the answer's status and body. The answer must be one that API Gateway
    /// takes.
    pub(crate) async fn send(&self, event: &str) -> (u64, String) {
        let answer = self.process.invoke(event.to_owned()).await.expect("an answer");
        let answer: Value = serde_json::from_slice(&answer).expect("JSON");
        let headers = answer["headers"].as_object().expect("headers");
        assert!(headers.values().all(Value::is_string), "{answer}");
        assert_eq!(answer["isBase64Encoded"], false, "{answer}");
        let status = answer["statusCode"].as_u64().expect("a status");
        assert!((200..600).contains(&status), "{answer}");
        (status, answer["body"].as_str().expect("a body").to_owned())
    }

    pub(crate) async fn invoke(&self, event: impl Into<Vec<u8>>) -> Result<Vec<u8>, FunctionError> {
        self.process.invoke(event.into()).await.map(Vec::from)
    }

    /// Checks that the program still answers, and stops it.
    pub(crate) async fn stop(self) {
        assert_eq!(self.send(&event("get_health")).await.0, 200);
        self.process.stop().await;
    }
}

/// A recorded event by the name of its file.
pub(crate) fn event(name: &str) -> String {
    let path = format!("{}/tests/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).expect("a recorded event")
}

/// A recorded event with one place changed, which `pointer` names as in RFC 6901.
pub(crate) fn changed(name: &str, pointer: &str, value: impl Into<Value>) -> String {
    let mut event: Value = serde_json::from_str(&event(name)).expect("JSON");
    let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
    event.pointer_mut(parent).expect("a parent")[field] = value.into();
    event.to_string()
}

/// The code of an error body.
pub(crate) fn code(body: &str) -> String {
    let body: Value = serde_json::from_str(body).expect("JSON");
    body["error"]["code"].as_str().expect("a code").to_owned()
}
