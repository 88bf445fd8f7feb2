//! One round with one program.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use local::{FunctionOptions, FunctionProcess};
use serde_json::Value;

use crate::process_usage::{cpu_time, peak_memory_bytes};

/// Answers that are not measured, so that whatever compiles or caches itself has done so.
const WARM_UP: u32 = 500;

/// What was measured in one round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    /// From the program's start until it asks for an event.
    pub(crate) init: Duration,
    /// From its first event to the answer.
    pub(crate) first_answer: Duration,
    /// The median of the later answers.
    pub(crate) median: Duration,
    /// What 99 of 100 later answers take at most.
    pub(crate) percentile_99: Duration,
    /// Events that a second of processor time answers.
    pub(crate) events_per_cpu_second: f64,
    /// The most memory that the program had, in bytes.
    pub(crate) peak_memory_bytes: u64,
}

/// Starts the program, gives it one event after another for the time `busy`, and stops it.
///
/// # Errors
/// Where the program does not start, or an answer is no signed URL.
pub(crate) async fn measure(options: &FunctionOptions, event: &[u8], busy: Duration) -> Result<Round> {
    let started = Instant::now();
    let process = FunctionProcess::start(options).await?;
    let init = started.elapsed();
    let first_answer = invoke(&process, event).await?;
    for _ in 0..WARM_UP {
        invoke(&process, event).await?;
    }
    let process_id = process.process_id().context("the process has no id")?;
    let cpu_before = cpu_time(process_id)?;
    let begun = Instant::now();
    let mut latencies = Vec::new();
    while begun.elapsed() < busy {
        latencies.push(invoke(&process, event).await?);
    }
    let cpu = cpu_time(process_id)?.saturating_sub(cpu_before);
    let peak_memory_bytes = peak_memory_bytes(process_id)?;
    process.stop().await;
    ensure!(!cpu.is_zero(), "too little was done to be measured");
    latencies.sort_unstable();
    Ok(Round {
        init,
        first_answer,
        median: percentile(&latencies, 50),
        percentile_99: percentile(&latencies, 99),
        events_per_cpu_second: latencies.len() as f64 / cpu.as_secs_f64(),
        peak_memory_bytes,
    })
}

/// Sends the event, and gives the time until the answer was there.
async fn invoke(process: &FunctionProcess, event: &[u8]) -> Result<Duration> {
    let event = event.to_vec();
    let begun = Instant::now();
    let answer = process.invoke(event).await?;
    let time = begun.elapsed();
    let answer: Value = serde_json::from_slice(&answer)?;
    let body = answer["body"].as_str().unwrap_or_default();
    ensure!(
        answer["statusCode"] == 200 && body.contains("X-Amz-Signature="),
        "the answer is no signed URL: {answer}"
    );
    Ok(time)
}

/// What so many in a hundred of sorted times are at most.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(count: u64, percent: usize, expected: u64) {
        let times: Vec<_> = (1..=count).map(Duration::from_millis).collect();
        assert_eq!(
            percentile(&times, percent),
            Duration::from_millis(expected),
            "{percent} of {count}"
        );
    }

    #[test]
    fn a_percentile_is_a_measured_time() {
        check(0, 50, 0);
        check(1, 99, 1);
        check(3, 50, 2);
        check(100, 99, 99);
        check(1000, 99, 990);
    }
}
