//! Two checks that can run for as long as one likes.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::{
    build::{Profile, build_page},
    tools::{Browsers, Toolbox},
};

/// The options of `cargo xtask simulate`.
#[derive(Args)]
pub(crate) struct SimulateOptions {
    /// What the simulation is to do; --help lists its options
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Runs the upload engine in simulated worlds, and prints the seeds that break an invariant.
pub(crate) fn simulate(options: &SimulateOptions, toolbox: &Toolbox) -> Result<ExitCode> {
    let mut command = toolbox.cargo(&["run", "--quiet", "--package", "simulation", "--"]);
    toolbox.run("the simulation", command.args(&options.arguments))?;
    Ok(ExitCode::SUCCESS)
}

/// The options of `cargo xtask soak`.
#[derive(Args)]
pub(crate) struct SoakOptions {
    /// Use the page as it is deployed
    #[arg(long)]
    release: bool,
    /// What the soak is to do; `-- --help` lists its options
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Uploads many files through the page in Chromium while requests fail at random, and prints the figures. A file that
/// is not stored as it was is an error.
pub(crate) fn soak(options: &SoakOptions, toolbox: &Toolbox) -> Result<ExitCode> {
    let browsers = Browsers::ensure(toolbox)?;
    let page = build_page(toolbox, Profile::from_release(options.release))?;
    let mut command = toolbox.cargo(&["run", "--quiet", "--package", "e2e", "--bin", "soak", "--"]);
    command.args(&options.arguments);
    browsers
        .set_chromium_variables(&mut command)
        .env("SLIPWAY_PAGE", page);
    toolbox.run("the soak", &mut command)?;
    Ok(ExitCode::SUCCESS)
}
