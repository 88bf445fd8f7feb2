//! A running stack, and requests to it.

use std::{fs, path::PathBuf, time::Duration};

use base64ct::{Base64, Encoding as _};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use local::{Controls, Stack, StackOptions};
use s3_conformance::{Answer, Call, Endpoint, RawRequest};
use s3s::crypto::{Checksum as _, Md5, Sha256};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::spawn_blocking;

/// The origin of the page in these tests.
pub(crate) const PAGE: &str = "http://127.0.0.1:8080";

/// A stack on free ports with a data folder of its own.
pub(crate) struct TestStack {
    pub(crate) stack: Stack,
    pub(crate) data: TempDir,
}

impl TestStack {
    pub(crate) async fn start() -> Self {
        Self::with_variables(&[]).await
    }

    pub(crate) async fn with_variables(variables: &[(&str, &str)]) -> Self {
        Self::with(PAGE, variables).await
    }

    pub(crate) async fn with_origin(origin: &str) -> Self {
        Self::with(origin, &[]).await
    }

    async fn with(origin: &str, variables: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let stack = Stack::start(StackOptions {
            allowed_origins: vec![origin.to_owned()],
            lambda_variables: variables.collect(),
            ..StackOptions::new(data.path().to_owned())
        });
        Self {
            stack: stack.await.expect("the stack starts"),
            data,
        }
    }

    pub(crate) fn controls(&self) -> &Controls {
        self.stack.controls()
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::of_stack(&self.stack)
    }

    pub(crate) fn stored(&self, key: &str) -> Option<Vec<u8>> {
        let has_key = self.stack.object_keys().iter().any(|found| found == key);
        has_key.then(|| fs::read(self.stack.object_path(key)).expect("the object's file"))
    }

    /// Checks that the bucket and the staging folder are empty.
    #[track_caller]
    pub(crate) fn is_empty(&self) {
        assert_eq!(self.stack.object_keys(), [""; 0]);
        assert_eq!(self.staged(), [""; 0].map(PathBuf::from));
    }

    /// The files that wait in the staging folder.
    pub(crate) fn staged(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.data.path().join(".state/staging")).expect("the folder");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }
}

/// Sends calls to a stack.
pub(crate) trait Send {
    async fn send(&self, stack: &TestStack) -> Answer;
}

impl Send for Call {
    async fn send(&self, stack: &TestStack) -> Answer {
        send(self.request(stack.endpoint()).expect("a request")).await
    }
}

/// Sends a request and reads the answer.
pub(crate) async fn send(request: Request<Full<Bytes>>) -> Answer {
    Answer::to(request).await.expect("an answer")
}

/// Sends JSON to the API and reads the answer.
pub(crate) async fn post_json(stack: &TestStack, path: &str, body: &Value) -> Answer {
    let request = Request::post(format!("{}{path}", stack.stack.api_url()))
        .header("content-type", "application/json")
        .body(Full::from(body.to_string()));
    send(request.expect("a request")).await
}

/// The JSON of a success.
#[track_caller]
pub(crate) fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.is_success().body).expect("JSON")
}

/// Sends the head of a call with these headers besides its own, and then these bytes; `ends` closes the sending
/// side. For requests that no client would send.
pub(crate) async fn send_raw(
    stack: &TestStack,
    call: Call,
    headers: &'static [(&'static str, &'static str)],
    bytes: &'static [u8],
    ends: bool,
) -> Answer {
    let endpoint = stack.endpoint();
    let answer = spawn_blocking(move || {
        let mut request = RawRequest::open(&call, &endpoint, headers)?;
        request.write(bytes)?;
        if ends {
            request.end_writing()?;
        }
        request.answer()
    });
    answer.await.expect("it ends").expect("an answer")
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(tokio::time::Instant::now() < deadline, "{what} within 10 seconds");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The SHA-256 of bytes in base64.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Base64::encode_string(&Sha256::checksum(bytes))
}

/// The MD5 of bytes.
pub(crate) fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::checksum(bytes)
}

/// The MD5 of bytes as an ETag has it, without quotes.
pub(crate) fn md5_text(bytes: &[u8]) -> String {
    md5(bytes).map(|byte| format!("{byte:02x}")).concat()
}
