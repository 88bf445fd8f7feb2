//! The fuzz targets of the Lambda and the engine, each for a bounded time.

use std::{
    fs,
    num::NonZero,
    panic::resume_unwind,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use anyhow::{Context, Result};

use crate::tools::{CARGO_FUZZ, Toolbox, ensure_python_tool};

/// Each fuzz target, and the folder of the inputs that it starts with.
const TARGETS: [(&str, &str); 5] = [
    ("event", "backend/tests/events"),
    ("query", "tests/fuzz/seeds/query"),
    ("json", "tests/fuzz/seeds/json"),
    ("xml", "tests/fuzz/seeds/xml"),
    ("answers", "tests/fuzz/seeds/answers"),
];

/// How long each target runs, in seconds.
const SECONDS: u32 = 10;

/// Longest input in bytes.
const MAX_INPUT_BYTES: u32 = 8192;

/// Builds the targets and runs each on one core. New inputs that they find are kept in the build folder, and a later run
/// starts from them.
pub(super) fn run(toolbox: &Toolbox) -> Result<()> {
    let cargo_fuzz = ensure_python_tool(toolbox, &CARGO_FUZZ)?;
    let building = "building the fuzz targets";
    toolbox.run(building, &mut command(&cargo_fuzz, "build", toolbox))?;
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    for targets in TARGETS.chunks(cores) {
        thread::scope(|scope| {
            let runs = targets.iter().map(|(target, seeds)| {
                let cargo_fuzz = &cargo_fuzz;
                scope.spawn(move || run_target(cargo_fuzz, target, seeds, toolbox))
            });
            let runs: Vec<_> = runs.collect();
            runs.into_iter()
                .try_for_each(|run| run.join().unwrap_or_else(|panic| resume_unwind(panic)))
        })?;
    }
    Ok(())
}

fn run_target(cargo_fuzz: &Path, target: &str, seeds: &str, toolbox: &Toolbox) -> Result<()> {
    let corpus = folder(toolbox).join("corpus").join(target);
    fs::create_dir_all(&corpus).with_context(|| format!("{} cannot be created", corpus.display()))?;
    let mut command = command(cargo_fuzz, "run", toolbox);
    command
        .arg(target)
        .arg(&corpus)
        .arg(toolbox.project.root.join(seeds))
        .args(["--", "-verbosity=0"])
        .arg(format!("-max_total_time={SECONDS}"))
        .arg(format!("-max_len={MAX_INPUT_BYTES}"));
    toolbox.run(&format!("fuzzing {target}"), &mut command)
}

/// The project's own code has no `unsafe`, so that a sanitizer would find nothing in it, and takes a minute to compile.
fn command(cargo_fuzz: &Path, subcommand: &str, toolbox: &Toolbox) -> Command {
    let mut command = Command::new(cargo_fuzz);
    command
        .current_dir(&toolbox.project.root)
        .args([
            subcommand,
            "--sanitizer",
            "none",
            "--fuzz-dir",
            "tests/fuzz",
            "--target-dir",
        ])
        .arg(folder(toolbox));
    command
}

fn folder(toolbox: &Toolbox) -> PathBuf {
    toolbox.project.target.join("fuzz")
}
