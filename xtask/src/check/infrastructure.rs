//! What the tests of the production stack need: linters, a second judge of policies, the AWS tools, an AWS on this machine, and a built page.

use std::{path::PathBuf, process::Command};

use anyhow::Result;

use crate::{
    build::{Profile, build_page},
    tools::{AWS, CFN_LINT, CHECKOV, MINISTACK, SAM, Toolbox, ensure_packages, ensure_python_tool},
};

/// How many tests run at once. Deployments wait for most of their time.
pub(super) const TESTS_AT_ONCE: &str = "6";

/// Installs the tools, and returns each with the variable in which the tests find it.
pub(super) fn ensure_tools(toolbox: &Toolbox) -> Result<Vec<(&'static str, PathBuf)>> {
    let judge = toolbox.project.root.join("infra/judge");
    let judge = ensure_packages(toolbox, "second-judge", &judge, &["judge.mjs"])?;
    let mut tools = vec![("SLIPWAY_JUDGE", judge)];
    for (variable, tool) in [
        ("SLIPWAY_AWS", AWS),
        ("SLIPWAY_CFN_LINT", CFN_LINT),
        ("SLIPWAY_CHECKOV", CHECKOV),
        ("SLIPWAY_MINISTACK", MINISTACK),
        ("SLIPWAY_SAM", SAM),
    ] {
        tools.push((variable, ensure_python_tool(toolbox, &tool)?));
    }
    Ok(tools)
}

/// Sets the variables in which the tests find all this.
pub(super) fn set_variables(toolbox: &Toolbox, page: Profile, command: &mut Command) -> Result<()> {
    command
        .envs(ensure_tools(toolbox)?)
        .env("SLIPWAY_PAGE", build_page(toolbox, page)?)
        .env("SLIPWAY_XTASK", std::env::current_exe()?);
    Ok(())
}
