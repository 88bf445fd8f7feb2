//! Fetching the page's own small files.

use js_sys::Promise;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{RequestCache, RequestInit, Response};

use crate::config::ConfigError;

/// Fetches a text, at once and not only when the future is polled. The server is asked anew each time, so
/// that a change reaches everybody at the next load.
///
/// # Errors
/// If it cannot be fetched.
pub(crate) fn text(url: &str) -> impl Future<Output = Result<String, ConfigError>> + use<> {
    let options = RequestInit::new();
    options.set_cache(RequestCache::NoCache);
    let request = web_sys::window().map(|window| window.fetch_with_str_and_init(url, &options));
    answered(request)
}

async fn answered(request: Option<Promise>) -> Result<String, ConfigError> {
    let response = JsFuture::from(request.ok_or(ConfigError::Unreachable)?).await;
    let response: Response = response
        .ok()
        .and_then(|response| response.dyn_into().ok())
        .ok_or(ConfigError::Unreachable)?;
    if !response.ok() {
        return Err(ConfigError::Status(response.status()));
    }
    let text = response.text().map_err(|_| ConfigError::Unreachable)?;
    let text = JsFuture::from(text).await.ok().and_then(|text| text.as_string());
    text.ok_or(ConfigError::Unreachable)
}
