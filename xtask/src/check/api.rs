//! The API beside two other programs: the Lambda's Runtime API beside cargo-lambda's, and the answers beside the API's
//! OpenAPI description.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use super::packages::build_host_programs;
use crate::{
    link,
    process::Process,
    readiness,
    tools::{CARGO_LAMBDA, SCHEMATHESIS, Toolbox, ensure_python_tool},
};

/// Requests of each kind for each operation.
const EXAMPLES: &str = "100";

/// What does not hold here: a batch with one good entry is accepted, whatever the others are, and the rules for keys
/// and limits say more than a schema can.
const EXCLUDED_CHECKS: &str = "positive_data_acceptance,negative_data_rejection";

/// How often to check whether the API answers, and how many times.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
const POLLS: u32 = 300;

/// Sends the Lambda's program the same events through the stack's Runtime API and through cargo-lambda's, and compares
/// the answers.
pub(super) fn compare_runtime_apis(toolbox: &Toolbox) -> Result<()> {
    let emulator = ensure_python_tool(toolbox, &CARGO_LAMBDA)?;
    let programs = build_host_programs(toolbox)?;
    let mut check = Command::new(programs.join("emulator-check"));
    check
        .arg("--emulator")
        .arg(emulator)
        .arg("--program")
        .arg(programs.join("backend"))
        .arg("--events")
        .arg(toolbox.project.root.join("backend/tests/events"));
    toolbox.run("comparing the Runtime APIs", &mut check)
}

/// Runs the Lambda's program behind the stack's API Gateway, and schemathesis against both: it makes good and bad
/// requests from the OpenAPI description, and checks that the description has each answer.
pub(super) fn fuzz(toolbox: &Toolbox) -> Result<()> {
    let schemathesis = ensure_python_tool(toolbox, &SCHEMATHESIS)?;
    let programs = build_host_programs(toolbox)?;
    let folder = toolbox.project.target.join("api-fuzz");
    let data = folder.join("data");
    fs::create_dir_all(&data).with_context(|| format!("{} cannot be created", data.display()))?;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .context("no port is free")?
        .local_addr()?
        .port();
    let mut stack = Command::new(programs.join("local"));
    stack
        .args(["--s3-port", "0", "--second-s3-port", "0"])
        .args(["--api-port", &port.to_string()])
        .arg("--data")
        .arg(&data)
        .arg("--lambda")
        .arg(programs.join("backend"))
        .stdout(fs::File::create(folder.join("stack.out"))?)
        .stderr(fs::File::create(folder.join("stack.log"))?);
    let mut stack = Process::start("the local stack", &mut stack)?;
    let api = format!("http://127.0.0.1:{port}");
    wait_for_api(&api, &mut stack, toolbox)?;

    // The local stack's other routes look at no link.
    let link = link::local_token()?;
    let mut command = Command::new(schemathesis);
    command
        .current_dir(&folder)
        .arg("run")
        .arg(toolbox.project.root.join("backend/openapi.json"))
        .args(["--url", &api, "--exclude-checks", EXCLUDED_CHECKS])
        .args(["--max-examples", EXAMPLES])
        .args(["--header", &format!("Authorization: Bearer {link}")])
        .args(["--generation-database", "none", "--no-color"]);
    toolbox.run("schemathesis", &mut command)
}

fn wait_for_api(api: &str, stack: &mut Process, toolbox: &Toolbox) -> Result<()> {
    for _ in 0..POLLS {
        if readiness::get(&format!("{api}/health"), 200).is_ok() {
            return Ok(());
        }
        if let Some(status) = stack.exit_status()? {
            bail!("the local stack ended by itself: {status}");
        }
        if toolbox.interrupt.wait(POLL_INTERVAL) {
            bail!("interrupted while the stack starts");
        }
    }
    bail!("the API does not answer at {api}")
}
