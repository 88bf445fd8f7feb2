//! The program for those who have no AWS Lambda, as a process of its own, with the local S3 as the other S3.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use base64ct::{Base64, Encoding as _};
use local::{
    BUCKET, REGION, ROLE_ACCESS_KEY_ID, ROLE_SECRET_ACCESS_KEY, ROLE_SESSION_TOKEN, Stack, StackOptions,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use s3s::crypto::{Checksum as _, Sha256};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::spawn_blocking;
use ureq::{Agent, Body, http::Response};

const BYTES: &[u8] = b"bytes of a file";

/// The running program. Dropping it kills it.
struct Program {
    child: Child,
    url: String,
}

impl Program {
    fn start(stack: &Stack, page: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_standalone"))
            .env_clear()
            .env("AWS_ACCESS_KEY_ID", ROLE_ACCESS_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", ROLE_SECRET_ACCESS_KEY)
            .env("AWS_SESSION_TOKEN", ROLE_SESSION_TOKEN)
            .env("MAX_UPLOAD_BYTES", "1000000")
            .args(["--s3", &stack.s3_url(), "--bucket", BUCKET, "--region", REGION])
            .args(["--listen", "127.0.0.1:0", "--page"])
            .arg(page)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let url = line.trim().rsplit(' ').next().expect("its address").to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "{line}");
        Self { child, url }
    }

    fn get(&self, path: &str) -> Response<Body> {
        let answer = agent().get(format!("{}{path}", self.url)).call();
        answer.expect("an answer")
    }

    /// Asks it to end, and returns whether it ended well.
    fn terminate(mut self) -> bool {
        let id = Pid::from_raw(self.child.id().try_into().expect("a process id"));
        kill(id, Signal::SIGTERM).expect("it runs");
        self.child.wait().expect("it ends").success()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).build().into()
}

/// A page of two files, and the settings that it was built with.
fn page() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [
        ("index.html", "<!doctype html>"),
        (
            "config.json",
            r#"{"apiUrl": "elsewhere", "verdicts": true, "maxFiles": 7}"#,
        ),
    ] {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

/// Runs a test with the program on an S3 of its own.
async fn with_program(arguments: &'static [&str], test: impl FnOnce(&Stack, Program) + Send + 'static) {
    let (data, page) = (tempfile::tempdir().expect("a folder"), page());
    let stack = Stack::start(StackOptions::new(data.path().to_owned()));
    let stack = stack.await.expect("S3 starts");
    let running = spawn_blocking(move || {
        let program = Program::start(&stack, page.path(), arguments);
        test(&stack, program);
    });
    running.await.expect("the test passes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_planned_by_the_program_and_stored_in_the_s3() {
    with_program(&[], |stack, program| {
        let sha256 = Base64::encode_string(&Sha256::checksum(BYTES));
        let file = json!({"id": "1", "name": "a.txt", "size": BYTES.len(), "sha256": sha256});
        let call = agent().post(format!("{}/api/uploads", program.url));
        let mut answer = call.send_json(json!({"files": [file]})).expect("a plan");
        let plan: Value = answer.body_mut().read_json().expect("JSON");
        let put = &plan["files"][0]["put"];
        let mut request = agent().put(put["url"].as_str().expect("a URL"));
        for (name, value) in put["headers"].as_object().expect("headers") {
            request = request.header(name, value.as_str().expect("a value"));
        }
        assert_eq!(request.send(BYTES).expect("an answer").status(), 200);
        let keys = stack.object_keys();
        assert_eq!(keys.len(), 1);
        assert_eq!(fs::read(stack.object_path(&keys[0])).expect("the object"), BYTES);
        assert!(program.terminate(), "it ends when it is asked to");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_has_its_settings_and_its_policy() {
    with_program(&[], |stack, program| {
        let mut config = program.get("/config.json");
        let config: Value = config.body_mut().read_json().expect("JSON");
        let expected = json!({
            "apiUrl": "/api", "secondEndpoint": false, "manifests": true, "maxFiles": 7,
        });
        assert_eq!(config, expected);
        let index = program.get("/");
        assert_eq!(index.status(), 200);
        let header = |name: &str| index.headers()[name].to_str().expect("text").to_owned();
        let policy = header("content-security-policy");
        let connect = format!("connect-src 'self' {}", stack.s3_url());
        assert!(policy.ends_with(&connect), "{policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("content-type"), "text/html; charset=utf-8");
        assert!(!index.headers().contains_key("strict-transport-security"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_that_the_program_is_well() {
    with_program(&[], |_, program| {
        for path in ["/health", "/api/health"] {
            assert_eq!(program.get(path).status(), 200, "{path}");
        }
        assert_eq!(program.get("/api/nothing").status(), 404);
        assert_eq!(program.get("/nothing").status(), 404);
        let posted = agent().post(format!("{}/", program.url)).send_empty();
        assert_eq!(posted.expect("an answer").status(), 405);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_to_its_own_name_alone() {
    with_program(&["--url", "https://upload.example"], |_, program| {
        for (host, status) in [("upload.example", 200), ("127.0.0.1", 200), ("evil.example", 403)] {
            let call = agent()
                .get(format!("{}/api/health", program.url))
                .header("host", host);
            let answer = call.call().expect("an answer");
            assert_eq!(answer.status(), status, "{host}");
            assert!(answer.headers().contains_key("strict-transport-security"));
        }
    })
    .await;
}

#[test]
fn a_setting_that_is_missing_is_named() {
    let page = page();
    let output = Command::new(env!("CARGO_BIN_EXE_standalone"))
        .env_clear()
        .args(["--listen", "127.0.0.1:0", "--page"])
        .arg(page.path())
        .output()
        .expect("the program runs");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("BUCKET_NAME"), "{said}");
}
