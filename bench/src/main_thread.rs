//! What an upload does to a page's main thread and memory, by the browser's own records.

use std::{collections::HashSet, time::Duration};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::{sync::mpsc::UnboundedReceiver, time::timeout};

use crate::{
    browser::Browser,
    client::Client,
    devtools::Told,
    report::{Better, Table},
    stage::{Setting, Stage, Way},
    throughput::{in_turn, order},
    upload::{Limit, open, watch},
    workload::Workload,
};

/// The tasks of each thread are in this category of Chromium's tracing.
const CATEGORY: &str = "disabled-by-default-devtools.timeline";

/// How much Chromium keeps of a trace, in kB.
const TRACE_KILOBYTES: u64 = 400_000;

/// A task that is longer keeps a page from answering (W3C Long Tasks API), in microseconds.
const LONG_TASK_MICROSECONDS: f64 = 50_000.0;

/// How long the browser may take to hand over its trace.
const PATIENCE: Duration = Duration::from_secs(120);

/// What one upload did.
struct Load {
    /// How long its tasks took. Where every core is busy, that has the time in which the thread waited for one.
    busy_seconds: f64,
    processor_seconds: f64,
    longest_milliseconds: f64,
    long_tasks: f64,
    heap_megabytes: f64,
    memory_megabytes: f64,
}

/// Uploads every workload by every page, in turn.
///
/// # Errors
/// Where something other than an upload fails.
pub(crate) async fn measure(
    setting: &Setting,
    clients: &[Client],
    workloads: &[Workload],
    rounds: u32,
    limit: Limit,
) -> Result<Vec<Table>> {
    let mut tables = Vec::new();
    for workload in workloads {
        let mut own = tables_of(*workload);
        for round in 1..=rounds {
            for client in in_turn(clients, round) {
                let what = format!("round {round}, {}, {}", workload.name(), client.name());
                match load(setting, client, *workload, limit).await {
                    Ok(load) => {
                        eprintln!("{what}: {:.2} s of main thread", load.busy_seconds);
                        let figures = [
                            load.busy_seconds,
                            load.processor_seconds,
                            load.longest_milliseconds,
                            load.long_tasks,
                            load.heap_megabytes,
                            load.memory_megabytes,
                        ];
                        for (table, figure) in own.iter_mut().zip(figures) {
                            table.add(client.name(), figure);
                        }
                    }
                    Err(error) => {
                        eprintln!("{what}: {error:#}");
                        for table in &mut own {
                            table.add_failure(client.name(), format!("{error:#}"));
                        }
                    }
                }
            }
        }
        for table in &mut own {
            order(table, clients);
        }
        tables.extend(own);
    }
    Ok(tables)
}

fn tables_of(workload: Workload) -> Vec<Table> {
    let name = workload.name();
    let table = |figure: &str, unit| Table::new(format!("{name}: {figure}"), unit, Better::Less);
    vec![
        table("main thread busy", "s"),
        table("processor time of the main thread", "s"),
        table("longest task", "ms"),
        table("tasks over 50 ms", "tasks"),
        table("peak of the page's JavaScript heap", "MB"),
        table("peak of the tab's memory", "MB"),
    ]
}

async fn load(setting: &Setting, client: Client, workload: Workload, limit: Limit) -> Result<Load> {
    let files = workload.files(&setting.files)?;
    let stage = Stage::start(setting, client, &Way::Direct, "").await?;
    let browser = open(setting, client, &stage).await?;
    let outcome = traced(&browser, client, &files, limit).await;
    browser.close().await?;
    stage.stop().await?;
    outcome
}

async fn traced(
    browser: &Browser,
    client: Client,
    files: &[std::path::PathBuf],
    limit: Limit,
) -> Result<Load> {
    browser.call("HeapProfiler.collectGarbage", json!({})).await?;
    let told = browser.devtools.listen();
    let configuration = json!({
        "includedCategories": [CATEGORY, "__metadata"],
        "traceBufferSizeInKb": TRACE_KILOBYTES,
    });
    let start = json!({ "transferMode": "ReportEvents", "traceConfig": configuration });
    browser.devtools.call("", "Tracing.start", start).await?;
    let busy_before = browser.metric("TaskDuration").await?;
    let processor_before = browser.metric("ThreadTime").await?;
    let mut heap: f64 = 0.0;
    watch(browser, client, files, limit, async |browser| {
        heap = heap.max(browser.metric("JSHeapUsedSize").await?);
        Ok(())
    })
    .await?;
    let busy = browser.metric("TaskDuration").await? - busy_before;
    let processor = browser.metric("ThreadTime").await? - processor_before;
    let memory = browser.peak_memory()?;
    browser.devtools.call("", "Tracing.end", json!({})).await?;
    let tasks = main_thread_tasks(&trace(told).await?);
    let long = tasks.iter().filter(|time| **time > LONG_TASK_MICROSECONDS);
    Ok(Load {
        busy_seconds: busy,
        processor_seconds: processor,
        longest_milliseconds: tasks.iter().copied().fold(0.0, f64::max) / 1e3,
        long_tasks: long.count() as f64,
        heap_megabytes: heap / 1e6,
        memory_megabytes: memory as f64 / 1e6,
    })
}

/// The events of a trace that has been ended.
async fn trace(mut told: UnboundedReceiver<Told>) -> Result<Vec<Value>> {
    let mut events = Vec::new();
    loop {
        let next = timeout(PATIENCE, told.recv()).await;
        let mut message = next
            .context("the trace does not come")?
            .context("the browser is gone")?;
        match message.method.as_str() {
            "Tracing.dataCollected" => {
                if let Value::Array(some) = message.parameters["value"].take() {
                    events.extend(some);
                }
            }
            "Tracing.tracingComplete" => return Ok(events),
            _ => {}
        }
    }
}

/// The times, in microseconds, of all tasks of main threads of tabs.
fn main_thread_tasks(events: &[Value]) -> Vec<f64> {
    let thread = |event: &Value| Some((event["pid"].as_u64()?, event["tid"].as_u64()?));
    let main_threads: HashSet<(u64, u64)> = events
        .iter()
        .filter(|event| event["name"] == "thread_name" && event["args"]["name"] == "CrRendererMain")
        .filter_map(thread)
        .collect();
    events
        .iter()
        .filter(|event| event["name"] == "RunTask")
        .filter(|event| thread(event).is_some_and(|thread| main_threads.contains(&thread)))
        .filter_map(|event| event["dur"].as_f64())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tasks_of_a_main_thread_count() {
        let task = |thread: u64, time: u64| json!({ "name": "RunTask", "ph": "X", "pid": 7, "tid": thread, "dur": time });
        let name = |thread: u64, name: &str| json!({ "name": "thread_name", "ph": "M", "pid": 7, "tid": thread, "args": { "name": name } });
        let events = [
            task(1, 500),
            name(1, "CrRendererMain"),
            name(2, "DedicatedWorker thread"),
            task(2, 900),
            task(1, 70),
            json!({ "name": "Paint", "ph": "X", "pid": 7, "tid": 1, "dur": 3 }),
        ];
        assert_eq!(main_thread_tasks(&events), [500.0, 70.0]);
    }
}
