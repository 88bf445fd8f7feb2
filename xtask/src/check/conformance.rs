//! What the conformance tests need: OpenStack Swift, and programs that upload to S3.

use std::process::Command;

use anyhow::{Context, Result};

use crate::tools::{Programs, S3_CLIENTS, SWIFT, Toolbox, ensure_python_tool, on_path};

const RCLONE_AND_CURL: Programs = Programs {
    what: "rclone and curl",
    packages: "rclone curl",
    elsewhere: "macOS: brew install rclone curl",
};

/// Sets the variable in which tests find Swift's programs.
pub(super) fn set_swift_variables<'a>(
    toolbox: &Toolbox,
    command: &'a mut Command,
) -> Result<&'a mut Command> {
    let program = ensure_python_tool(toolbox, &SWIFT)?;
    let folder = program.parent().context("a program is in a folder")?;
    Ok(command.env("SLIPWAY_SWIFT", folder))
}

/// Sets the variables in which tests find the programs that upload to S3.
pub(super) fn set_client_variables<'a>(
    toolbox: &Toolbox,
    command: &'a mut Command,
) -> Result<&'a mut Command> {
    let program = ensure_python_tool(toolbox, &S3_CLIENTS)?;
    let folder = program.parent().context("a program is in a folder")?;
    let find = || Some([on_path("rclone")?, on_path("curl")?]);
    let [rclone, curl] = RCLONE_AND_CURL.ensure(toolbox, find)?;
    Ok(command
        .env("SLIPWAY_PYTHON_S3_CLIENTS", folder)
        .env("SLIPWAY_RCLONE", rclone)
        .env("SLIPWAY_CURL", curl))
}
