//! The built page's server, as a content delivery network would serve it.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    middleware,
    response::Response,
    routing::get,
};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    task::{AbortHandle, spawn},
};
use tower_http::services::ServeDir;

/// The script that starts the page's worker.
const WORKER: &str = "upload-worker.js";

/// A running server of the page, stopped when it is dropped.
pub struct Site {
    task: AbortHandle,
    settings: Arc<Mutex<String>>,
    worker_prelude: Arc<Mutex<String>>,
}

impl Site {
    /// Serves `folder` on a listener under a Content-Security-Policy, to pages of every origin.
    ///
    /// # Errors
    /// Where the policy cannot be a header.
    pub fn serve(listener: TcpListener, folder: &Path, policy: &str) -> Result<Self> {
        let policy = HeaderValue::from_str(policy)?;
        let settings = Arc::<Mutex<String>>::default();
        let said = Arc::clone(&settings);
        let config = get(|| async move {
            let settings = said.lock().unwrap_or_else(PoisonError::into_inner).clone();
            ([(header::CONTENT_TYPE, "application/json")], settings)
        });
        let worker_prelude = Arc::<Mutex<String>>::default();
        let prelude = Arc::clone(&worker_prelude);
        let script = folder.join(WORKER);
        let worker = get(|| async move {
            let script = fs::read_to_string(script).unwrap_or_default();
            let prelude = prelude.lock().unwrap_or_else(PoisonError::into_inner).clone();
            ([(header::CONTENT_TYPE, "text/javascript")], prelude + &script)
        });
        let router = Router::new()
            .route("/config.json", config)
            .route(&format!("/{WORKER}"), worker)
            .fallback_service(ServeDir::new(folder))
            .layer(middleware::map_response(move |response| {
                let policy = policy.clone();
                async move { with_headers(response, policy) }
            }));
        let task = spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            task: task.abort_handle(),
            settings,
            worker_prelude,
        })
    }

    /// Sets what the site's `config.json` says from now on.
    pub fn set_settings(&self, settings: &Value) {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = settings.to_string();
    }

    /// Runs a script in every worker before it begins, since a test cannot reach into one.
    pub(crate) fn run_before_workers(&self, script: &str) {
        let mut prelude = self.worker_prelude.lock().unwrap_or_else(PoisonError::into_inner);
        prelude.push_str(script);
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The directives of the page's policy but for `connect-src`, one a line, as they are deployed.
const DIRECTIVES: &str = include_str!("../../../infra/content-security-policy.txt");

/// The policy that the page is deployed with (W3C Content Security Policy Level 3): only its own scripts and
/// styles, and connections to nothing but its API and S3.
pub fn content_security_policy(api: &str, s3: &str) -> String {
    let connect = format!("connect-src 'self' {api} {s3}");
    let directives: Vec<_> = DIRECTIVES.lines().chain([connect.as_str()]).collect();
    directives.join("; ")
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
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
