//! What the tests of S3 services need: OpenStack Swift, and programs that upload to S3.

use std::{path::PathBuf, process::Command};

use anyhow::Result;

use crate::{
    debian::{self, Programs},
    python::{PythonEnvironment, ensure_python_environment},
    tools::{Toolbox, on_path},
};

/// OpenStack Swift.
const SWIFT: PythonEnvironment = PythonEnvironment {
    name: "swift",
    requirements: include_str!("../python/swift.txt"),
    probe: &["bin/swift-ring-builder"],
};

/// The AWS command line and boto3.
const CLIENTS: PythonEnvironment = PythonEnvironment {
    name: "s3-clients",
    requirements: include_str!("../python/s3-clients.txt"),
    probe: &["bin/aws", "--version"],
};

/// rclone and curl.
const PROGRAMS: Programs = Programs {
    what: "rclone and curl",
    packages: "rclone curl",
    elsewhere: "macOS: brew install rclone curl",
};

/// Tells the tests where Swift's programs are.
///
/// # Errors
/// Where Swift cannot be installed.
pub(crate) fn tell_swift<'a>(toolbox: &Toolbox, command: &'a mut Command) -> Result<&'a mut Command> {
    let root = ensure_python_environment(toolbox, &SWIFT)?;
    Ok(command.env("SLIPWAY_SWIFT", root.join("bin")))
}

/// Tells the tests where the programs are that upload to S3.
///
/// # Errors
/// Where one cannot be installed.
pub(crate) fn tell_clients<'a>(toolbox: &Toolbox, command: &'a mut Command) -> Result<&'a mut Command> {
    let root = ensure_python_environment(toolbox, &CLIENTS)?;
    let find = || Some([on_path("rclone")?, on_path("curl")?]);
    let [rclone, curl]: [PathBuf; 2] = debian::ensure(toolbox, &PROGRAMS, find)?;
    Ok(command
        .env("SLIPWAY_PYTHON_S3_CLIENTS", root.join("bin"))
        .env("SLIPWAY_RCLONE", rclone)
        .env("SLIPWAY_CURL", curl))
}
