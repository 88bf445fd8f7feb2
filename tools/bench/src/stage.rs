//! The storage, the API and the server of a client's page, for one upload.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use anyhow::{Context as _, Result};
use axum::{Router, extract::DefaultBodyLimit};
use e2e::{Carried, Rate, Relay, Site, stored_paths};
use local::{BUCKET, RecordedRequest, Stack, StackOptions};
use serde_json::json;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::spawn_blocking};

use crate::{
    api_log,
    backend::{Backend, PartUrls},
    client::Client,
    shaped::Gate,
};

/// What all uploads of a run share.
pub(crate) struct Setting {
    /// Slipway's page as it is deployed.
    pub(crate) slipway: PathBuf,
    /// The folder of the other clients' pages.
    pub(crate) pages: PathBuf,
    /// The folder of the files to upload.
    pub(crate) files: PathBuf,
    /// The folder of stored files until they are removed.
    pub(crate) data: PathBuf,
}

/// How a client reaches the servers.
#[derive(Clone)]
pub(crate) enum Way {
    /// By the loopback interface.
    Direct,
    /// Through ports that count bytes.
    Counted,
    /// Through ports that take no more for S3 than a wire of 1 Gbit/s.
    Gigabit,
    /// Over a link with delay and loss.
    Shaped(Arc<Gate>),
}

impl Way {
    async fn listener(&self) -> Result<Option<TcpListener>> {
        Ok(match self {
            Self::Direct => None,
            Self::Counted | Self::Gigabit => Some(TcpListener::bind("127.0.0.1:0").await?),
            Self::Shaped(gate) => Some(gate.listen()?),
        })
    }
}

/// The largest file that may be uploaded, in bytes: larger than any here.
const LARGEST_FILE: u64 = 1 << 40;

/// How the key of a manifest ends.
pub(crate) const MANIFEST_END: &str = ".slipway-manifest.json";

/// What a wire of 1 Gbit/s carries.
const GIGABIT_BYTES_PER_SECOND: u64 = 125_000_000;

/// The requests and bytes of an upload so far.
#[derive(Clone, Debug)]
pub(crate) struct Traffic {
    pub(crate) s3: Vec<RecordedRequest>,
    /// Calls of the Lambda, and of the other clients' backend.
    pub(crate) lambda_calls: u64,
    /// Preflights that the API answered.
    pub(crate) api_preflights: u64,
    /// Bytes that the client sent and received, if they are counted.
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

/// Running servers, stopped when this is dropped; what was stored is removed.
pub(crate) struct Stage {
    stack: Stack,
    backend: Arc<Backend>,
    s3_urls: [String; 2],
    page: Option<String>,
    site: Option<Site>,
    relays: Vec<Relay>,
    data: TempDir,
}

impl Stage {
    /// Starts everything for a client. Slipway's workers run `before_worker` first.
    pub(crate) async fn start(
        setting: &Setting,
        client: Client,
        way: &Way,
        before_worker: &str,
    ) -> Result<Self> {
        std::fs::create_dir_all(&setting.data)?;
        let data = tempfile::tempdir_in(&setting.data)?;
        let (for_s3, for_second_s3) = (way.listener().await?, way.listener().await?);
        let (for_api, for_page) = (way.listener().await?, way.listener().await?);
        let mut lambda_variables = vec![("MAX_UPLOAD_BYTES".to_owned(), LARGEST_FILE.to_string())];
        for (name, listener) in [
            ("AWS_ENDPOINT_URL_S3", &for_s3),
            ("SECOND_ENDPOINT_URL_S3", &for_second_s3),
        ] {
            if let Some(listener) = listener {
                lambda_variables.push((name.to_owned(), url(listener)?));
            }
        }
        let site_listener = TcpListener::bind("127.0.0.1:0").await?;
        let site = url(&site_listener)?;
        let origin = for_page.as_ref().map_or_else(|| Ok(site.clone()), url)?;
        let stack = Stack::start(StackOptions {
            allowed_origins: vec![origin],
            lambda_variables,
            ..StackOptions::new(data.path().to_owned())
        })
        .await?;
        api_log::forget();
        let mut relays = Vec::new();
        let mut reach = |listener: Option<TcpListener>, server: String, rate: Rate| {
            let Some(listener) = listener else {
                return Ok(server);
            };
            let host = server.strip_prefix("http://").context("an http:// URL")?;
            let relay = Relay::start(listener, host, rate)?;
            let url = relay.url();
            relays.push(relay);
            anyhow::Ok(url)
        };
        let rate = match way {
            Way::Gigabit => Rate::of_wire(GIGABIT_BYTES_PER_SECOND),
            _ => Rate::default(),
        };
        let s3 = reach(for_s3, stack.s3_url(), rate.clone())?;
        let second_s3 = reach(for_second_s3, stack.second_s3_url(), rate)?;
        let api = reach(for_api, stack.api_url(), Rate::default())?;
        let origin = reach(for_page, site, Rate::default())?;
        let backend = Arc::new(Backend::new(&s3)?);
        let site = match client.page(&setting.slipway, &setting.pages) {
            Some(folder) => {
                // 10,000 files are described in one call.
                let backend = backend.router().layer(DefaultBodyLimit::disable());
                let routes = Router::new().nest("/backend", backend);
                let site = Site::serve(site_listener, &folder, "", routes)?;
                site.set_settings(&json!({ "apiUrl": api, "secondEndpoint": true }));
                site.run_before_workers(before_worker);
                Some(site)
            }
            None => None,
        };
        Ok(Self {
            s3_urls: [s3, second_s3],
            page: site.is_some().then_some(origin),
            site,
            stack,
            backend,
            relays,
            data,
        })
    }

