//! What an upload costs a page's main thread and memory, as the browser records it.

use std::{collections::HashSet, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    client::Client,
    compare::Plan,
    stage::{Setting, Stage, Way},
    tab::Tab,
    table::{Better, Table},
    upload::{open, watch},
    workload::{Limit, Workload},
};

/// The category of Chromium's tracing that has the tasks of each thread.
const CATEGORY: &str = "disabled-by-default-devtools.timeline";

/// How much Chromium keeps of a trace, in kB.
const TRACE_KILOBYTES: u64 = 400_000;

/// A longer task keeps a page from responding (W3C Long Tasks API).
const LONG_TASK_MICROSECONDS: f64 = 50_000.0;

/// How long the browser may take to hand over its trace.
const PATIENCE: Duration = Duration::from_secs(120);

/// Uploads every workload by every page.
pub(crate) async fn measure(setting: &Setting, plan: &Plan, limit: Limit) -> Vec<Table> {
    plan.run(tables_of, async |client, workload| {
        let files = workload.files(&setting.files)?;
        let stage = Stage::start(setting, client, &Way::Direct, "").await?;
        let mut tab = open(client, &stage).await?;
        let figures = traced(&mut tab, client, &files, limit).await;
        tab.close().await?;
        stage.stop().await?;
        figures
    })
    .await
}

fn tables_of(workload: Workload) -> Vec<Table> {
    let name = workload.name();
    let table = |figure: &str, unit| Table::new(format!("{name}: {figure}"), unit, Better::Less);
    vec![
        // How long its tasks took: if every core is busy, that includes waiting for one.
        table("main thread busy", "s"),
        table("processor time of the main thread", "s"),
        table("longest task", "ms"),
        table("tasks over 50 ms", "tasks"),
        table("peak of the page's JavaScript heap", "MB"),
        table("peak of the tab's memory", "MB"),
    ]
}

/// The figures of one upload, one for each table.
async fn traced(tab: &mut Tab, client: Client, files: &[PathBuf], limit: Limit) -> Result<Vec<f64>> {
    tab.call("HeapProfiler.collectGarbage", json!({})).await?;
    let configuration = json!({
        "includedCategories": [CATEGORY, "__metadata"],
        "traceBufferSizeInKb": TRACE_KILOBYTES,
    });
    let start = json!({ "transferMode": "ReportEvents", "traceConfig": configuration });
    tab.call("Tracing.start", start).await?;
    let busy_before = tab.metric("TaskDuration").await?;
    let processor_before = tab.metric("ThreadTime").await?;
    let mut heap: f64 = 0.0;
    watch(tab, client, files, limit, async |tab| {
        heap = heap.max(tab.metric("JSHeapUsedSize").await?);
        Ok(())
    })
    .await?;
    let busy = tab.metric("TaskDuration").await? - busy_before;
    let processor = tab.metric("ThreadTime").await? - processor_before;
    let memory = tab.peak_memory()?;
    tab.call("Tracing.end", json!({})).await?;
    let events = timeout(PATIENCE, trace(tab))
        .await
        .context("the trace does not come")??;
    let tasks = main_thread_tasks(&events);
    let long = tasks.iter().filter(|time| **time > LONG_TASK_MICROSECONDS);
    Ok(vec![
        busy,
        processor,
        tasks.iter().copied().fold(0.0, f64::max) / 1e3,
        long.count() as f64,
        heap / 1e6,
        memory as f64 / 1e6,
    ])
}

/// The events of a trace that has ended.
async fn trace(tab: &mut Tab) -> Result<Vec<Value>> {
    let mut events = Vec::new();
    loop {
        let mut event = tab.next_event().await?;
        match event["method"].as_str() {
            Some("Tracing.dataCollected") => {
                if let Value::Array(some) = event["params"]["value"].take() {
                    events.extend(some);
                }
            }
            Some("Tracing.tracingComplete") => return Ok(events),
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
