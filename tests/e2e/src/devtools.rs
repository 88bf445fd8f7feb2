//! What Chromium can do for a test by its DevTools protocol.

use anyhow::Result;
use fantoccini::{Client, wd::WebDriverCompatibleCommand};
use serde_json::{Value, json};
use url::{ParseError, Url};

/// Runs a script in every page that is opened from now on, before the page's own.
///
/// # Errors
/// Where the browser does not answer.
pub async fn run_before_pages(client: &Client, script: &str) -> Result<()> {
    let parameters = json!({ "source": script });
    devtools(client, "Page.addScriptToEvaluateOnNewDocument", parameters).await?;
    Ok(())
}

/// Carries out a command of the DevTools protocol, and gives its result.
///
/// # Errors
/// Where the browser refuses it or does not answer.
pub async fn devtools(client: &Client, command: &'static str, parameters: Value) -> Result<Value> {
    Ok(client.issue_cmd(DevToolsCommand { command, parameters }).await?)
}

/// ChromeDriver's `POST /session/{id}/goog/cdp/execute`.
#[derive(Debug)]
struct DevToolsCommand {
    command: &'static str,
    parameters: Value,
}

impl WebDriverCompatibleCommand for DevToolsCommand {
    fn endpoint(&self, base_url: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base_url.join(&format!(
            "session/{}/goog/cdp/execute",
            session.unwrap_or_default()
        ))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        let command = json!({ "cmd": self.command, "params": self.parameters });
        (http::Method::POST, Some(command.to_string()))
    }
}
