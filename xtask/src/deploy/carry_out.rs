//! Printing and carrying out the steps of a plan.

use std::{fs, process::Command};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{
    command_line::{CommandLine, Outputs, Program},
    config,
    plan::Step,
};
use crate::tools::{AWS, SAM, Toolbox, ensure_python_tool, on_path, succeeds};

/// Prints what would be done.
pub(crate) fn show(steps: &[Step]) {
    for step in steps {
        println!("{}", step.describe());
    }
}

/// Carries out the steps, printing each before, and returns the stack's outputs. A step that fails ends it.
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
                toolbox.run(what, &mut start(&command, toolbox)?)?;
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
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be created", folder.display()))?;
    fs::write(&path, content).with_context(|| format!("{} cannot be written", path.display()))
}

/// A command in the checkout, without a pager and without telemetry. The program is the one on `PATH`, or else it is
/// installed.
pub(crate) fn start(command: &CommandLine, toolbox: &Toolbox) -> Result<Command> {
    let tool = match command.program {
        Program::Aws => &AWS,
        Program::Sam => &SAM,
    };
    let program = match on_path(tool.program) {
        Some(program) if succeeds(Command::new(&program).args(tool.probe)) => program,
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

/// An output in the answer of DescribeStacks (AWS CloudFormation API Reference, `Output`).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    output_key: String,
    output_value: String,
}

fn read_outputs(command: &mut Command, toolbox: &Toolbox) -> Result<Outputs> {
    let text = toolbox.output("aws", command)?;
    println!("{text}");
    let outputs: Vec<Output> = serde_json::from_str(&text).context("the stack's outputs are not JSON")?;
    let pairs = outputs
        .into_iter()
        .map(|output| (output.output_key, output.output_value));
    Ok(pairs.collect())
}
