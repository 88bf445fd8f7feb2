//! What Chromium can do for a test by its DevTools protocol.

use anyhow::Result;
use fantoccini::{Client, wd::WebDriverCompatibleCommand};
use serde_json::json;
use url::{ParseError, Url};

/// Runs a script in every page that is opened from now on, before the page's own.
///
/// # Errors
/// Where the browser does not answer.
pub async fn run_before_pages(client: &Client, script: &str) -> Result<()> {
    let source = script.to_owned();
    client.issue_cmd(RunBeforePages { source }).await?;
    Ok(())
}

/// ChromeDriver's `POST /session/{id}/goog/cdp/execute` of `Page.addScriptToEvaluateOnNewDocument`.
#[derive(Debug)]
struct RunBeforePages {
    source: String,
}

impl WebDriverCompatibleCommand for RunBeforePages {
    fn endpoint(&self, base_url: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base_url.join(&format!(
            "session/{}/goog/cdp/execute",
            session.unwrap_or_default()
        ))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        let command = json!({
            "cmd": "Page.addScriptToEvaluateOnNewDocument",
            "params": { "source": self.source },
        });
        (http::Method::POST, Some(command.to_string()))
    }
}
