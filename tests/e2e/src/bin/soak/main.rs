//! Uploads thousands of files through the page in Chromium while requests fail at random.
//!
//! `cargo xtask soak` builds the page and runs this.

mod batch;
mod memory;
mod mishaps;
mod report;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::Parser;
use e2e::{FaultyScenario, REPORT_WORKER_MEMORY, with_faulty_page};
use serde_json::json;

use batch::{Batch, Outcome};
use memory::Memory;
use report::Report;

/// The limits of one batch, so that files and objects together stay far below 2 GiB.
const BATCH_BYTES: u64 = 256 << 20;
const BATCH_FILES: u64 = 250;

/// Upload thousands of files in Chromium while requests fail at random
#[derive(Parser)]
struct Options {
    /// How many files
    #[arg(long, default_value_t = 20_000)]
    files: u64,
    /// How many bytes in total
    #[arg(long, default_value_t = 20 << 30)]
    bytes: u64,
    /// Makes sizes and faults; a different one each time by default, which is printed
    #[arg(long)]
    seed: Option<u64>,
    /// Stop after this many minutes, as a failure
    #[arg(long, default_value_t = 240)]
    minutes: u64,
    /// Write the figures as JSON to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    println!("seed {seed}");
    let settings = json!({ "backoffMilliseconds": 200, "maxAttempts": 20, "stallSeconds": 10 });
    let deadline = Duration::from_secs(options.minutes * 60);
    let mut report = Report {
        seed,
        ..Report::default()
    };
    let ran = with_faulty_page(settings, deadline, async |scenario| {
        soak(scenario, &options, seed, &mut report).await
    })
    .await;
    println!("{report}");
    if let Some(path) = &options.json {
        let figures = serde_json::to_string_pretty(&report)?;
        std::fs::write(path, figures).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    ran
}

async fn soak(
    scenario: &FaultyScenario<'_>,
    options: &Options,
    seed: u64,
    report: &mut Report,
) -> Result<()> {
    let start = Instant::now();
    scenario.run_before_workers(REPORT_WORKER_MEMORY);
    let page = scenario.open_page().await?;
    let mut random = fastrand::Rng::with_seed(seed);
    scenario.faults().plan(mishaps::choose(random.fork()));
    let mean = options.bytes / options.files.max(1);
    let mut left = (options.files, options.bytes);
    while left.0 > 0 {
        let batch = Batch::write(scenario, &mut random, mean, left, (BATCH_FILES, BATCH_BYTES))?;
        let batch_files = batch.files();
        left.0 -= batch_files;
        left.1 = left.1.saturating_sub(batch.bytes());
        let outcome: Outcome = batch.upload(scenario, &page).await?;
        report.add(&outcome, start.elapsed());
        report.memory = Memory::measure(scenario.browser()).await?;
        if left.0 + batch_files == options.files {
            report.memory_first = report.memory;
        }
        report.most_memory = report.most_memory.max(report.memory);
        println!("{}", report.line());
    }
    report.faults = mishaps::met(scenario.faults());
    report.unfinished_uploads = scenario.unfinished_uploads()?;
    Ok(())
}
