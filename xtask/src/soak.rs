//! `cargo xtask soak`: thousands of files through the page in Chromium, with faults on.

use std::{
    path::PathBuf,
    process::{Command, ExitCode},
};

use anyhow::Result;
use clap::Args;

use crate::{
    browsers::Browsers,
    page::{self, Profile},
    process,
    tools::Toolbox,
};

/// The options of `cargo xtask soak`.
#[derive(Args)]
pub(crate) struct Options {
    /// How many files
    #[arg(long, default_value_t = 20_000)]
    files: u64,
    /// How many bytes in all
    #[arg(long, default_value_t = 20 << 30)]
    bytes: u64,
    /// What sizes and faults are made from; another each time by default, which is printed
    #[arg(long)]
    seed: Option<u64>,
    /// Stop after this many minutes, as a failure
    #[arg(long, default_value_t = 240)]
    minutes: u64,
    /// Write the figures as JSON to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Use the page as it is deployed
    #[arg(long)]
    release: bool,
}

/// Builds the page and uploads the files; the figures are printed at the end.
///
/// # Errors
/// Where something does not build, a file does not arrive as it is, or the time is over.
pub(crate) fn run(options: &Options, toolbox: &Toolbox) -> Result<ExitCode> {
    let browsers = Browsers::ensure(toolbox)?;
    let page = page::build(toolbox, Profile::from_release(options.release))?;
    let mut command = Command::new("cargo");
    command
        .current_dir(&toolbox.project.root)
        .args(["run", "--quiet", "--package", "e2e", "--bin", "soak", "--"])
        .args(["--files", &options.files.to_string()])
        .args(["--bytes", &options.bytes.to_string()])
        .args(["--minutes", &options.minutes.to_string()]);
    if let Some(seed) = options.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    if let Some(path) = &options.json {
        command.arg("--json").arg(std::path::absolute(path)?);
    }
    browsers
        .tell(toolbox, &mut command)?
        .env("SLIPWAY_BROWSER", "chromium")
        .env("SLIPWAY_PAGE", page);
    process::run("the soak", &mut command, toolbox.interrupt)?;
    Ok(ExitCode::SUCCESS)
}
