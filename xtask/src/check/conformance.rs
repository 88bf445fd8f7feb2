//! What the conformance tests need: OpenStack Swift, and programs that upload to S3.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::tools::{Programs, PythonTool, S3_CLIENTS, SWIFT, Toolbox, ensure_python_tool, on_path};

const RCLONE_AND_CURL: Programs = Programs {
    what: "rclone and curl",
    packages: "rclone curl",
    elsewhere: "macOS: brew install rclone curl",
};

/// Installs Swift, and returns the folder of its programs with the variable in which tests find it.
pub(super) fn ensure_swift(toolbox: &Toolbox) -> Result<(&'static str, PathBuf)> {
    Ok(("SLIPWAY_SWIFT", programs_of(&SWIFT, toolbox)?))
}

/// Installs the programs that upload to S3, and returns each with the variable in which tests find it.
pub(super) fn ensure_clients(toolbox: &Toolbox) -> Result<[(&'static str, PathBuf); 3]> {
    let find = || Some([on_path("rclone")?, on_path("curl")?]);
    let [rclone, curl] = RCLONE_AND_CURL.ensure(toolbox, find)?;
    Ok([
        ("SLIPWAY_PYTHON_S3_CLIENTS", programs_of(&S3_CLIENTS, toolbox)?),
        ("SLIPWAY_RCLONE", rclone),
        ("SLIPWAY_CURL", curl),
    ])
}

fn programs_of(tool: &PythonTool, toolbox: &Toolbox) -> Result<PathBuf> {
    let program = ensure_python_tool(toolbox, tool)?;
    let folder = program.parent().map(Path::to_owned);
    folder.context("a program is in a folder")
}
