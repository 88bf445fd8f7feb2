//! The browser's network, cut and restored.

use anyhow::Result;
use fantoccini::{Client, wd::WebDriverCompatibleCommand};
use serde_json::json;
use url::{ParseError, Url};

/// Cuts the browser off the network, or lets it on again, as unplugging a cable does: connections
/// break, and the page gets `offline` and `online` events.
///
/// # Errors
/// Where the browser does not answer.
pub async fn set_offline(client: &Client, offline: bool) -> Result<()> {
    client.issue_cmd(NetworkConditions { offline }).await?;
    Ok(())
}

/// ChromeDriver's `POST /session/{id}/chromium/network_conditions`.
#[derive(Debug)]
struct NetworkConditions {
    offline: bool,
}

impl WebDriverCompatibleCommand for NetworkConditions {
    fn endpoint(&self, base_url: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base_url.join(&format!(
            "session/{}/chromium/network_conditions",
            session.unwrap_or_default()
        ))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        let conditions = json!({
            "offline": self.offline,
            "latency": 0,
            "download_throughput": -1,
            "upload_throughput": -1,
        });
        let body = json!({ "network_conditions": conditions });
        (http::Method::POST, Some(body.to_string()))
    }
}
