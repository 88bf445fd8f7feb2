//! Where a page and its workers spend their time during an upload.

use std::{collections::HashMap, time::Duration};

use anyhow::Result;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    browser::Browser,
    client::Client,
    report::{Better, Table},
    stage::{Setting, Stage, Way},
    upload::{Limit, open, watch},
    workload::Workload,
};

/// So many functions are listed of each thread.
const FUNCTIONS: usize = 25;

/// The time between two samples, in microseconds.
const INTERVAL_MICROSECONDS: u32 = 1000;

/// No worker starts once none has started for so long.
const PATIENCE: Duration = Duration::from_secs(2);

/// Profiles every workload with every client; a table for each thread that did anything.
///
/// # Errors
/// Where an upload fails.
pub(crate) async fn measure(
    setting: &Setting,
    clients: &[Client],
    workloads: &[Workload],
    limit: Limit,
) -> Result<Vec<Table>> {
    let mut tables = Vec::new();
    for workload in workloads {
        for client in clients {
            let files = workload.files(&setting.files)?;
            let stage = Stage::start(setting, *client, &Way::Direct, "").await?;
            let browser = open(setting, *client, &stage).await?;
            let what = format!("{}, {}", client.name(), workload.name());
            let threads = attach_to_workers(&browser).await?;
            for (_, session) in &threads {
                begin(&browser, session).await?;
            }
            watch(&browser, *client, &files, limit, async |_| Ok(())).await?;
            for (thread, session) in &threads {
                let profile = browser.devtools.call(session, "Profiler.stop", json!({})).await?;
                tables.push(table(&format!("{what}: {thread}"), &profile["profile"]));
            }
            browser.close().await?;
            stage.stop().await?;
        }
    }
    Ok(tables)
}

/// The tab and its workers, each with its session.
async fn attach_to_workers(browser: &Browser) -> Result<Vec<(String, String)>> {
    let mut threads = vec![("page".to_owned(), browser.tab.clone())];
    let mut told = browser.devtools.listen();
    let attach = json!({ "autoAttach": true, "waitForDebuggerOnStart": false, "flatten": true });
    browser.call("Target.setAutoAttach", attach).await?;
    // A worker may start a moment after the page.
    while let Ok(Some(message)) = timeout(PATIENCE, told.recv()).await {
        if message.method == "Target.attachedToTarget"
            && let Some(session) = message.parameters["sessionId"].as_str()
        {
            threads.push((format!("worker {}", threads.len()), session.to_owned()));
        }
    }
    Ok(threads)
}

async fn begin(browser: &Browser, session: &str) -> Result<()> {
    let interval = json!({ "interval": INTERVAL_MICROSECONDS });
    for (method, parameters) in [
        ("Profiler.enable", json!({})),
        ("Profiler.setSamplingInterval", interval),
        ("Profiler.start", json!({})),
    ] {
        browser.devtools.call(session, method, parameters).await?;
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

/// The microseconds of each function itself, the longest first.
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

/// A function's name, or for one without the place where it is, counted from 1.
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
    fn a_function_has_the_time_of_all_its_samples() {
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
