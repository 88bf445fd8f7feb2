//! A backend in a fixed environment, and recorded events that a test can change.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ::http::Response;
use aws_credential_types::Credentials;
use backend::{Backend, Settings};
use lambda_api::{Environment, json_log};
use serde_json::Value;
use wire::ErrorCode;

use crate::openapi;

/// 2025-11-24T18:20:00Z.
pub(crate) const NOW: u64 = 1_764_008_400;

/// The session token of the fixed credentials.
pub(crate) const SESSION_TOKEN: &str = "IQoJb3JpZ2luX2VjEXAMPLETOKEN//////////wEaDGV1LWNlbnRyYWwtMQ==";

/// The secret of the recorded upload link: 32 bytes from 0 to 31.
pub(crate) const LINK_SECRET: (&str, &str) = ("LINK_SECRET", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");

/// A fixed time, fixed credentials and the same random bytes each time.
#[derive(Default)]
pub(crate) struct FixedEnvironment {
    /// How often something was signed: each time the credentials are asked for.
    signings: AtomicUsize,
    metrics: Mutex<Vec<String>>,
    lacks_credentials: bool,
}

impl Environment for FixedEnvironment {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(NOW)
    }

    fn credentials(&self) -> Credentials {
        self.signings.fetch_add(1, Ordering::Relaxed);
        let secret = match self.lacks_credentials {
            true => "",
            false => "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        };
        Credentials::new(
            "ASIAIOSFODNN7EXAMPLE",
            secret,
            Some(SESSION_TOKEN.to_owned()),
            None,
            "test",
        )
    }

    fn random(&self) -> [u8; 10] {
        [0; 10]
    }

    fn write_metrics(&self, document: &str) {
        let mut documents = self.metrics.lock().expect("no test panicked");
        documents.push(document.to_owned());
    }
}

/// A backend, its environment and what it logged.
pub(crate) struct Stage {
    backend: Backend,
    environment: Arc<FixedEnvironment>,
    log: Log,
}

/// A writer that keeps what was written.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test panicked").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stage {
    /// A backend for the bucket `photos` with some more settings.
    pub(crate) fn new(variables: &[(&str, &str)]) -> Self {
        Self::in_environment(FixedEnvironment::default(), variables)
    }

    /// A backend that has upload links, which whoever is signed in may make, and some more settings.
    pub(crate) fn with_links(variables: &[(&str, &str)]) -> Self {
        Self::new(&[variables, &[LINK_SECRET, ("LINK_MAKERS", "*")]].concat())
    }

    /// A backend that cannot sign.
    pub(crate) fn without_credentials() -> Self {
        let environment = FixedEnvironment {
            lacks_credentials: true,
            ..FixedEnvironment::default()
        };
        Self::in_environment(environment, &[LINK_SECRET])
    }

    fn in_environment(environment: FixedEnvironment, variables: &[(&str, &str)]) -> Self {
        let settings = Settings::from_variables(|name| {
            let given = variables
                .iter()
                .find(|(given, _)| *given == name)
                .map(|(_, value)| *value);
            let value = given.or(match name {
                "BUCKET_NAME" => Some("photos"),
                "AWS_REGION" => Some("eu-central-1"),
                "ALLOWED_ORIGINS" => Some("https://upload.example.com"),
                _ => None,
            });
            value.map(str::to_owned)
        });
        let environment = Arc::new(environment);
        Self {
            backend: Backend::new(settings.expect("settings"), environment.clone()),
            environment,
            log: Log::default(),
        }
    }

    /// Sends an event, and checks that the answer is one that the OpenAPI description has.
    pub(crate) fn send(&self, event: &Value) -> Response<String> {
        let response = self.send_bytes(event.to_string().as_bytes());
        openapi::check_answer(event, &response);
        response
    }

    /// Checks that an event is refused with this code and its status, and that nothing is signed for it.
    pub(crate) fn refuses(&self, event: &Value, code: ErrorCode) {
        let response = self.send(event);
        let body = json(&response);
        assert_eq!(response.status().as_u16(), code.status(), "{event}");
        assert_eq!(body["error"]["code"], code.as_str(), "{event}");
        assert!(
            body["error"]["message"]
                .as_str()
                .is_some_and(|message| !message.is_empty())
        );
        assert_eq!(self.signings(), 0, "something was signed for {event}");
        assert!(!body.to_string().contains("X-Amz-"), "{body}");
    }

    /// Sends what may be no event, and reads the answer as API Gateway does.
    pub(crate) fn send_bytes(&self, event: &[u8]) -> Response<String> {
        let log = self.log.clone();
        let subscriber = json_log(move || log.clone());
        let answer = tracing::subscriber::with_default(subscriber, || {
            self.backend.handle(event, "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
        });
        read_answer(&serde_json::to_value(&answer).expect("JSON"))
    }

    /// The documents of metrics that were written.
    pub(crate) fn metrics(&self) -> Vec<Value> {
        let documents = self.environment.metrics.lock().expect("no test panicked");
        let documents = documents.iter();
        documents
            .map(|document| serde_json::from_str(document).expect("a document is JSON"))
            .collect()
    }

    /// How often something was signed.
    pub(crate) fn signings(&self) -> usize {
        self.environment.signings.load(Ordering::Relaxed)
    }

    /// What was logged, as it was written.
    pub(crate) fn log(&self) -> String {
        String::from_utf8(self.log.0.lock().expect("no test panicked").clone()).expect("UTF-8")
    }

    /// The lines that were logged.
    pub(crate) fn log_lines(&self) -> Vec<Value> {
        self.log()
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line is JSON"))
            .collect()
    }
}

/// Reads an answer of payload format 2.0 as HTTP.
fn read_answer(answer: &Value) -> Response<String> {
    let status = answer["statusCode"].as_u64().expect("a status");
    assert_eq!(answer["isBase64Encoded"], false);
    let mut response = Response::builder().status(u16::try_from(status).expect("a status"));
    for (name, value) in answer["headers"].as_object().expect("headers") {
        response = response.header(name, value.as_str().expect("text"));
    }
    let body = answer["body"].as_str().expect("text");
    response.body(body.to_owned()).expect("a response")
}

/// A recorded event by the name of its file.
pub(crate) fn event(name: &str) -> Value {
    let path = format!("{}/tests/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("a recorded event");
    serde_json::from_str(&text).expect("JSON")
}

/// The recorded `GET /presign` with another raw query.
pub(crate) fn presign_event(query: &str) -> Value {
    let mut event = event("get_presign");
    event["rawQueryString"] = query.into();
    event
}

/// A recorded POST with another body.
pub(crate) fn with_body(name: &str, body: &str) -> Value {
    let mut event = event(name);
    event["body"] = body.into();
    event
}

/// A recorded request, sent by upload link instead: to `/link/…`, with the recorded link.
pub(crate) fn by_link(name: &str) -> Value {
    let mut event = event(name);
    let path = event["rawPath"].as_str().expect("a path");
    let (_, route) = path.rsplit_once('/').expect("a route");
    if route != "link" {
        event["rawPath"] = format!("/link/{route}").into();
    }
    event["requestContext"]["stage"] = "$default".into();
    event["headers"]["authorization"] = self::event("post_link_uploads")["headers"]["authorization"].clone();
    event
}

/// An answer's body as JSON.
pub(crate) fn json(response: &Response<String>) -> Value {
    serde_json::from_str(response.body()).expect("a JSON body")
}

/// The names and decoded values of a URL's query.
fn query(url: &str) -> Vec<(String, String)> {
    let (_, query) = url.split_once('?').expect("a query");
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    query
        .split('&')
        .map(|pair| pair.split_once('=').expect("a value"))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// The value of one name of a URL's query.
pub(crate) fn query_value(url: &str, name: &str) -> String {
    let pairs = query(url);
    let pair = pairs.into_iter().find(|(given, _)| given == name);
    pair.expect("the name is in the query").1
}
