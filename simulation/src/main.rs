//! Runs the simulation: `cargo xtask simulate --seeds N --from S`.

use std::{process::ExitCode, time::Instant};

use clap::Parser;

/// Plays the upload engine in simulated worlds and prints the seeds of those that broke an invariant.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds to play.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Print every event and command; plays the first seed alone.
    #[arg(long)]
    trace: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.trace {
        return trace(arguments.from);
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let began = Instant::now();
    let end = arguments.from.saturating_add(arguments.seeds);
    let failures = simulation::run_many(arguments.from..end, threads);
    let seconds = began.elapsed().as_secs_f64();
    for failure in &failures {
        println!("seed {}: {}", failure.seed, failure.reason);
    }
    println!(
        "{} seeds in {seconds:.1} s ({:.0} a second), {} failed",
        arguments.seeds,
        arguments.seeds as f64 / seconds,
        failures.len()
    );
    match failures.first() {
        None => ExitCode::SUCCESS,
        Some(first) => {
            println!("read one: cargo xtask simulate --from {} --trace", first.seed);
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
            println!("seed {seed}: {}", failure.reason);
            ExitCode::FAILURE
        }
    }
}
