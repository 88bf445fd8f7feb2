//! A client's page on its server, with every file compressed beforehand as a content delivery network
//! has it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result};
use axum::{Json, Router, extract::DefaultBodyLimit, http::header, routing::get};
use brotli::{BrotliCompress, enc::BrotliEncoderParams};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::AbortHandle};
use tower_http::services::ServeDir;
use walkdir::WalkDir;

use crate::backend::Backend;

/// The script that starts Slipway's worker.
const WORKER: &str = "upload-worker.js";

/// A running server, stopped when it is dropped.
pub(crate) struct Site {
    task: AbortHandle,
}

impl Site {
    /// Serves a folder, settings as `config.json`, and below `/backend` what other clients ask for. Every
    /// worker of Slipway's runs `before_worker` first.
    pub(crate) fn serve(
        listener: TcpListener,
        folder: &Path,
        api: &str,
        backend: &Arc<Backend>,
        before_worker: &str,
    ) -> Self {
        let settings = json!({ "apiUrl": api, "secondEndpoint": true });
        let config = get(async move || Json::<Value>(settings));
        let script = fs::read_to_string(folder.join(WORKER)).unwrap_or_default();
        let script = before_worker.to_owned() + &script;
        let worker = get(async move || ([(header::CONTENT_TYPE, "text/javascript")], script));
        let router = Router::new()
            .route("/config.json", config)
            .route(&format!("/{WORKER}"), worker)
            .nest("/backend", backend.router())
            // 10,000 files are described in one call.
            .layer(DefaultBodyLimit::disable())
            .fallback_service(ServeDir::new(folder).precompressed_br());
        let task = tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            task: task.abort_handle(),
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Copies a page into a folder, with a brotli stream (RFC 7932, highest quality) beside each file.
///
/// # Errors
/// Where a file cannot be read or written.
pub(crate) fn compress(page: &Path, folder: &Path) -> Result<PathBuf> {
    for entry in WalkDir::new(page) {
        let entry = entry?;
        if !entry.file_type().is_file() {
            continue;
        }
        let to = folder.join(entry.path().strip_prefix(page)?);
        let parent = to.parent().context("a file has no folder")?;
        fs::create_dir_all(parent)?;
        let bytes = fs::read(entry.path())?;
        let mut name = to.clone().into_os_string();
        name.push(".br");
        fs::write(name, brotli(&bytes)?)?;
        fs::write(to, bytes)?;
    }
    Ok(folder.to_owned())
}

fn brotli(mut bytes: &[u8]) -> Result<Vec<u8>> {
    let parameters = BrotliEncoderParams {
        quality: 11,
        size_hint: bytes.len(),
        ..BrotliEncoderParams::default()
    };
    let mut stream = Vec::new();
    BrotliCompress(&mut bytes, &mut stream, &parameters).context("brotli failed")?;
    Ok(stream)
}
