//! Checks the stack's Runtime API against the one of cargo-lambda: the same program answers the same events alike
//! under both. `cargo xtask test --only runtime-api` runs it.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;
use local::{FunctionError, FunctionOptions, FunctionProcess};
use serde_json::Value;

/// How long the emulator and the program may take to start.
const START: Duration = Duration::from_secs(20);

/// Compare two Runtime APIs
#[derive(Debug, Parser)]
struct Arguments {
    /// The program of cargo-lambda
    #[arg(long)]
    emulator: PathBuf,
    /// The function's program
    #[arg(long)]
    program: PathBuf,
    /// The folder of the recorded events
    #[arg(long)]
    events: PathBuf,
}

/// A child that is killed when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let options = FunctionOptions {
        program: arguments.program.clone(),
        arguments: Vec::new(),
        folder: None,
        variables: variables(),
        output: Arc::new(|_| {}),
    };
    let ours = FunctionProcess::start(&options).await?;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let _emulator = start_emulator(&arguments, port)?;
    let _program = start_program(&arguments.program, port)?;
    let url = format!("http://127.0.0.1:{port}/2015-03-31/functions/_/invocations");
    for (name, event) in events(&arguments.events)? {
        let here = match ours.invoke(event.clone()).await {
            Ok(answer) => answer,
            Err(FunctionError::Failed(report)) => report,
            Err(error) => return Err(error).context(name),
        };
        let there = invoke(&url, event).with_context(|| name.clone())?;
        let (here, there) = (comparable(&here)?, comparable(there.as_bytes())?);
        ensure!(here == there, "{name}:\nhere:  {here}\nthere: {there}");
        println!("{name}: the same");
    }
    ours.stop().await;
    Ok(())
}

fn variables() -> Vec<(String, String)> {
    let pairs = [
        ("BUCKET_NAME", "photos"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE"),
        (
            "AWS_SECRET_ACCESS_KEY",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        ),
    ];
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

/// The recorded events, one that is not an event, and one that is not JSON, by name.
fn events(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut events = vec![
        ("an empty object".to_owned(), b"{}".to_vec()),
        ("half an object".to_owned(), b"{".to_vec()),
    ];
    for entry in fs::read_dir(folder).context("there are no recorded events")? {
        let path = entry?.path();
        events.push((path.display().to_string(), fs::read(&path)?));
    }
    Ok(events)
}

fn start_emulator(arguments: &Arguments, port: u16) -> Result<Running> {
    let child = Command::new(&arguments.emulator)
        .args([
            "lambda",
            "watch",
            "--only-lambda-apis",
            "--invoke-address",
            "127.0.0.1",
        ])
        .args(["--invoke-port", &port.to_string()])
        // It has to run in the folder of a package.
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let emulator = Running(child.context("the emulator does not start")?);
    let start = Instant::now();
    while std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        ensure!(start.elapsed() < START, "the emulator does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(emulator)
}

/// Starts the program as the emulator requires: with a URL, and with the name `_`.
fn start_program(program: &Path, port: u16) -> Result<Running> {
    let child = Command::new(program)
        .env_clear()
        .envs(variables())
        .env("AWS_LAMBDA_RUNTIME_API", format!("http://127.0.0.1:{port}/.rt"))
        .env("AWS_LAMBDA_FUNCTION_NAME", "_")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "4096")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Ok(Running(child.context("the program does not start")?))
}

fn invoke(url: &str, event: Vec<u8>) -> Result<String> {
    let configuration = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(START));
    let agent: ureq::Agent = configuration.build().into();
    let mut response = agent.post(url).send(event)?;
    let body = response.body_mut().read_to_string()?;
    if body.is_empty() {
        bail!("there is no answer");
    }
    Ok(body)
}

/// The part of an answer that is always the same: URLs and keys depend on time and chance.
fn comparable(answer: &[u8]) -> Result<Value> {
    let mut answer: Value = serde_json::from_slice(answer).context("the answer is not JSON")?;
    if let Some(body) = answer.get("body").and_then(Value::as_str) {
        let mut body: Value = serde_json::from_str(body).unwrap_or(Value::Null);
        forget_chance(&mut body);
        answer["body"] = body;
    }
    Ok(answer)
}

fn forget_chance(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    "url" | "uploadURL" | "key" | "batch" | "expiresAt" | "serverTime" => {
                        *value = Value::Null
                    }
                    _ => forget_chance(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(forget_chance),
        _ => {}
    }
}
