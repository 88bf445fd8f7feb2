//! `cargo xtask simulate`: the upload engine in as many simulated worlds as one likes, on every core.

use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Args;

use crate::{process, tools::Toolbox};

/// The options of `cargo xtask simulate`.
#[derive(Args)]
pub(crate) struct Options {
    /// How many seeds to play
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Play the first seed alone and print its every event and command
    #[arg(long)]
    trace: bool,
}

/// Plays the seeds; those that broke an invariant are printed.
///
/// # Errors
/// Where the simulation does not build, or a seed failed.
pub(crate) fn run(options: &Options, toolbox: &Toolbox) -> Result<ExitCode> {
    let mut command = Command::new("cargo");
    command
        .current_dir(&toolbox.project.root)
        .args(["run", "--quiet", "--package", "simulation", "--"])
        .args(["--seeds", &options.seeds.to_string()])
        .args(["--from", &options.from.to_string()]);
    if options.trace {
        command.arg("--trace");
    }
    process::run("the simulation", &mut command, toolbox.interrupt)?;
    Ok(ExitCode::SUCCESS)
}
