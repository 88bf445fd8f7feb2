//! Showing and doing the steps of a plan.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::{
    command_line::{CommandLine, Outputs, Program},
    config,
    plan::Step,
};
use crate::{
    process,
    python::{PythonTool, ensure_python_tool},
    tools::{Toolbox, answers, on_path},
};

/// Installed where no AWS CLI is on `PATH`.
pub(crate) const AWS: PythonTool = PythonTool {
    package: "awscli",
    version: "1.46.3",
    program: "aws",
    probe: &["--version"],
};

/// Installed where no AWS SAM CLI is on `PATH`.
pub(crate) const SAM: PythonTool = PythonTool {
    package: "aws-sam-cli",
    version: "1.170.0",
    program: "sam",
    probe: &["--version"],
};

/// Shows what would be done.
pub(crate) fn show(steps: &[Step]) {
    for step in steps {
        println!("{}", step.describe());
    }
}

/// Does the steps, showing each before it is done, and gives the stack's outputs.
///
/// # Errors
/// Where a step fails; those behind it are not done.
pub(crate) fn carry_out(steps: &[Step], toolbox: &Toolbox) -> Result<Outputs> {
    let mut outputs = Outputs::new();
    for step in steps {
        match step {
            Step::Write { path, content } => {
                println!("{}", step.describe());
                write(toolbox, path, content)?;
            }
            Step::WriteConfig { path, base } => {
                let content = format!("{:#}\n", config::for_stack(base, &outputs));
                println!("{}\n{content}", step.describe());
                write(toolbox, path, &content)?;
            }
            Step::Run(command) => {
                let command = command.resolve(&outputs)?;
                println!("$ {command}");
                let what = command.program.name();
                process::run(what, &mut start(&command, toolbox)?, toolbox.interrupt)?;
            }
            Step::ReadOutputs(command) => {
                println!("$ {command}");
                outputs = read_outputs(&mut start(command, toolbox)?, toolbox)?;
            }
        }
    }
    Ok(outputs)
}

fn write(toolbox: &Toolbox, path: &str, content: &str) -> Result<()> {
    let path = toolbox.project.root.join(path);
    let folder = path.parent().context("a file is in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    fs::write(&path, content).with_context(|| format!("{} cannot be written", path.display()))
}

/// A command in the checkout, without a pager and without reports on its use.
fn start(command: &CommandLine, toolbox: &Toolbox) -> Result<Command> {
    let tool = match command.program {
        Program::Aws => &AWS,
        Program::Sam => &SAM,
    };
    let program = match on_path(tool.program) {
        Some(program) if answers(Command::new(&program).args(tool.probe)) => program,
        _ => ensure_python_tool(toolbox, tool)?,
    };
    let mut process = Command::new(program);
    process
        .current_dir(&toolbox.project.root)
        .args(command.arguments())
        .env("AWS_PAGER", "")
        .env("SAM_CLI_TELEMETRY", "0");
    Ok(process)
}

/// An output as DescribeStacks gives it (AWS CloudFormation API Reference, `Output`).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    output_key: String,
    output_value: String,
}

fn read_outputs(command: &mut Command, toolbox: &Toolbox) -> Result<Outputs> {
    let mut text = String::new();
    let status = process::run_reading_lines("aws", command, toolbox.interrupt, |line| {
        text.push_str(line);
        text.push('\n');
    })?;
    ensure!(status.success(), "the stack's outputs cannot be read: {status}");
    let outputs: Vec<Output> = serde_json::from_str(&text).context("the stack's outputs are not JSON")?;
    let pairs = outputs
        .into_iter()
        .map(|output| (output.output_key, output.output_value));
    Ok(pairs.collect())
}
