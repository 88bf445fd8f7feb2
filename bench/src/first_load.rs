//! How soon a page can be used on a slow device with a slow network.

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::{
    browser::Browser,
    client::Client,
    report::{Better, Table},
    stage::{Setting, Stage, Way},
    throughput::in_turn,
};

/// The processor is so many times as slow.
pub(crate) const CPU_SLOWDOWN: u32 = 4;

/// Chromium's "Slow 4G": 150 ms and 1.6 Mbit/s down, 750 kbit/s up, as DevTools emulates them for requests
/// (Lighthouse, "Network Throttling": the latency 3.75 times, the throughput 0.9 times).
pub(crate) const LATENCY_MILLISECONDS: f64 = 562.5;
pub(crate) const DOWN_BITS_A_SECOND: f64 = 1_440_000.0;
pub(crate) const UP_BITS_A_SECOND: f64 = 675_000.0;

/// Opens every page anew, in turn.
///
/// # Errors
/// Where a page does not open.
pub(crate) async fn measure(setting: &Setting, clients: &[Client], rounds: u32) -> Result<Vec<Table>> {
    let mut time = Table::new("until files can be picked", "s", Better::Less);
    let mut bytes = Table::new("bytes until then (brotli, with headers)", "kB", Better::Less);
    for round in 1..=rounds {
        for client in in_turn(clients, round) {
            let (seconds, loaded) = load(setting, client).await?;
            eprintln!("round {round}, {}: {seconds:.2} s, {loaded} bytes", client.name());
            time.add(client.name(), seconds);
            bytes.add(client.name(), loaded / 1e3);
        }
    }
    let mut tables = vec![bytes, time];
    for table in &mut tables {
        crate::throughput::order(table, clients);
    }
    Ok(tables)
}

async fn load(setting: &Setting, client: Client) -> Result<(f64, f64)> {
    let stage = Stage::start(setting, client, &Way::Direct, "").await?;
    let browser = Browser::start(&setting.chromium, &[]).await?;
    let outcome = slow_load(&browser, client, stage.page()?).await;
    browser.close().await?;
    stage.stop().await?;
    outcome
}

/// Seconds from the navigation until the input is there, and bytes until then.
async fn slow_load(browser: &Browser, client: Client, page: &str) -> Result<(f64, f64)> {
    browser.call("Network.enable", json!({})).await?;
    let conditions = json!({
        "offline": false,
        "latency": LATENCY_MILLISECONDS,
        "downloadThroughput": DOWN_BITS_A_SECOND / 8.0,
        "uploadThroughput": UP_BITS_A_SECOND / 8.0,
    });
    browser
        .call("Network.emulateNetworkConditions", conditions)
        .await?;
    let rate = json!({ "rate": CPU_SLOWDOWN });
    browser.call("Emulation.setCPUThrottlingRate", rate).await?;
    let watch = format!(
        "new MutationObserver(() => {{
            if (document.querySelector({})) window.usableAt ??= performance.now();
        }}).observe(document, {{ subtree: true, childList: true }});",
        json!(client.input())
    );
    browser.run_before_pages(&watch).await?;
    let mut told = browser.devtools.listen();
    browser.open(page, "window.usableAt !== undefined").await?;
    let usable = browser.evaluate("window.usableAt").await?;
    let mut bytes = 0.0;
    while let Ok(message) = told.try_recv() {
        if message.session == browser.tab && message.method == "Network.loadingFinished" {
            bytes += message.parameters["encodedDataLength"]
                .as_f64()
                .unwrap_or_default();
        }
    }
    Ok((usable.as_f64().context("a time")? / 1e3, bytes))
}
