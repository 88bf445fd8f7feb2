//! The Lambda beside the same function in each Node.js, under the same Runtime API.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use e2e::{path_of, peak_memory};
use local::{FunctionOptions, FunctionProcess};
use serde_json::Value;
use sysinfo::{Pid, ProcessesToUpdate, System};

use crate::{
    compare::in_turn,
    table::{Better, Table},
    versions::version,
};

/// Answers that are not measured, so that whatever compiles or caches itself has done so.
const WARM_UP: u32 = 500;

/// The event that both answer, in the checkout.
const EVENT: &str = "backend/tests/events/get_presign.json";

/// The options of the comparison.
#[derive(Args)]
pub(crate) struct Options {
    /// How long each program is kept busy once it is warm, in seconds
    #[arg(long, default_value_t = 3)]
    busy_seconds: u64,
    /// The program of a Node.js, once for each that is compared; by default the one on PATH, and Node.js 24 from npm
    #[arg(long = "node", value_name = "PATH", required = true)]
    nodes: Vec<PathBuf>,
}

impl Options {
    /// What a report says about how it was measured.
    pub(crate) fn method(&self, rounds: u32) -> String {
        let busy = self.busy_seconds;
        format!(
            "{WARM_UP} events to get warm, then {busy} s of events one after another; {rounds} rounds, in turn."
        )
    }

    /// Each Node.js, by a name with its version, and its program. Two of one version count once.
    pub(crate) fn nodes(&self) -> Result<Vec<(String, PathBuf)>> {
        let mut nodes: Vec<(String, PathBuf)> = Vec::new();
        for path in &self.nodes {
            // The handler runs in a folder of its own; a name alone is looked up in PATH.
            let program = match path.components().count() {
                1 => path.clone(),
                _ => std::path::absolute(path)?,
            };
            let name = format!("Node.js {}", version(&program)?.trim_start_matches('v'));
            if nodes.iter().all(|(other, _)| *other != name) {
                nodes.push((name, program));
            }
        }
        Ok(nodes)
    }
}

fn lambda() -> Result<FunctionOptions> {
    Ok(FunctionOptions {
        program: path_of("SLIPWAY_LAMBDA")?,
        arguments: Vec::new(),
        folder: None,
        variables: variables(&[]),
        output: Arc::new(|_| {}),
    })
}

/// The handler in a folder that has its bundle and AWS's runtime client, run by this Node.js.
fn node(program: PathBuf, folder: &Path) -> FunctionOptions {
    let client: OsString = folder.join("node_modules/aws-lambda-ric/bin/index.mjs").into();
    FunctionOptions {
        program,
        arguments: vec![client, "handler.handler".into()],
        folder: Some(folder.join("dist")),
        variables: variables(&[("NODE_ENV", "production")]),
        output: Arc::new(|_| {}),
    }
}

