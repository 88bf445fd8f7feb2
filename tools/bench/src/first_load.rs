//! How soon a page can be used on a slow device with a slow network.

use std::{
    path::PathBuf,
    time::{Duration, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::{
    client::Client,
    compare::Plan,
    stage::{Setting, Stage, Way},
    tab::Tab,
    table::{Better, Table},
};

/// How many times slower than this machine's the processor of the main thread is.
const CPU_SLOWDOWN: u32 = 4;

/// Chromium's "Slow 4G": 150 ms and 1.6 Mbit/s down, 750 kbit/s up, as DevTools emulates them for requests
/// (Lighthouse, "Network Throttling": the latency 3.75 times, the throughput 0.9 times).
const LATENCY_MILLISECONDS: f64 = 562.5;
const DOWN_BITS_PER_SECOND: f64 = 1_440_000.0;
const UP_BITS_PER_SECOND: f64 = 675_000.0;

/// Records when there is an input for files, and when something is painted (W3C Paint Timing).
const RECORD: &str = "
    new MutationObserver(() => {
        if (document.querySelector(SELECTOR)) window.inputAt ??= performance.now();
    }).observe(document, { subtree: true, childList: true });
    new PerformanceObserver((list) => {
        for (const { startTime } of list.getEntriesByName('first-contentful-paint')) window.paintedAt = startTime;
    }).observe({ type: 'paint', buffered: true });";

/// Milliseconds since the navigation, once there is an input and it can be seen.
const PICKABLE: &str =
    "window.inputAt && window.paintedAt ? Math.max(window.inputAt, window.paintedAt) : null";

/// Opens every page with an empty cache, and picks one small file as soon as that is possible.
pub(crate) async fn measure(setting: &Setting, plan: &Plan) -> Vec<Table> {
    plan.run(
        |_| {
            let table = |name, unit| Table::new(name, unit, Better::Less);
            vec![
                table("until files can be picked", "s"),
                table("until the first byte of a small file is in flight", "s"),
                table("bytes received until then (brotli, with headers)", "kB"),
            ]
        },
        async |client, workload| {
            let files = workload.files(&setting.files)?;
            let stage = Stage::start(setting, client, &Way::Counted, "").await?;
            let mut tab = Tab::start(&[stage.page()?]).await?;
            let figures = slow_load(&mut tab, client, &stage, &files).await;
            tab.close().await?;
            stage.stop().await?;
            figures
        },
    )
    .await
}

/// What a report says about the device and the network.
pub(crate) fn method() -> String {
    format!(
        "A main thread {CPU_SLOWDOWN} times as slow; {LATENCY_MILLISECONDS} ms of latency, {} Mbit/s down and {} up; \
         nothing in the cache. A file is picked as soon as the page shows an input for it.",
        DOWN_BITS_PER_SECOND / 1e6,
        UP_BITS_PER_SECOND / 1e6
    )
}

/// Seconds since the navigation until files can be picked and until a PUT with the first byte arrives at the storage,
/// and kilobytes received until then.
async fn slow_load(tab: &mut Tab, client: Client, stage: &Stage, files: &[PathBuf]) -> Result<Vec<f64>> {
    tab.call("Network.enable", json!({})).await?;
    let conditions = json!({
        "offline": false,
        "latency": LATENCY_MILLISECONDS,
        "downloadThroughput": DOWN_BITS_PER_SECOND / 8.0,
        "uploadThroughput": UP_BITS_PER_SECOND / 8.0,
    });
    tab.call("Network.emulateNetworkConditions", conditions).await?;
    let rate = json!({ "rate": CPU_SLOWDOWN });
    tab.call("Emulation.setCPUThrottlingRate", rate).await?;
    // The page's conditions hold for a worker's requests only if its own session watches the network.
    let attach = json!({ "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true });
    tab.call("Target.setAutoAttach", attach).await?;
    let record = RECORD.replace("SELECTOR", &json!(client.first_input()).to_string());
    tab.run_before_pages(&record).await?;

    tab.navigate(stage.page()?).await?;
    let pickable = tab
        .wait_for(async |tab| {
            slow_down_workers(tab).await?;
            Ok(tab.evaluate(PICKABLE).await?.as_f64())
        })
        .await?;
    tab.pick(client.first_input(), files).await?;
    let put = tab
        .wait_for(async |tab| {
            slow_down_workers(tab).await?;
            // The answer shows which workers have started meanwhile.
            tab.evaluate("true").await?;
            Ok(stage.first_put())
        })
        .await
        .context("no file is sent")?;
    let received = stage.traffic().received;
    let origin = tab.evaluate("performance.timeOrigin").await?;
    let origin = Duration::from_secs_f64(origin.as_f64().context("a time")? / 1e3);
    let sending = put.duration_since(UNIX_EPOCH + origin)?;
    Ok(vec![pickable / 1e3, sending.as_secs_f64(), received as f64 / 1e3])
}

/// Has the network's conditions hold for the workers that have been attached, and lets them start.
async fn slow_down_workers(tab: &mut Tab) -> Result<()> {
    while let Some(event) = tab.queued_event() {
        if event["method"] == "Target.attachedToTarget" {
            let session = event["params"]["sessionId"].as_str();
            for method in ["Network.enable", "Runtime.runIfWaitingForDebugger"] {
                tab.call_in(session, method, json!({})).await?;
            }
        }
    }
    Ok(())
}
