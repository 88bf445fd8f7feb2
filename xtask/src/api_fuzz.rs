//! The API against its OpenAPI description, by schemathesis: it makes requests of the description, good
//! and bad ones, and checks that each answer is one that the description has.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use ureq::Agent;

use crate::{
    process::{self, Process},
    python::{PythonTool, ensure_python_tool},
    tools::Toolbox,
};

const SCHEMATHESIS: PythonTool = PythonTool {
    package: "schemathesis",
    version: "4.32.5",
    program: "schemathesis",
    probe: &["--version"],
};

/// Requests of each kind for each operation.
const EXAMPLES: &str = "100";

/// What does not hold here: a batch with one good entry is accepted, whatever the others are, and the rules
/// for keys and limits say more than a schema can.
const EXCLUDED_CHECKS: &str = "positive_data_acceptance,negative_data_rejection";

/// How often it is looked whether the API answers, and how many times.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
const POLLS: u32 = 300;

/// Runs the real program of the Lambda behind the stack's API Gateway, and schemathesis against both.
///
/// # Errors
/// Where an answer is not as described, or something does not start.
pub(crate) fn run(toolbox: &Toolbox) -> Result<()> {
    let schemathesis = ensure_python_tool(toolbox, &SCHEMATHESIS)?;
    let mut build = Command::new("cargo");
    build
        .current_dir(&toolbox.project.root)
        .args(["build", "--package", "local", "--package", "backend"]);
    process::run("building the stack", &mut build, toolbox.interrupt)?;

    let folder = toolbox.project.target.join("api-fuzz");
    let data = folder.join("data");
    fs::create_dir_all(&data).with_context(|| format!("{} cannot be made", data.display()))?;
    let programs = toolbox.project.target.join("debug");
    let port = free_port()?;
    let mut stack = Command::new(programs.join("local"));
    stack
        .args([
            "--s3-port",
            "0",
            "--second-s3-port",
            "0",
            "--api-port",
            &port.to_string(),
            "--data",
        ])
        .arg(&data)
        .arg("--lambda")
        .arg(programs.join("backend"))
        .stdout(fs::File::create(folder.join("stack.out"))?)
        .stderr(fs::File::create(folder.join("stack.log"))?);
    let mut stack = Process::start("the local stack", &mut stack)?;
    let api = format!("http://127.0.0.1:{port}");
    await_api(&api, &mut stack, toolbox)?;

    let mut command = Command::new(schemathesis);
    command
        .current_dir(&folder)
        .arg("run")
        .arg(toolbox.project.root.join("backend/openapi.json"))
        .args(["--url", &api, "--exclude-checks", EXCLUDED_CHECKS])
        .args([
            "--max-examples",
            EXAMPLES,
            "--generation-database",
            "none",
            "--no-color",
        ]);
    process::run("schemathesis", &mut command, toolbox.interrupt)
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

fn await_api(api: &str, stack: &mut Process, toolbox: &Toolbox) -> Result<()> {
    let agent: Agent = Agent::config_builder().build().into();
    for _ in 0..POLLS {
        if agent.get(format!("{api}/health")).call().is_ok() {
            return Ok(());
        }
        if let Some(status) = stack.ended()? {
            bail!("the local stack ended by itself: {status}");
        }
        if toolbox.interrupt.wait(POLL_INTERVAL) {
            bail!("interrupted while the stack starts");
        }
    }
    bail!("the API does not answer at {api}")
}
