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
use tokio::{
    net::TcpListener,
    task::{AbortHandle, spawn},
};
use tower_http::services::ServeDir;

/// The script that starts the page's worker.
const WORKER: &str = "upload-worker.js";

/// A running server of the page, stopped when it is dropped.
pub(crate) struct Site {
    task: AbortHandle,
    worker_prelude: Arc<Mutex<String>>,
}

/// Where the page signs people in.
#[derive(Clone, Debug)]
pub(crate) struct SignIn {
    /// The issuer, which the page may connect to.
    pub(crate) issuer: String,
    /// The page's client id there.
    pub(crate) client_id: String,
}

impl Site {
    /// Serves `folder` on a listener, with the settings of a page whose API and S3 are at these
    /// origins.
    pub(crate) fn serve(
        listener: TcpListener,
        folder: &Path,
        api: &str,
        s3: &str,
        sign_in: Option<&SignIn>,
    ) -> Result<Self> {
        let mut policy = content_security_policy(api, s3);
        let mut settings = serde_json::json!({ "apiUrl": api });
        if let Some(SignIn { issuer, client_id }) = sign_in {
            policy = policy.replace("connect-src 'self'", &format!("connect-src 'self' {issuer}"));
            settings["signIn"] = serde_json::json!({ "issuer": issuer, "clientId": client_id });
        }
        Self::serve_with(listener, folder, &policy, &settings)
    }

    /// Serves `folder` on a listener under a Content-Security-Policy, with these settings as `config.json`.
    pub(crate) fn serve_with(
        listener: TcpListener,
        folder: &Path,
        policy: &str,
        settings: &serde_json::Value,
    ) -> Result<Self> {
        let policy = HeaderValue::from_str(policy)?;
        let settings = settings.to_string();
        let settings = get(|| async move { ([(header::CONTENT_TYPE, "application/json")], settings) });
        let worker_prelude = Arc::<Mutex<String>>::default();
        let prelude = Arc::clone(&worker_prelude);
        let script = folder.join(WORKER);
        let worker = get(|| async move {
            let script = fs::read_to_string(script).unwrap_or_default();
            let prelude = prelude.lock().unwrap_or_else(PoisonError::into_inner).clone();
            ([(header::CONTENT_TYPE, "text/javascript")], prelude + &script)
        });
        let router = Router::new()
            .route("/config.json", settings)
            .route(&format!("/{WORKER}"), worker)
            .fallback_service(ServeDir::new(folder))
            .layer(middleware::map_response(move |response| {
                let policy = policy.clone();
                async move { with_headers(response, policy) }
            }));
        let task = spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            task: task.abort_handle(),
            worker_prelude,
        })
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
    response
}
