//! The browser's network, cut and restored.

use anyhow::{Result, bail};
use fantoccini::Client;
use serde_json::json;

use crate::{
    browser::{Browser, Kind},
    driver_command::post,
};

/// Cuts the browser off the network or connects it again, as unplugging a cable does: connections break, and the
/// page gets `offline` and `online` events.
///
/// # Errors
/// If the browser is WebKit, which has no such command.
pub async fn set_offline(browser: &Browser, offline: bool) -> Result<()> {
    let client = browser.client();
    match browser.kind() {
        Kind::Chromium => {
            let conditions = json!({
                "offline": offline,
                "latency": 0,
                "download_throughput": -1,
                "upload_throughput": -1,
            });
            let body = json!({ "network_conditions": conditions });
            post(client, "chromium/network_conditions", body).await?;
        }
        Kind::Firefox => {
            // "Work Offline" can only be switched by scripts of the browser itself.
            set_firefox_context(client, "chrome").await?;
            let switch = "Services.io.offline = arguments[0];";
            let switched = client.execute(switch, vec![offline.into()]).await;
            set_firefox_context(client, "content").await?;
            switched?;
        }
        Kind::WebKit => bail!("WebKit cannot be cut off the network"),
    }
    Ok(())
}

async fn set_firefox_context(client: &Client, context: &str) -> Result<()> {
    post(client, "moz/context", json!({ "context": context })).await?;
    Ok(())
}
