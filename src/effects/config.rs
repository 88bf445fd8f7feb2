//! Fetching the page's settings.

use gloo_net::http::Request;
use web_sys::RequestCache;

use crate::config::{Config, ConfigError};

/// Fetches and reads `config.json` beside the page. It is asked for anew each time, so that a change
/// of the settings reaches everybody at the next load.
pub(crate) async fn load() -> Result<Config, ConfigError> {
    let response = Request::get("config.json")
        .cache(RequestCache::NoCache)
        .send()
        .await
        .map_err(|_| ConfigError::Unreachable)?;
    if !response.ok() {
        return Err(ConfigError::Status(response.status()));
    }
    let text = response.text().await.map_err(|_| ConfigError::Unreachable)?;
    Config::parse(&text)
}
