//! An AWS on this machine: MiniStack deploys the template and runs what was deployed.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    net::{Ipv4Addr, TcpListener},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use serde_json::Value;
use tempfile::TempDir;
use ureq::{
    Agent, Body,
    http::{Request, Response},
};

use crate::linters::tool;

/// The region of the stack.
pub(crate) const REGION: &str = "eu-central-1";

/// How often to check whether MiniStack answers, and how many times.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
const POLLS: usize = 600;

/// Runs MiniStack, in a process group of its own.
const SCRIPT: &str = include_str!("ministack.py");

/// A running MiniStack. Dropping it stops it and all that it started.
pub(crate) struct MiniStack {
    process: Child,
    endpoint: String,
    folder: TempDir,
    agent: Agent,
}

impl MiniStack {
    /// Starts it so that it checks signatures and permissions, and waits until it answers.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let port = listener.local_addr().expect("the port is known").port();
        drop(listener);
        let folder = TempDir::new().expect("a temporary folder");
        let endpoint = format!("http://127.0.0.1:{port}");
        let log = File::create(folder.path().join("ministack.log")).expect("a log");
        let mut command = Command::new(tool("SLIPWAY_MINISTACK"));
        command
            .args(["-c", SCRIPT])
            .envs(environment(&endpoint, &folder))
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("AUTH", "true")
            .env("MINISTACK_REGION", REGION)
            // The functions inherit it and sign for this S3.
            .env("AWS_ENDPOINT_URL_S3", &endpoint)
            // It would listen on a port that every other MiniStack uses too.
            .env("IOT_MTLS_ENABLED", "0")
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .process_group(0);
        let stack = Self {
            process: command.spawn().expect("MiniStack starts"),
            endpoint,
            folder,
            agent: Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .build()
                .into(),
        };
        stack.wait_until_ready();
        stack
    }

    fn wait_until_ready(&self) {
        for _ in 0..POLLS {
            let health = self
                .agent
                .get(format!("{}/_ministack/health", self.endpoint))
                .call();
            if health.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            thread::sleep(POLL_INTERVAL);
        }
        panic!("MiniStack does not answer:\n{}", self.log());
    }

    /// Its URL.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What it has written so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("ministack.log")).unwrap_or_default()
    }

    /// A command for which MiniStack is AWS.
    pub(crate) fn command(&self, program: impl Into<OsString>) -> Command {
        let mut command = Command::new(program.into());
        command.envs(environment(&self.endpoint, &self.folder));
        command
    }

    /// Runs the AWS CLI, and returns its output.
    pub(crate) fn aws(&self, arguments: &[&str]) -> Value {
        let output = self
            .command(tool("SLIPWAY_AWS"))
            .args(arguments)
            .args(["--region", REGION, "--output", "json"])
            .output()
            .expect("the AWS CLI runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    /// Sends a request as a proxy that terminates TLS would.
    pub(crate) fn send(&self, request: Request<Vec<u8>>) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        let https = ureq::http::HeaderValue::from_static("https");
        parts.headers.insert("x-forwarded-proto", https);
        self.send_plainly(Request::from_parts(parts, body))
    }

    /// Sends a request as plain HTTP.
    pub(crate) fn send_plainly(&self, request: Request<Vec<u8>>) -> Response<Body> {
        self.agent.run(request).expect("MiniStack answers")
    }
}

impl Drop for MiniStack {
    fn drop(&mut self) {
        let group = Pid::from_raw(i32::try_from(self.process.id()).expect("an id"));
        killpg(group, Signal::SIGKILL).ok();
        self.process.wait().ok();
        if thread::panicking() {
            eprintln!("MiniStack wrote:\n{}", self.log());
        }
    }
}

#[test]
fn a_stack_ends_when_whoever_started_it_is_gone() {
    let mut stack = MiniStack::start();
    drop(stack.process.stdin.take());
    for _ in 0..POLLS {
        if stack.process.try_wait().expect("it can be waited for").is_some() {
            return;
        }
        thread::sleep(POLL_INTERVAL);
    }
    panic!("it goes on");
}

/// The variables that make the AWS tools use MiniStack and nothing else, whatever the configuration of this machine.
fn environment(endpoint: &str, folder: &TempDir) -> Vec<(&'static str, OsString)> {
    let mut path = vec![
        PathBuf::from(tool("SLIPWAY_AWS").parent().expect("a folder")),
        PathBuf::from(tool("SLIPWAY_SAM").parent().expect("a folder")),
    ];
    path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    vec![
        ("PATH", env::join_paths(path).expect("folders")),
        ("AWS_ENDPOINT_URL", endpoint.into()),
        ("AWS_ACCESS_KEY_ID", "test".into()),
        ("AWS_SECRET_ACCESS_KEY", "test".into()),
        ("AWS_DEFAULT_REGION", REGION.into()),
        ("AWS_CONFIG_FILE", folder.path().join("config").into()),
        (
            "AWS_SHARED_CREDENTIALS_FILE",
            folder.path().join("credentials").into(),
        ),
        ("SAM_CLI_TELEMETRY", "0".into()),
        ("__SAM_CLI_APP_DIR", folder.path().into()),
        ("TMPDIR", folder.path().into()),
    ]
}
