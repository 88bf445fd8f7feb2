//! The production stack: its template by linters, its policies on what is really signed, and a deployment to
//! an AWS on this machine.

use std::process::Command;

use anyhow::Result;

use crate::{
    deploy::{AWS, SAM},
    page::{self, Profile},
    python::{PythonTool, ensure_python_tool, ensure_python_tool_with},
    tools::Toolbox,
};

const CFN_LINT: PythonTool = PythonTool {
    package: "cfn-lint",
    version: "1.58.0",
    program: "cfn-lint",
    probe: &["--version"],
};

const CHECKOV: PythonTool = PythonTool {
    package: "checkov",
    version: "3.3.30",
    program: "checkov",
    probe: &["--version"],
};

/// Deploys CloudFormation and runs what it made.
const MINISTACK: PythonTool = PythonTool {
    package: "ministack",
    version: "1.5.33",
    program: "python",
    probe: &["-c", "import ministack, samtranslator, cryptography"],
};

/// What MiniStack reads SAM templates by, and what it checks the signatures of tokens by.
const MINISTACK_PACKAGES: [&str; 2] = ["aws-sam-translator==1.115.0", "cryptography==50.0.2"];

/// A command that tells the tests where their tools and the built page are.
///
/// # Errors
/// Where a tool cannot be installed, or the page does not build.
pub(crate) fn tell<'a>(toolbox: &Toolbox, command: &'a mut Command) -> Result<&'a mut Command> {
    Ok(command
        .env("SLIPWAY_AWS", ensure_python_tool(toolbox, &AWS)?)
        .env("SLIPWAY_CFN_LINT", ensure_python_tool(toolbox, &CFN_LINT)?)
        .env("SLIPWAY_CHECKOV", ensure_python_tool(toolbox, &CHECKOV)?)
        .env(
            "SLIPWAY_MINISTACK",
            ensure_python_tool_with(toolbox, &MINISTACK, &MINISTACK_PACKAGES)?,
        )
        .env("SLIPWAY_SAM", ensure_python_tool(toolbox, &SAM)?)
        .env("SLIPWAY_PAGE", page::build(toolbox, Profile::Debug)?)
        .env("SLIPWAY_XTASK", std::env::current_exe()?))
}