fn variables(more: &[(&str, &str)]) -> Vec<(String, String)> {
    let shared = [
        ("BUCKET_NAME", "photos"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE"),
        (
            "AWS_SECRET_ACCESS_KEY",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        ),
        ("AWS_SESSION_TOKEN", "IQoJb3JpZ2luX2VjEXAMPLETOKEN"),
    ];
    let pairs = shared.iter().chain(more);
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Measures all programs, round by round in turn.
pub(crate) async fn measure(
    options: &Options,
    nodes: Vec<(String, PathBuf)>,
    sources: &Path,
    rounds: u32,
) -> Result<Vec<Table>> {
    let event = std::fs::read(sources.join(EVENT)).context("the event cannot be read")?;
    let folder = path_of("SLIPWAY_NODE")?;
    let busy = Duration::from_secs(options.busy_seconds);
    let mut programs = vec![("Slipway".to_owned(), lambda()?)];
    programs.extend(
        nodes
            .into_iter()
            .map(|(name, program)| (name, node(program, &folder))),
    );
    let mut tables = tables();
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for (name, program) in in_turn(&programs, round) {
            let figures = measure_program(&program, &event, busy)
                .await
                .with_context(|| name.clone())?;
            for (table, figure) in tables.iter_mut().zip(figures) {
                table.add(&name, figure);
            }
        }
    }
    let mut package = Table::new("package", "kB", Better::Less);
    let (own, bundle) = (path_of("SLIPWAY_LAMBDA_PACKAGE")?, folder.join("handler.zip"));
    for (number, (name, _)) in programs.iter().enumerate() {
        let path = if number == 0 { &own } else { &bundle };
        package.add(name, path.metadata()?.len() as f64 / 1e3);
    }
    tables.push(package);
    let names: Vec<&str> = programs.iter().map(|(name, _)| name.as_str()).collect();
    tables.iter_mut().for_each(|table| table.order(&names));
    Ok(tables)
}

fn tables() -> Vec<Table> {
    let less = |name, unit| Table::new(name, unit, Better::Less);
    vec![
        less("start until the first event is asked for", "ms"),
        less("first answer", "ms"),
        less("start and first answer", "ms"),
        less("warm answer, median", "ms"),
        less("warm answer, 99th percentile", "ms"),
        Table::new("events per CPU second", "events", Better::More),
        less("peak memory", "MB"),
    ]
}

/// Starts the program, gives it one event after another for the time `busy`, and stops it. The figures are those of
/// [`tables`].
async fn measure_program(options: &FunctionOptions, event: &[u8], busy: Duration) -> Result<Vec<f64>> {
    let started = Instant::now();
    let process = FunctionProcess::start(options).await?;
    let init = started.elapsed();
    let first_answer = invoke(&process, event).await?;
    for _ in 0..WARM_UP {
        invoke(&process, event).await?;
    }
    let process_id = process.process_id().context("the process has no id")?;
    let cpu_before = cpu_time(process_id)?;
    let start = Instant::now();
    let mut latencies = Vec::new();
    while start.elapsed() < busy {
        latencies.push(invoke(&process, event).await?);
    }
    let cpu = cpu_time(process_id)?.saturating_sub(cpu_before);
    let memory = peak_memory(process_id)?;
    process.stop().await;
    ensure!(!cpu.is_zero(), "too little was done to be measured");
    latencies.sort_unstable();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    Ok(vec![
        milliseconds(init),
        milliseconds(first_answer),
        milliseconds(init + first_answer),
        milliseconds(percentile(&latencies, 50)),
        milliseconds(percentile(&latencies, 99)),
        latencies.len() as f64 / cpu.as_secs_f64(),
        memory as f64 / 1e6,
    ])
}

/// Sends the event, and returns the time until the answer was there.
async fn invoke(process: &FunctionProcess, event: &[u8]) -> Result<Duration> {
    let event = event.to_vec();
    let start = Instant::now();
    let answer = process.invoke(event).await?;
    let time = start.elapsed();
    let answer: Value = serde_json::from_slice(&answer)?;
    let body = answer["body"].as_str().unwrap_or_default();
    ensure!(
        answer["statusCode"] == 200 && body.contains("X-Amz-Signature="),
        "the answer has no signed URL: {answer}"
    );
    Ok(time)
}

/// The processor time of a process's threads, user and kernel.
fn cpu_time(process_id: u32) -> Result<Duration> {
    let id = Pid::from_u32(process_id);
    let mut system = System::new()?;
    system.refresh_processes(ProcessesToUpdate::Some(&[id]), true);
    let process = system.process(id).context("the process is gone")?;
    Ok(Duration::from_millis(process.accumulated_cpu_time()))
}

/// The time that `percent` of the sorted times do not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
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
    fn a_percentile_is_one_of_the_times() {
        check(0, 50, 0);
        check(1, 99, 1);
        check(3, 50, 2);
        check(100, 99, 99);
        check(1000, 99, 990);
    }

    #[test]
    fn this_process_has_used_a_processor() {
        assert!(cpu_time(std::process::id()).is_ok());
    }
}
