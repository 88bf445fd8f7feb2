//! The project's tasks. `cargo xtask serve` and `cargo xtask test` need nothing done before them:
//! each sets up what is missing, says what it is doing, and how long it took.

mod api_fuzz;
mod axe;
mod bench;
mod bench_lambda;
mod browsers;
mod custom_element;
mod debian;
mod dependencies;
mod deploy;
mod dist;
mod dist_lambda;
mod end_to_end;
mod fuzz;
mod generated;
mod import_names;
mod infrastructure;
mod inline_script;
mod npm;
mod page;
mod process;
mod project;
mod python;
mod readiness;
mod runtime_api;
mod s3_services;
mod serve;
mod shrink;
mod simulate;
mod soak;
mod step;
mod subresources;
mod tally;
mod test;
mod tools;
mod trunk_configuration;
mod unused_classes;
mod uppy;
mod wasm_functions;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};

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
    /// Upload thousands of files in a browser while requests fail at random
    Soak(soak::Options),
    /// Build the page and the Lambda as they are deployed, and say what they weigh
    Dist(DistOptions),
    /// Build everything and deploy it to an AWS account
    Deploy(deploy::DeployOptions),
    /// Delete what was deployed, except the uploaded files
    Destroy(deploy::DestroyOptions),
    /// Measure, and print the figures
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Subcommand)]
enum Bench {
    /// The Lambda beside the same in Node.js
    Lambda(bench_lambda::Options),
    /// How fast files get to S3, beside other upload clients
    Throughput(bench::ThroughputOptions),
    /// Requests, bytes that are no file's, and dollars
    Calls(bench::Options),
    /// The main thread and memory during an upload, beside Uppy's Dashboard
    MainThread(bench::Options),
    /// How soon the page can be used on a slow device, beside Uppy's Dashboard
    FirstLoad(bench::Options),
    /// SHA-256 in the page, and what it costs an upload
    Hashing(bench::Options),
    /// All of these but the Lambda, in less than half an hour
    All(bench::Options),
}

#[derive(Args)]
struct DistOptions {
    /// Build only this
    part: Option<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Page,
    Lambda,
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
        Task::Soak(options) => soak::run(options, &toolbox),
        Task::Dist(options) => match options.part {
            Some(Part::Page) => dist::run(&toolbox),
            Some(Part::Lambda) => dist_lambda::run(&toolbox),
            None => dist::run(&toolbox).and_then(|_| dist_lambda::run(&toolbox)),
        },
        Task::Deploy(options) => deploy::run(options, &toolbox),
        Task::Destroy(options) => deploy::destroy(options, &toolbox),
        Task::Bench(bench) => run_bench(bench, &toolbox),
    }
}

fn run_bench(bench: &Bench, toolbox: &Toolbox) -> Result<ExitCode> {
    match bench {
        Bench::Lambda(options) => bench_lambda::run(options, toolbox),
        Bench::Throughput(options) => bench::throughput(options, toolbox),
        Bench::Calls(options) => bench::run(&["calls"], options, toolbox),
        Bench::MainThread(options) => bench::run(&["main-thread"], options, toolbox),
        Bench::FirstLoad(options) => bench::run(&["first-load"], options, toolbox),
        Bench::Hashing(options) => bench::run(&["hashing"], options, toolbox),
        Bench::All(options) => bench::all(options, toolbox),
    }
}
