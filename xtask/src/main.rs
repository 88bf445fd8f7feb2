//! The project's tasks. `cargo xtask serve` and `cargo xtask test` need nothing done before them:
//! each sets up what is missing, says what it is doing, and how long it took.

mod browsers;
mod dist;
mod inline_script;
mod page;
mod process;
mod project;
mod readiness;
mod serve;
mod simulate;
mod step;
mod subresources;
mod tally;
mod test;
mod tools;
mod trunk_configuration;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{process::Interrupt, project::Project, tools::Toolbox};

/// The project's tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run the page against the local stack, until Ctrl-C
    Serve(serve::Options),
    /// Run every check and every test
    Test(test::Options),
    /// Play the upload engine in simulated worlds, from seeds
    Simulate(simulate::Options),
    /// Build the page as it is deployed, and say what its first view weighs
    Dist,
}

fn main() -> ExitCode {
    match run(&Arguments::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> Result<ExitCode> {
    let interrupt = Interrupt::install()?;
    let project = Project::locate()?;
    let toolbox = Toolbox::new(&project, &interrupt);
    match task {
        Task::Serve(options) => serve::run(options, &toolbox),
        Task::Test(options) => test::run(options, &toolbox),
        Task::Simulate(options) => simulate::run(options, &toolbox),
        Task::Dist => dist::run(&toolbox),
    }
}
