//! The fuzz targets of the Lambda and the engine, each for a bounded time.

use std::{fs, process::Command};

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

/// Builds the targets and runs each. New inputs that they find are kept in the build folder, and a later run starts
/// from them.
pub(super) fn run(toolbox: &Toolbox) -> Result<()> {
    let cargo_fuzz = ensure_python_tool(toolbox, &CARGO_FUZZ)?;
    let folder = toolbox.project.target.join("fuzz");
    for (target, seeds) in TARGETS {
        let corpus = folder.join("corpus").join(target);
        fs::create_dir_all(&corpus).with_context(|| format!("{} cannot be created", corpus.display()))?;
        let mut command = Command::new(&cargo_fuzz);
        command
            .current_dir(&toolbox.project.root)
            // The sanitizer's flags are unstable, but this toolchain has all that they need.
            .env("RUSTC_BOOTSTRAP", "1")
            .args(["run", "--fuzz-dir", "tests/fuzz", "--target-dir"])
            .arg(&folder)
            .arg(target)
            .arg(&corpus)
            .arg(toolbox.project.root.join(seeds))
            .args(["--", "-verbosity=0"])
            .arg(format!("-max_total_time={SECONDS}"))
            .arg(format!("-max_len={MAX_INPUT_BYTES}"));
        toolbox.run(&format!("fuzzing {target}"), &mut command)?;
    }
    Ok(())
}
