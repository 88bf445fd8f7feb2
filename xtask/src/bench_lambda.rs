//! `cargo xtask bench lambda`: the Lambda beside the same handler in Node.js, under the same Runtime API.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::{
    dist_lambda::{self, SIGNING, X86_64},
    process,
    python::{PythonTool, ensure_python_tool},
    step::step,
    tools::{Toolbox, on_path, path_with},
};

/// Builds the native part of the Node.js runtime client.
const CMAKE: PythonTool = PythonTool {
    package: "cmake",
    version: "4.4.4",
    program: "cmake",
    probe: &["--version"],
};

/// What the client's native part is built with besides.
const BUILD_TOOLS: [&str; 4] = ["autoreconf", "libtoolize", "make", "g++"];

/// The options of `cargo xtask bench lambda`.
#[derive(Args)]
pub(crate) struct Options {
    /// How often each program is started and measured
    #[arg(long, default_value_t = 7)]
    rounds: u32,
    /// How long each is kept busy once it is warm, in seconds
    #[arg(long, default_value_t = 3)]
    seconds: u32,
}

/// Builds both and prints the table.
///
/// # Errors
/// Where something does not build, is missing, or does not answer.
pub(crate) fn run(options: &Options, toolbox: &Toolbox) -> Result<ExitCode> {
    let package = dist_lambda::build_package(toolbox, SIGNING, &X86_64)?;
    let node = prepare_node(toolbox)?;
    let what = "measuring";
    step(what, || {
        let mut command = Command::new("cargo");
        command
            .current_dir(&toolbox.project.root)
            .args(["run", "--quiet", "--release", "--package", "lambda-bench", "--"])
            .arg("--program")
            .arg(&package.program)
            .arg("--package")
            .arg(&package.path)
            .arg("--node-client")
            .arg(node.join("node_modules/aws-lambda-ric"))
            .arg("--node-handler")
            .arg(node.join("dist"))
            .arg("--node-package")
            .arg(node.join("handler.zip"))
            .args(["--event", "backend/tests/events/get_presign.json"])
            .args(["--rounds", &options.rounds.to_string()])
            .args(["--seconds", &options.seconds.to_string()]);
        process::run(what, &mut command, toolbox.interrupt)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Installs what the handler in Node.js needs, and bundles it into one small file, as is done for a
/// quick start. Gives the folder.
fn prepare_node(toolbox: &Toolbox) -> Result<PathBuf> {
    let source = toolbox.project.root.join("bench/lambda/node");
    let folder = toolbox.project.cache.join("bench-lambda-node");
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let mut changed = !folder.join("node_modules/aws-lambda-ric/bin").is_dir();
    for name in ["package.json", "package-lock.json", "handler.mjs"] {
        changed |= copy_if_changed(&source.join(name), &folder.join(name))?;
    }
    if changed {
        let what = "installing the handler in Node.js";
        step(what, || install(toolbox, &folder, what))?;
    }
    let what = "bundling the handler in Node.js";
    step(what, || {
        let mut bundle = Command::new("npm");
        bundle.current_dir(&folder).args(["run", "--silent", "bundle"]);
        process::run(what, &mut bundle, toolbox.interrupt)
    })?;
    let bundle = fs::read(folder.join("dist/handler.js")).context("the bundle is missing")?;
    let package = fs::File::create(folder.join("handler.zip"))?;
    dist_lambda::write_package("handler.js", &bundle, package)?;
    Ok(folder)
}

fn install(toolbox: &Toolbox, folder: &Path, what: &str) -> Result<()> {
    for program in BUILD_TOOLS.iter().chain(&["node", "npm"]) {
        ensure!(
            on_path(program).is_some(),
            "the Node.js runtime client needs {program} to be built (Debian: apt-get install -y \
             autoconf automake libtool make g++ nodejs npm)"
        );
    }
    let cmake = ensure_python_tool(toolbox, &CMAKE)?;
    let programs = cmake.parent().context("cmake has no folder")?;
    let mut command = Command::new("npm");
    command
        .current_dir(folder)
        .env("PATH", path_with(&[programs])?)
        .args(["ci", "--no-audit", "--no-fund"]);
    process::run(what, &mut command, toolbox.interrupt)
}

fn copy_if_changed(from: &Path, to: &Path) -> Result<bool> {
    let content = fs::read(from).with_context(|| format!("{} is missing", from.display()))?;
    if fs::read(to).is_ok_and(|there| there == content) {
        return Ok(false);
    }
    fs::write(to, content).with_context(|| format!("{} cannot be written", to.display()))?;
    Ok(true)
}
