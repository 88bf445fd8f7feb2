//! Commands that only one browser's driver has.

use anyhow::{Context, Result};
use fantoccini::{Client, wd::WebDriverCompatibleCommand};
use serde_json::{Value, json};
use url::{ParseError, Url};

/// `POST /session/{id}/{path}`.
#[derive(Debug)]
struct DriverCommand {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for DriverCommand {
    fn endpoint(&self, base_url: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base_url.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

pub(crate) async fn post(client: &Client, path: &'static str, body: Value) -> Result<Value> {
    Ok(client.issue_cmd(DriverCommand { path, body }).await?)
}

/// Runs a command of Chromium's DevTools protocol in the current tab, and returns its result.
pub async fn devtools(client: &Client, command: &str, parameters: Value) -> Result<Value> {
    let body = json!({ "cmd": command, "params": parameters });
    post(client, "goog/cdp/execute", body).await
}

/// Runs a script in every page that is opened from now on, before the page's own scripts.
pub async fn run_before_pages(client: &Client, script: &str) -> Result<()> {
    let parameters = json!({ "source": script });
    devtools(client, "Page.addScriptToEvaluateOnNewDocument", parameters).await?;
    Ok(())
}

/// Finds one of the metrics in the answer to `Performance.getMetrics`.
pub fn metric(answer: &Value, name: &str) -> Result<f64> {
    let metrics = answer["metrics"].as_array().context("a list of metrics")?;
    let found = metrics.iter().find(|metric| metric["name"] == name);
    found
        .and_then(|metric| metric["value"].as_f64())
        .with_context(|| format!("the browser has no metric {name}"))
}
