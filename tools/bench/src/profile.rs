//! Where a page and its workers spend their time during an upload.

use std::{collections::HashMap, iter, time::Duration};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    compare::Plan,
    stage::{Setting, Stage, Way},
    tab::Tab,
    table::{Better, Table},
    upload::{open, watch},
    workload::Limit,
};

/// How many functions of each thread are listed.
const FUNCTIONS: usize = 25;

/// The time between two samples, in microseconds.
const INTERVAL_MICROSECONDS: u32 = 1000;

/// If no worker starts for this long, none will.
const PATIENCE: Duration = Duration::from_secs(2);

/// Profiles every workload with every client: a table for each thread that did anything.
pub(crate) async fn measure(setting: &Setting, plan: &Plan, limit: Limit) -> Result<Vec<Table>> {
    let mut tables = Vec::new();
    for workload in &plan.workloads {
        for client in &plan.clients {
            let files = workload.files(&setting.files)?;
            let stage = Stage::start(setting, *client, &Way::Direct, "").await?;
            let mut tab = open(*client, &stage).await?;
            let what = format!("{}, {}", client.name(), workload.name());
            let workers = attach_to_workers(&mut tab).await?;
            let threads = || iter::once(None).chain(workers.iter().map(|worker| Some(worker.as_str())));
            for thread in threads() {
                start_profiling(&mut tab, thread).await?;
            }
            watch(&mut tab, *client, &files, limit, async |_| Ok(())).await?;
            for (number, thread) in threads().enumerate() {
                let name = match number {
                    0 => "page".to_owned(),
                    _ => format!("worker {number}"),
                };
                let profile = tab.call_in(thread, "Profiler.stop", json!({})).await?;
                tables.push(table(&format!("{what}: {name}"), &profile["profile"]));
            }
            tab.close().await?;
            stage.stop().await?;
        }
    }
    Ok(tables)
}

/// The sessions of the page's workers.
pub(crate) async fn attach_to_workers(tab: &mut Tab) -> Result<Vec<String>> {
    let attach = json!({ "autoAttach": true, "waitForDebuggerOnStart": false, "flatten": true });
    tab.call("Target.setAutoAttach", attach).await?;
    let mut workers = Vec::new();
    // A worker may start a moment after the page.
    while let Ok(event) = timeout(PATIENCE, tab.next_event()).await {
        let event = event?;
        if event["method"] == "Target.attachedToTarget" {
            let session = event["params"]["sessionId"].as_str();
            workers.push(session.context("a session")?.to_owned());
        }
    }
    Ok(workers)
}

/// Starts to profile the page or a worker.
async fn start_profiling(tab: &mut Tab, thread: Option<&str>) -> Result<()> {
    let interval = json!({ "interval": INTERVAL_MICROSECONDS });
    for (method, parameters) in [
        ("Profiler.enable", json!({})),
        ("Profiler.setSamplingInterval", interval),
        ("Profiler.start", json!({})),
    ] {
        tab.call_in(thread, method, parameters).await?;
    }
    Ok(())
}

fn table(name: &str, profile: &Value) -> Table {
    let mut table = Table::new(name, "ms", Better::Less);
    for (function, time) in self_times(profile).into_iter().take(FUNCTIONS) {
        table.add(&function, time / 1e3);
    }
    table
}

/// How many microseconds each function took by itself, longest first.
fn self_times(profile: &Value) -> Vec<(String, f64)> {
    let list = |name: &str| profile[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let names: HashMap<u64, String> = list("nodes")
        .iter()
        .filter_map(|node| Some((node["id"].as_u64()?, function_name(&node["callFrame"]))))
        .collect();
    let mut times: HashMap<&str, f64> = HashMap::new();
    for (sample, time) in list("samples").iter().zip(list("timeDeltas")) {
        let name = sample.as_u64().and_then(|id| names.get(&id));
        *times.entry(name.map_or("unknown", String::as_str)).or_default() +=
            time.as_f64().unwrap_or_default();
    }
    let mut times: Vec<_> = times
        .into_iter()
        .map(|(name, time)| (name.to_owned(), time))
        .collect();
    times.sort_by(|one, other| other.1.total_cmp(&one.1));
    times
}

/// A function's name, or where it is if it has none, counted from 1.
fn function_name(frame: &Value) -> String {
    let name = frame["functionName"].as_str().unwrap_or_default();
    if !name.is_empty() {
        return name.to_owned();
    }
    let script = frame["url"].as_str().unwrap_or_default();
    let (_, script) = script.rsplit_once('/').unwrap_or_default();
    let place = |name: &str| frame[name].as_u64().unwrap_or_default() + 1;
    format!("{script}:{}:{}", place("lineNumber"), place("columnNumber"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_function_is_that_of_all_its_samples() {
        let node = |id: u64, name: &str| json!({ "id": id, "callFrame": { "functionName": name } });
        let frame = json!({ "functionName": "", "url": "http://a/b.js", "lineNumber": 6, "columnNumber": 0 });
        assert_eq!(function_name(&frame), "b.js:7:1");
        let profile = json!({
            "nodes": [node(1, "hash"), node(2, "send"), node(3, "hash")],
            "samples": [1, 2, 3, 1],
            "timeDeltas": [10, 25, 5, 1],
        });
        assert_eq!(
            self_times(&profile),
            [("send".to_owned(), 25.0), ("hash".to_owned(), 16.0)]
        );
    }
}
