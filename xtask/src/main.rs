//! The project's tasks. Each sets up what is missing, prints what it is doing, and how long it took; nothing has to be
//! done before `cargo xtask serve` or `cargo xtask test`.

// The tasks.
mod bench;
mod build;
mod check;
mod deploy;
mod link;
mod serve;

// What they need.
mod hash;
mod host_check;
mod process;
mod project;
mod readiness;
mod step;
mod tools;

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
    /// Make an upload link, by which somebody without an account can upload into one folder
    Link(link::Options),
    /// Run every check and every test
    Test(check::Options),
    /// Run the upload engine in simulated worlds, from seeds
    #[command(disable_help_flag = true)]
    Simulate(check::SimulateOptions),
    /// Upload thousands of files in a browser while requests fail at random
    Soak(check::SoakOptions),
    /// Build the page and the Lambda functions as they are deployed, and print their sizes
    Dist(build::Options),
    /// Build everything and deploy it to an AWS account
    Deploy(deploy::DeployOptions),
    /// Delete what was deployed, except the uploaded files
    Destroy(deploy::DestroyOptions),
    /// Put the custom element beside the page that trunk builds; `serve` has trunk run this
    #[command(hide = true)]
    ServedElement,
    /// Measure, and print the figures
    #[command(disable_help_flag = true)]
    Bench(bench::Options),
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
    let toolbox = Toolbox {
        project: &project,
        interrupt: &interrupt,
    };
    match task {
        Task::Serve(options) => serve::run(options, &toolbox),
        Task::Link(options) => link::run(options),
        Task::Test(options) => check::run(options, &toolbox),
        Task::Simulate(options) => check::simulate(options, &toolbox),
        Task::Soak(options) => check::soak(options, &toolbox),
        Task::Dist(options) => build::run(options, &toolbox),
        Task::Deploy(options) => deploy::run(options, &toolbox),
        Task::Destroy(options) => deploy::destroy(options, &toolbox),
        Task::ServedElement => build::write_served_element(&project.root).map(|()| ExitCode::SUCCESS),
        Task::Bench(options) => bench::run(options, &toolbox),
    }
}
