//! What the tests of the production stack need: linters, a second judge of policies, the AWS tools, an AWS on this machine, and a built page.

use std::process::Command;

use anyhow::Result;

use crate::{
    build::{Profile, build_page},
    tools::{AWS, CFN_LINT, CHECKOV, MINISTACK, SAM, Toolbox, ensure_packages, ensure_python_tool},
};

/// How many tests run at once. Deployments wait for most of their time.
pub(super) const TESTS_AT_ONCE: &str = "6";

/// Sets the variables in which the tests find all this.
pub(super) fn set_variables(toolbox: &Toolbox, page: Profile, command: &mut Command) -> Result<()> {
    for (variable, tool) in [
        ("SLIPWAY_AWS", AWS),
        ("SLIPWAY_CFN_LINT", CFN_LINT),
        ("SLIPWAY_CHECKOV", CHECKOV),
        ("SLIPWAY_MINISTACK", MINISTACK),
        ("SLIPWAY_SAM", SAM),
    ] {
        command.env(variable, ensure_python_tool(toolbox, &tool)?);
    }
    let judge = toolbox.project.root.join("infra/judge");
    let judge = ensure_packages(toolbox, "second-judge", &judge, &["judge.mjs"])?;
    command
        .env("SLIPWAY_JUDGE", judge)
        .env("SLIPWAY_PAGE", build_page(toolbox, page)?)
        .env("SLIPWAY_XTASK", std::env::current_exe()?);
    Ok(())
}
