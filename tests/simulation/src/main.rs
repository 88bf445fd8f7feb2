//! Runs the simulation: `cargo xtask simulate --seeds N --from S`.

use std::{process::ExitCode, time::Instant};

use clap::Parser;
use simulation::Failure;

/// Plays the upload engine in simulated worlds and prints the seeds of those that broke an invariant.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds to play.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Print every event and command; plays the first seed only.
    #[arg(long)]
    trace: bool,
    /// Play one seed after another up to the first that breaks an invariant, and print that as JSON: a
    /// failure, or null.
    #[arg(long, conflicts_with = "trace")]
    find: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seeds = arguments.from..arguments.from.saturating_add(arguments.seeds);
    if arguments.trace {
        return trace(arguments.from);
    }
    if arguments.find {
        let failure = seeds.into_iter().find_map(|seed| simulation::run(seed).err());
        return print_json(failure.as_ref());
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let started = Instant::now();
    let failures = simulation::run_many(seeds, threads);
    let seconds = started.elapsed().as_secs_f64();
    for failure in &failures {
        println!("{failure}");
    }
    println!(
        "{} seeds in {seconds:.1} s ({:.0} per second), {} failed",
        arguments.seeds,
        arguments.seeds as f64 / seconds,
        failures.len()
    );
    match failures.first() {
        None => ExitCode::SUCCESS,
        Some(first) => {
            println!("to read one: cargo xtask simulate --from {} --trace", first.seed);
            ExitCode::FAILURE
        }
    }
}

fn trace(seed: u64) -> ExitCode {
    let (lines, result) = simulation::run_traced(seed);
    for line in lines {
        println!("{line}");
    }
    match result {
        Ok(()) => {
            println!("seed {seed} holds");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn print_json(failure: Option<&Failure>) -> ExitCode {
    match serde_json::to_string(&failure) {
        Ok(json) => {
            println!("{json}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
