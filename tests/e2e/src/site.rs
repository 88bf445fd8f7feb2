//! The built page's server, as a content delivery network would serve it.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use axum::{
    Router,
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{AbortHandle, spawn},
};
use tower_http::services::ServeDir;

/// The script that starts the page's worker.
const WORKER: &str = "upload-worker.js";

/// A running server of a page, stopped when it is dropped.
pub struct Site {
    task: AbortHandle,
    settings: Arc<Mutex<String>>,
    worker_prelude: Arc<Mutex<String>>,
    /// The end of the paths that are not answered now; empty if all are.
    held_back: watch::Sender<&'static str>,
}

impl Site {
    /// Serves `folder` on a listener, with a Content-Security-Policy unless that is empty, to pages of every origin.
    /// `more` has routes besides. A file with a brotli stream beside it (`.br`) is sent as that.
    ///
    /// # Errors
    /// If the policy cannot be a header.
    pub fn serve(listener: TcpListener, folder: &Path, policy: &str, more: Router) -> Result<Self> {
        let policy = HeaderValue::from_str(policy)?;
        let settings = Arc::<Mutex<String>>::default();
        let current = Arc::clone(&settings);
        let config = get(|| async move {
            let settings = current.lock().unwrap_or_else(PoisonError::into_inner).clone();
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
        let held_back = watch::Sender::new("");
        let held = held_back.clone();
        let router = Router::new()
            .route("/config.json", config)
            .route(&format!("/{WORKER}"), worker)
            .merge(more)
            .fallback_service(ServeDir::new(folder).precompressed_br())
            .layer(middleware::from_fn(move |request: Request, next: Next| {
                let (policy, mut held) = (policy.clone(), held.subscribe());
                async move {
                    let path = request.uri().path().to_owned();
                    let may_go = |end: &&str| end.is_empty() || !path.ends_with(end);
                    // The sender lives as long as this.
                    held.wait_for(may_go).await.ok();
                    with_headers(next.run(request).await, policy)
                }
            }));
        let task = spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            task: task.abort_handle(),
            settings,
            worker_prelude,
            held_back,
        })
    }

    /// Sets what the site's `config.json` says from now on.
    pub fn set_settings(&self, settings: &Value) {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = settings.to_string();
    }

    /// Runs a script in every worker from now on, before the worker's own.
    pub fn run_before_workers(&self, script: &str) {
        let mut prelude = self.worker_prelude.lock().unwrap_or_else(PoisonError::into_inner);
        prelude.push_str(script);
    }

    /// Does not answer requests for files whose path ends like this, such as `.wasm`, until [`Self::release`].
    pub fn hold_back(&self, end: &'static str) {
        self.held_back.send_replace(end);
    }

    /// Answers everything, also what was held back.
    pub fn release(&self) {
        self.held_back.send_replace("");
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The directives of the page's policy without `connect-src`, one per line, as they are deployed.
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
    if !policy.is_empty() {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
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
