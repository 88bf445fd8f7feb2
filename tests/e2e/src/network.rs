//! The browser's network, cut and restored.

use anyhow::{Result, bail};
use fantoccini::{Client, wd::WebDriverCompatibleCommand};
use serde_json::{Value, json};
use url::{ParseError, Url};

use crate::browser::{Browser, Kind};

/// Cuts the browser off the network, or lets it on again, as unplugging a cable does: connections
/// break, and the page gets `offline` and `online` events.
///
/// # Errors
/// Where the browser does not answer, or cannot do that: WebKit.
pub async fn set_offline(browser: &Browser, offline: bool) -> Result<()> {
    match browser.kind() {
        Kind::Chromium => set_chromium_offline(browser, offline).await,
        Kind::Firefox => set_firefox_offline(browser.client(), offline).await,
        Kind::WebKit => bail!("nothing cuts WebKit off the network"),
    }
}

async fn set_chromium_offline(browser: &Browser, offline: bool) -> Result<()> {
    let body = json!({
        "network_conditions": {
            "offline": offline,
            "latency": 0,
            "download_throughput": -1,
            "upload_throughput": -1,
        },
    });
    let command = PostCommand {
        path: "chromium/network_conditions",
        body,
    };
    browser.client().issue_cmd(command).await?;
    Ok(())
}

/// Presses "Work Offline", which only scripts of the browser itself can.
async fn set_firefox_offline(client: &Client, offline: bool) -> Result<()> {
    set_firefox_context(client, "chrome").await?;
    let pressed = client
        .execute("Services.io.offline = arguments[0];", vec![Value::from(offline)])
        .await;
    set_firefox_context(client, "content").await?;
    pressed?;
    Ok(())
}

async fn set_firefox_context(client: &Client, context: &str) -> Result<()> {
    let command = PostCommand {
        path: "moz/context",
        body: json!({ "context": context }),
    };
    client.issue_cmd(command).await?;
    Ok(())
}

/// A command of one driver: `POST /session/{id}/{path}`.
#[derive(Debug)]
struct PostCommand {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for PostCommand {
    fn endpoint(&self, base_url: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base_url.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}
