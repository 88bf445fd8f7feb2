//! The stack's Runtime API against the one of cargo-lambda.

use std::process::Command;

use anyhow::Result;

use crate::{
    process,
    python::{PythonTool, ensure_python_tool},
    tools::Toolbox,
};

const CARGO_LAMBDA: PythonTool = PythonTool {
    package: "cargo-lambda",
    version: "1.9.2",
    program: "cargo-lambda",
    probe: &["lambda", "--version"],
};

/// Gives the Lambda's program the same events by both, and compares what it makes of them.
///
/// # Errors
/// Where an answer differs, or something does not build or start.
pub(crate) fn run(toolbox: &Toolbox) -> Result<()> {
    let emulator = ensure_python_tool(toolbox, &CARGO_LAMBDA)?;
    let root = &toolbox.project.root;
    let mut build = Command::new("cargo");
    build
        .current_dir(root)
        .args(["build", "--package", "backend", "--package", "lambda-bench"]);
    process::run("building the Lambda", &mut build, toolbox.interrupt)?;
    let programs = toolbox.project.target.join("debug");
    let mut check = Command::new(programs.join("emulator-check"));
    check
        .arg("--emulator")
        .arg(emulator)
        .arg("--program")
        .arg(programs.join("backend"))
        .arg("--events")
        .arg(root.join("backend/tests/events"));
    process::run("comparing the Runtime APIs", &mut check, toolbox.interrupt)
}
