//! The built page's server, as a content delivery network would serve it.

use std::path::Path;

use anyhow::Result;
use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    middleware,
    response::Response,
    routing::get,
};
use tokio::{
    net::TcpListener,
    task::{AbortHandle, spawn},
};
use tower_http::services::ServeDir;

/// A running server of the page, stopped when it is dropped.
pub(crate) struct Site {
    task: AbortHandle,
}

impl Site {
    /// Serves `folder` on a listener under a Content-Security-Policy, with the settings of a page whose API
    /// is at this origin.
    pub(crate) fn serve(listener: TcpListener, folder: &Path, policy: &str, api: &str) -> Result<Self> {
        let policy = HeaderValue::from_str(policy)?;
        let settings = serde_json::json!({ "apiUrl": api }).to_string();
        let settings = get(|| async move { ([(header::CONTENT_TYPE, "application/json")], settings) });
        let router = Router::new()
            .route("/config.json", settings)
            .fallback_service(ServeDir::new(folder))
            .layer(middleware::map_response(move |response| {
                let policy = policy.clone();
                async move { with_headers(response, policy) }
            }));
        let task = spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            task: task.abort_handle(),
        })
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The strictest policy that the page works with (W3C Content Security Policy Level 3): only its own
/// scripts and styles, and connections to nothing but its API and S3.
pub fn content_security_policy(api: &str, s3: &str) -> String {
    [
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        &format!("connect-src 'self' {api} {s3}"),
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ]
    .join("; ")
}

fn with_headers(mut response: Response, policy: HeaderValue) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    response
}