    /// The address of the client's page.
    pub(crate) fn page(&self) -> Result<&str> {
        self.page.as_deref().context("the client has no page")
    }

    /// Has Slipway's page store the manifests of batches, as a deployed one does.
    pub(crate) fn store_manifests(&self) {
        if let Some(site) = &self.site {
            let settings = json!({ "apiUrl": self.api(), "secondEndpoint": true, "manifests": true });
            site.set_settings(&settings);
        }
    }

    /// Creates a multipart upload of `count` parts for a client that cannot.
    pub(crate) async fn create_parts(&self, count: u64) -> Result<PartUrls> {
        let backend = Arc::clone(&self.backend);
        spawn_blocking(move || backend.create_parts(count)).await?
    }

    /// Completes it with the parts that S3 has.
    pub(crate) async fn complete_parts(&self, upload: &PartUrls) -> Result<()> {
        let (backend, upload) = (Arc::clone(&self.backend), upload.clone());
        spawn_blocking(move || backend.complete_parts(&upload)).await?
    }

    /// The addresses of the bucket's two endpoints, as the client reaches them.
    pub(crate) fn s3_urls(&self) -> [&str; 2] {
        self.s3_urls.each_ref().map(String::as_str)
    }

    /// The address of the API by the loopback interface.
    pub(crate) fn api(&self) -> String {
        self.stack.api_url()
    }

    /// The files of all objects but manifests.
    pub(crate) fn objects(&self) -> Vec<PathBuf> {
        let paths = stored_paths(&self.data.path().join(BUCKET));
        let is_manifest = |path: &PathBuf| path.to_string_lossy().ends_with(MANIFEST_END);
        paths.into_iter().filter(|path| !is_manifest(path)).collect()
    }

    /// The requests that S3 has answered after the first `count` of them.
    pub(crate) fn s3_requests_after(&self, count: usize) -> Vec<RecordedRequest> {
        self.stack.controls().s3_requests_after(count)
    }

    /// How many objects there are, and their bytes.
    pub(crate) fn stored(&self) -> Result<(u64, u64)> {
        let paths = stored_paths(&self.data.path().join(BUCKET));
        let mut bytes = 0;
        for path in &paths {
            bytes += path.metadata()?.len();
        }
        Ok((paths.len() as u64, bytes))
    }

    /// When the first PUT request arrived at S3, if requests are counted.
    pub(crate) fn first_put(&self) -> Option<SystemTime> {
        let first_puts = self
            .relays
            .iter()
            .filter_map(|relay| relay.carried().first_put.get());
        first_puts.min().copied()
    }

    /// The requests and bytes so far.
    pub(crate) fn traffic(&self) -> Traffic {
        let api = api_log::requests();
        let count = |is_preflight: bool| {
            let counted = api
                .iter()
                .filter(|line| line.starts_with("OPTIONS ") == is_preflight);
            counted.count() as u64
        };
        let sum = |figure: fn(&Carried) -> &AtomicU64| {
            let figures = self.relays.iter().map(|relay| figure(relay.carried()));
            figures.map(|figure| figure.load(Ordering::Relaxed)).sum()
        };
        Traffic {
            s3: self.stack.controls().s3_requests(),
            lambda_calls: count(false) + self.backend.calls(),
            api_preflights: count(true),
            sent: sum(|carried| &carried.sent),
            received: sum(|carried| &carried.received),
        }
    }

    /// Stops everything and removes what was stored.
    pub(crate) async fn stop(self) -> Result<()> {
        self.stack.stop().await;
        self.data.close().context("what was stored cannot be removed")
    }
}

fn url(listener: &TcpListener) -> Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}
