//! A stack that `cargo xtask deploy` deployed, and the requests that tests send to it.

use std::{collections::BTreeMap, fs, path::PathBuf, process::Command};

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use ureq::{
    Body,
    http::{Request, Response},
};
use wire::{
    MultipartOperation, OperationOutcome, PlanOutcome, SMALL_FILE_MAX_BYTES, SignResponse, SignedRequest,
    UploadsResponse,
};

use crate::{
    linters::tool,
    ministack::{MiniStack, REGION},
};

/// The stack's name.
pub(crate) const STACK: &str = "rehearsal";

/// A deployed stack.
pub(crate) struct Deployment<'a> {
    pub(crate) aws: &'a MiniStack,
    token: Option<String>,
    outputs: BTreeMap<String, String>,
}

/// Lambda's name for the processor of this machine.
pub(crate) fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x86_64"
    }
}

/// The page that is deployed.
pub(crate) fn page() -> PathBuf {
    tool("SLIPWAY_PAGE")
}

impl<'a> Deployment<'a> {
    /// Deploys with these parameters and this machine's architecture.
    pub(crate) fn new(aws: &'a MiniStack, parameters: &[&str]) -> Self {
        let mut command = xtask(aws, "deploy");
        command.arg("--page").arg(page());
        let architecture = format!("Architecture={}", architecture());
        for parameter in parameters.iter().copied().chain([architecture.as_str()]) {
            command.args(["--parameter", parameter]);
        }
        let text = run(&mut command);
        let outputs = aws.aws(&["cloudformation", "describe-stacks", "--stack-name", STACK]);
        let outputs = outputs["Stacks"][0]["Outputs"]
            .as_array()
            .expect("outputs")
            .iter();
        let text_of = |output: &Value, name: &str| output[name].as_str().expect("a text").to_owned();
        let deployment = Self {
            aws,
            token: None,
            outputs: outputs
                .map(|output| (text_of(output, "OutputKey"), text_of(output, "OutputValue")))
                .collect(),
        };
        let last = format!("the page: {}\n", deployment.output("PageAddress"));
        assert!(text.ends_with(&last), "the address is printed last:\n{text}");
        deployment
    }

    /// The same stack for a user with this access token.
    pub(crate) fn signed_in(&self, token: &str) -> Self {
        Self {
            aws: self.aws,
            token: Some(format!("Bearer {token}")),
            outputs: self.outputs.clone(),
        }
    }

    /// An output of the stack.
    pub(crate) fn output(&self, name: &str) -> &str {
        self.outputs
            .get(name)
            .unwrap_or_else(|| panic!("there is no output {name}"))
    }

    /// Calls the stack's API Gateway.
    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let (_, rest) = self
            .output("ApiAddress")
            .split_once("https://")
            .expect("an address");
        let (api, _) = rest.split_once('.').expect("the API's id");
        let request = Request::builder()
            .method(method)
            .uri(format!(
                "{}/_aws/execute-api/{api}/api{path}",
                self.aws.endpoint()
            ))
            .header("content-type", "application/json")
            .header("authorization", self.token.as_deref().unwrap_or_default())
            .body(body.to_string().into_bytes())
            .expect("a request");
        let mut answer = self.aws.send(request);
        let status = answer.status().as_u16();
        (
            status,
            serde_json::from_str(&text(&mut answer)).unwrap_or(Value::Null),
        )
    }

    /// Plans one file.
    pub(crate) fn plan(&self, bytes: &[u8]) -> PlanOutcome {
        // A file that is not small is uploaded in parts if its SHA-256 is not sent.
        let is_small = bytes.len() as u64 <= SMALL_FILE_MAX_BYTES;
        let file = json!({
            "id": "1",
            "name": "a b.bin",
            "size": bytes.len(),
            "type": "application/octet-stream",
            "sha256": is_small.then(|| sha256(bytes)),
        });
        let (status, answer) = self.call("POST", "/uploads", &json!({"files": [file]}));
        assert_eq!(status, 200, "{answer}");
        let answer: UploadsResponse = serde_json::from_value(answer).expect("plans");
        answer.files.into_iter().next().expect("a plan").outcome
    }

    /// Signs operations of a multipart upload.
    pub(crate) fn sign(
        &self,
        key: &str,
        upload_id: &str,
        operations: &[MultipartOperation],
    ) -> Vec<SignedRequest> {
        let body = json!({"key": key, "uploadId": upload_id, "operations": operations});
        let (status, answer) = self.call("POST", "/sign", &body);
        assert_eq!(status, 200, "{answer}");
        let answer: SignResponse = serde_json::from_value(answer).expect("requests");
        let requests = answer.requests.into_iter().map(|outcome| match outcome {
            OperationOutcome::Signed(request) => request,
            OperationOutcome::Error(error) => panic!("{error:?}"),
        });
        requests.collect()
    }

    /// Sends a signed request, as the page does.
    pub(crate) fn send(&self, signed: &SignedRequest, body: &[u8]) -> Response<Body> {
        self.aws.send(request(signed, body))
    }

    /// The bytes of an uploaded object, read with the account's credentials.
    pub(crate) fn object(&self, key: &str) -> Vec<u8> {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let path = file.path().to_str().expect("a path");
        let bucket = self.output("UploadBucketName");
        let address = ["s3api", "get-object", "--bucket", bucket, "--key", key, path];
        self.aws.aws(&address);
        fs::read(file.path()).expect("the object")
    }

    /// The answer of the page's distribution to a GET.
    pub(crate) fn visit(&self, path: &str) -> Response<Body> {
        let (_, host) = self
            .output("PageAddress")
            .split_once("https://")
            .expect("an address");
        let request = Request::get(format!("{}/{path}", self.aws.endpoint()))
            .header("host", host)
            .body(Vec::new())
            .expect("a request");
        self.aws.send(request)
    }
}

/// A signed request with its body.
pub(crate) fn request(signed: &SignedRequest, body: &[u8]) -> Request<Vec<u8>> {
    let mut request = Request::builder().method(signed.method.as_str()).uri(&signed.url);
    for (name, value) in &signed.headers {
        request = request.header(name, value);
    }
    request.body(body.to_vec()).expect("a request")
}

/// An answer's body.
pub(crate) fn text(answer: &mut Response<Body>) -> String {
    answer.body_mut().read_to_string().expect("the answer is text")
}

/// A header of an answer, or an empty string.
pub(crate) fn header<'a>(answer: &'a Response<Body>, name: &str) -> &'a str {
    answer
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().expect("a text"))
}

/// The SHA-256 of bytes, in base64.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Base64::encode_string(&Sha256::digest(bytes))
}

/// A task of `cargo xtask` for the stack.
pub(crate) fn xtask(aws: &MiniStack, task: &str) -> Command {
    let mut command = aws.command(tool("SLIPWAY_XTASK"));
    command.args([task, "--stack-name", STACK, "--region", REGION]);
    command
}

/// Runs a command, which must succeed, and returns its standard output.
fn run(command: &mut Command) -> String {
    let output = command.output().expect("the task runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed:\n{text}\n{errors}");
    text
}
