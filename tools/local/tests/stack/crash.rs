//! The program itself: it can be killed at any moment and loses nothing that it acknowledged.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use http::Request;
use http_body_util::Full;
use local::{ROLE_SESSION_TOKEN, Stack, StackOptions};
use rusty_s3::Method;
use s3_conformance::{Call, Endpoint, Part, RawRequest, Upload};

use crate::support::{Send as _, TestStack, send, until};

/// The program, killed when this is dropped.
struct Program {
    child: Child,
    endpoint: Endpoint,
    lines: Vec<String>,
}

impl Program {
    fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    fn start_with(data: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_local"))
            .args([
                "--s3-port",
                "0",
                "--second-s3-port",
                "0",
                "--api-port",
                "0",
                "--data",
            ])
            .arg(data)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stdout = BufReader::new(child.stdout.take().expect("stdout"));
        let lines = stdout.lines().map(|line| line.expect("a line"));
        let mut seen: Vec<String> = Vec::new();
        for line in lines {
            let is_last = line.contains("Ctrl-C");
            seen.push(line);
            if is_last {
                break;
            }
        }
        let s3 = seen
            .iter()
            .find_map(|line| line.strip_prefix("S3:    http://"))
            .expect("S3's line");
        let host = s3.split('/').next().expect("an address");
        Self {
            child,
            endpoint: Endpoint::of_local_s3(host),
            lines: seen,
        }
    }

    /// Where its API is.
    fn api(&self) -> &str {
        let mut lines = self.lines.iter();
        lines
            .find_map(|line| line.strip_prefix("API:   "))
            .expect("the API's line")
    }

    fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A stack on the same folder, to look at what is there.
async fn stack_on(data: tempfile::TempDir) -> TestStack {
    let stack = Stack::start(StackOptions::new(data.path().to_owned()));
    TestStack {
        stack: stack.await.expect("the stack starts"),
        data,
    }
}

#[tokio::test]
async fn killed_in_the_middle_of_a_body_it_shows_nothing_of_it() {
    let data = tempfile::tempdir().expect("a folder");
    let program = Program::start(data.path());
    let staging = data.path().join(".state/staging");
    let call = Call::put("uploads/half", "").header("content-length", "1000000");
    let mut request = RawRequest::open(&call, &program.endpoint, &[]).expect("sent");
    request.write(&[1; 500_000]).expect("sent");
    until("the bytes arrive", || {
        std::fs::read_dir(&staging).expect("the folder").count() == 1
    })
    .await;
    program.kill();
    assert_eq!(std::fs::read_dir(&staging).expect("the folder").count(), 1);

    let restarted = stack_on(data).await;
    assert_eq!(restarted.stack.object_keys(), [""; 0]);
    assert_eq!(restarted.staged().len(), 0);
    let bucket = restarted.data.path().join("slipway-uploads");
    assert_eq!(std::fs::read_dir(bucket).expect("the folder").count(), 0);
}

#[tokio::test]
async fn killed_after_an_answer_it_still_has_the_object_and_the_parts() {
    let data = tempfile::tempdir().expect("a folder");
    let program = Program::start(data.path());
    let call_program = async |call: Call| send(call.request(&program.endpoint).expect("a request")).await;
    call_program(Call::put("uploads/whole", "bytes").header("content-type", "text/plain"))
        .await
        .is_success();
    let key = "uploads/big";
    let created = call_program(Upload::create(key, &[])).await;
    let upload = Upload {
        key: key.to_owned(),
        id: created.is_success().element("UploadId").expect("an id"),
    };
    let part = call_program(upload.part(1, b"part")).await;
    let part = Part::stored(1, part.is_success(), None);
    program.kill();

    let restarted = stack_on(data).await;
    let answer = Call::new(Method::Get, "uploads/whole").send(&restarted).await;
    assert_eq!(
        (answer.text(), answer.header("content-type")),
        ("bytes", Some("text/plain"))
    );
    upload.complete(&[part]).send(&restarted).await.is_success();
    assert_eq!(
        restarted.stored("uploads/big").as_deref(),
        Some(b"part".as_slice())
    );
}

#[tokio::test]
async fn it_says_where_everything_is_logs_no_secret_and_ends() {
    let data = tempfile::tempdir().expect("a folder");
    let mut program = Program::start(data.path());
    let said = program.lines.join("\n");
    let files = data.path().join("slipway-uploads");
    for part in ["S3:", "API:   http://127.0.0.1:", files.to_str().expect("UTF-8")] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let api = program.api();
    let presign = Request::get(format!("{api}/presign?key=uploads/a")).body(Full::default());
    let presigned = send(presign.expect("a request")).await;
    let presigned: serde_json::Value = serde_json::from_slice(&presigned.body).expect("JSON");
    let url = presigned["uploadURL"].as_str().expect("a URL");
    send(Request::put(url).body(Full::from("bytes")).expect("a request"))
        .await
        .is_success();

    let ended = Command::new("kill")
        .arg(program.child.id().to_string())
        .status()
        .expect("kill runs");
    assert!(ended.success());
    assert!(program.child.wait().expect("ended").success());
    let mut log = String::new();
    program
        .child
        .stderr
        .take()
        .expect("stderr")
        .read_to_string(&mut log)
        .expect("text");
    assert!(log.contains("S3 PUT /slipway-uploads/uploads/a 200 "), "{log}");
    let (_, signature) = url.split_once("X-Amz-Signature=").expect("a signature");
    for secret in [&signature[..64], "X-Amz-", ROLE_SESSION_TOKEN] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[tokio::test]
async fn the_lambda_gets_the_variables_of_the_command_line() {
    let data = tempfile::tempdir().expect("a folder");
    let other_s3 = "http://s3.example:9999";
    let program = Program::start_with(
        data.path(),
        &[
            "--lambda-variable",
            "KEY_PREFIX=inbox",
            "--lambda-variable",
            &format!("AWS_ENDPOINT_URL_S3={other_s3}"),
        ],
    );
    let api = program.api();
    let presign = Request::get(format!("{api}/presign?key=inbox/a")).body(Full::default());
    let presigned = send(presign.expect("a request")).await;
    let presigned: serde_json::Value = serde_json::from_slice(&presigned.is_success().body).expect("JSON");
    let url = presigned["uploadURL"].as_str().expect("a URL");
    assert!(
        url.starts_with(&format!("{other_s3}/slipway-uploads/inbox/a?")),
        "{url}"
    );
}

#[test]
fn a_variable_without_a_name_or_a_value_is_refused() {
    for variable in ["KEY_PREFIX", "=inbox"] {
        let output = Command::new(env!("CARGO_BIN_EXE_local"))
            .args(["--lambda-variable", variable])
            .output()
            .expect("the program runs");
        assert!(!output.status.success(), "{variable}");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains("NAME=VALUE"), "{error}");
    }
}
