//! Settings from a parameter of SSM Parameter Store, against a stand-in for the extension that reads it.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    sync::Arc,
    thread::{self, JoinHandle},
};

use backend::Function;
use serde_json::{Value, json};

use crate::support::{FixedEnvironment, SESSION_TOKEN, event};

/// An answer of the extension: a status and a body.
type Answer = (u16, String);

/// The extension, which sends its answers one after another and then closes its port.
struct Extension {
    port: u16,
    requests: JoinHandle<Vec<Vec<String>>>,
}

impl Extension {
    fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let requests = thread::spawn(move || {
            let exchange = |(status, body): Answer| {
                let (mut stream, _) = listener.accept().expect("a connection");
                let reader = BufReader::new(stream.try_clone().expect("a handle"));
                let lines = reader.lines().map(|line| line.expect("a line"));
                let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
                let length = body.len();
                write!(
                    stream,
                    "HTTP/1.1 {status} -\r\ncontent-length: {length}\r\n\r\n{body}"
                )
                .expect("an answer");
                head
            };
            answers.into_iter().map(exchange).collect()
        });
        Self { port, requests }
    }

    /// The heads of the requests, in lines.
    fn requests(self) -> Vec<Vec<String>> {
        self.requests.join().expect("the extension ran to its end")
    }
}

fn parameter(value: &Value) -> Answer {
    let parameter = json!({"Name": "/slipway/settings", "Type": "String", "Value": value.to_string()});
    (
        200,
        json!({"Parameter": parameter, "ResultMetadata": {}}).to_string(),
    )
}

fn good_parameter() -> Answer {
    parameter(&json!({"BUCKET_NAME": "stored", "AWS_REGION_NAME": "eu-west-1"}))
}

/// A function whose settings are in a parameter.
fn start(extension: &Extension) -> Function<impl Fn(&str) -> Option<String> + use<>> {
    let port = extension.port.to_string();
    let variables = move |name: &str| match name {
        "SETTINGS_PARAMETER" => Some("/slipway/settings".to_owned()),
        "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT" => Some(port.clone()),
        "AWS_SESSION_TOKEN" => Some(SESSION_TOKEN.to_owned()),
        _ => None,
    };
    Function::start(variables, Arc::new(FixedEnvironment::default())).expect("the function starts")
}

/// Sends `GET /presign` and returns the status and the URL or the error's code.
async fn presign(function: &Function<impl Fn(&str) -> Option<String>>) -> (u64, String) {
    let answer = function
        .handle(event("get_presign").to_string().as_bytes(), "id")
        .await;
    let answer = serde_json::to_value(&answer).expect("JSON");
    let body: Value = serde_json::from_str(answer["body"].as_str().expect("text")).expect("JSON");
    let said = body["uploadURL"].as_str().or(body["error"]["code"].as_str());
    let said = said.expect("a URL or a code").split('?').next();
    (
        answer["statusCode"].as_u64().expect("a status"),
        said.expect("text").to_owned(),
    )
}

const URL: &str = "https://stored.s3.eu-west-1.amazonaws.com/uploads/report%202025.pdf";

#[tokio::test]
async fn the_parameter_is_read_once_with_the_session_token() {
    let extension = Extension::start(vec![good_parameter()]);
    let function = start(&extension);
    for _ in 0..2 {
        assert_eq!(presign(&function).await, (200, URL.to_owned()));
    }
    let requests = extension.requests();
    assert_eq!(requests.len(), 1);
    let expected =
        "GET /systemsmanager/parameters/get?name=%2Fslipway%2Fsettings&withDecryption=true HTTP/1.1";
    assert_eq!(requests[0][0], expected);
    let token = format!("x-aws-parameters-secrets-token: {SESSION_TOKEN}");
    assert!(requests[0].contains(&token), "{:?}", requests[0]);
}

#[tokio::test]
async fn an_extension_that_is_not_ready_is_asked_again() {
    let not_ready = || (400, "not ready to serve traffic, please wait".to_owned());
    let extension = Extension::start(vec![not_ready(), not_ready(), good_parameter()]);
    assert_eq!(presign(&start(&extension)).await, (200, URL.to_owned()));
    assert_eq!(extension.requests().len(), 3);
}

#[tokio::test]
async fn settings_that_cannot_be_read_are_read_again_by_the_next_event() {
    for fault in [
        (403, "{}".to_owned()),
        (200, "{}".to_owned()),
        (200, "<html>".to_owned()),
        parameter(&json!("text")),
        parameter(&json!({"BUCKET_NAME": "stored", "AWS_REGION_NAME": "eu-west-1", "BUCKET": 1})),
        parameter(&json!({"BUCKET_NAME": "stored"})),
    ] {
        let extension = Extension::start(vec![fault.clone(), good_parameter()]);
        let function = start(&extension);
        let failed = (500, "InternalError".to_owned());
        assert_eq!(presign(&function).await, failed, "{fault:?}");
        assert_eq!(presign(&function).await, (200, URL.to_owned()), "{fault:?}");
    }
}

#[tokio::test]
async fn without_the_extension_the_event_fails() {
    let extension = Extension::start(Vec::new());
    let function = start(&extension);
    extension.requests();
    assert_eq!(presign(&function).await, (500, "InternalError".to_owned()));
}

#[test]
fn the_variables_are_checked_at_the_start_all_the_same() {
    let variables = |name: &str| match name {
        "SETTINGS_PARAMETER" => Some("/slipway/settings".to_owned()),
        "MAX_UPLOAD_BYTES" => Some("5GB".to_owned()),
        _ => None,
    };
    let started = Function::start(variables, Arc::new(FixedEnvironment::default()));
    assert_eq!(started.err().map(|error| error.name()), Some("MAX_UPLOAD_BYTES"));
}
