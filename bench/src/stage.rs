//! The storage, the API and a client's page, for one upload.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
};

use anyhow::{Context as _, Result};
use local::{BUCKET, RecordedRequest, Stack, StackOptions};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::spawn_blocking};
use walkdir::WalkDir;

use crate::{
    api_log,
    backend::{Backend, PartUrls},
    client::Client,
    forwarder::{Forwarder, Rate},
    shaped::Gate,
    site::Site,
};

/// What all uploads of a run share.
pub(crate) struct Setting {
    pub(crate) chromium: PathBuf,
    /// Slipway's page as it is deployed.
    pub(crate) slipway: PathBuf,
    /// The folder of the other clients' pages.
    pub(crate) pages: PathBuf,
    /// Where the files to upload are.
    pub(crate) files: PathBuf,
    /// Where what is stored lands until it is removed.
    pub(crate) data: PathBuf,
}

/// How a client reaches the servers.
#[derive(Clone)]
pub(crate) enum Way {
    /// By the loopback interface.
    Direct,
    /// Through a port that counts bytes.
    Counted,
    /// Through a port that takes no more for S3 than a wire of 1 Gbit/s.
    Gigabit,
    /// Over a link with delay and loss.
    Shaped(Arc<Gate>),
}

impl Way {
    fn listener(&self) -> Result<Option<std::net::TcpListener>> {
        match self {
            Self::Direct => Ok(None),
            Self::Counted | Self::Gigabit => Ok(Some(std::net::TcpListener::bind("127.0.0.1:0")?)),
            Self::Shaped(gate) => gate.listen().map(Some),
        }
    }
}

/// What a wire of 1 Gbit/s carries, in bytes a second.
const GIGABIT: f64 = 125e6;

/// What an upload has cost so far.
#[derive(Clone, Debug)]
pub(crate) struct Traffic {
    pub(crate) s3: Vec<RecordedRequest>,
    /// Calls of the function behind the API, and of the other clients' backend.
    pub(crate) lambda_calls: u64,
    /// Preflights that the API answered.
    pub(crate) api_preflights: u64,
    /// Bytes that the client sent and received, where they are counted.
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

/// Running servers, stopped when this is dropped; what was stored is removed.
pub(crate) struct Stage {
    stack: Stack,
    backend: Arc<Backend>,
    page: Option<String>,
    _site: Option<Site>,
    forwarders: Vec<Forwarder>,
    data: TempDir,
}

impl Stage {
    /// Starts everything for a client. Slipway's workers run `before_worker` first.
    ///
    /// # Errors
    /// Where something does not start.
    pub(crate) async fn start(
        setting: &Setting,
        client: Client,
        way: &Way,
        before_worker: &str,
    ) -> Result<Self> {
        std::fs::create_dir_all(&setting.data)?;
        let data = tempfile::tempdir_in(&setting.data)?;
        let (for_s3, for_second_s3) = (way.listener()?, way.listener()?);
        let (for_api, for_page) = (way.listener()?, way.listener()?);
        let mut lambda_variables = Vec::new();
        for (name, listener) in [
            ("AWS_ENDPOINT_URL_S3", &for_s3),
            ("SECOND_ENDPOINT_URL_S3", &for_second_s3),
        ] {
            if let Some(listener) = listener {
                lambda_variables.push((name.to_owned(), url(listener)?));
            }
        }
        let site_listener = TcpListener::bind("127.0.0.1:0").await?;
        let site_port = site_listener.local_addr()?.port();
        let origin = match &for_page {
            Some(listener) => url(listener)?,
            None => format!("http://127.0.0.1:{site_port}"),
        };
        let stack = Stack::start(StackOptions {
            allowed_origins: vec![origin.clone()],
            lambda_variables,
            ..StackOptions::new(data.path().to_owned())
        })
        .await?;
        api_log::forget();
        let (s3, second_s3, api) = (stack.s3_url(), stack.second_s3_url(), stack.api_url());
        let mut forwarders = Vec::new();
        let rate = matches!(way, Way::Gigabit).then(|| Arc::new(Rate::new(GIGABIT)));
        let mut reach = |listener: Option<std::net::TcpListener>, server: &str, rate| match listener {
            None => Ok(server.to_owned()),
            Some(listener) => {
                let address = url(&listener)?;
                forwarders.push(Forwarder::start(listener, port(server)?, rate)?);
                anyhow::Ok(address)
            }
        };
        let s3 = reach(for_s3, &s3, rate.clone())?;
        reach(for_second_s3, &second_s3, rate)?;
        let api = reach(for_api, &api, None)?;
        let origin = match for_page {
            None => origin,
            listener => reach(listener, &format!("http://127.0.0.1:{site_port}"), None)?,
        };
        let backend = Arc::new(Backend::new(&s3)?);
        let folder = client.page(&setting.slipway, &setting.pages);
        let site = folder.map(|folder| Site::serve(site_listener, &folder, &api, &backend, before_worker));
        Ok(Self {
            page: site.is_some().then_some(origin),
            _site: site,
            stack,
            backend,
            forwarders,
            data,
        })
    }

    /// The address of the client's page.
    ///
    /// # Errors
    /// Where the client has none.
    pub(crate) fn page(&self) -> Result<&str> {
        self.page.as_deref().context("the client has no page")
    }

    /// Begins a multipart upload of so many parts for a client that cannot.
    ///
    /// # Errors
    /// Where S3 refuses it.
    pub(crate) async fn begin_parts(&self, count: u64) -> Result<PartUrls> {
        let backend = Arc::clone(&self.backend);
        spawn_blocking(move || backend.begin_parts(count)).await?
    }

    /// Completes it with the parts that S3 has.
    ///
    /// # Errors
    /// Where S3 refuses it.
    pub(crate) async fn complete_parts(&self, upload: &PartUrls) -> Result<()> {
        let (backend, upload) = (Arc::clone(&self.backend), upload.clone());
        spawn_blocking(move || backend.complete_parts(&upload)).await?
    }

    /// The address of the API by the loopback interface.
    pub(crate) fn api(&self) -> String {
        self.stack.api_url()
    }

    /// How many objects there are, and their bytes.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub(crate) fn stored(&self) -> Result<(u64, u64)> {
        let bucket: &Path = &self.data.path().join(BUCKET);
        let mut stored = (0, 0);
        for entry in WalkDir::new(bucket) {
            let entry = entry?;
            if entry.file_type().is_file() {
                stored.0 += 1;
                stored.1 += entry.metadata()?.len();
            }
        }
        Ok(stored)
    }

    /// What the upload has cost.
    pub(crate) fn traffic(&self) -> Traffic {
        let api = api_log::requests();
        let count = |is_preflight: bool| {
            let counted = api
                .iter()
                .filter(|line| line.starts_with("OPTIONS ") == is_preflight);
            counted.count() as u64
        };
        let sum = |figure: fn(&Forwarder) -> u64| self.forwarders.iter().map(figure).sum();
        Traffic {
            s3: self.stack.controls().s3_requests(),
            lambda_calls: count(false) + self.backend.calls(),
            api_preflights: count(true),
            sent: sum(|forwarder| forwarder.carried.sent.load(Ordering::Relaxed)),
            received: sum(|forwarder| forwarder.carried.received.load(Ordering::Relaxed)),
        }
    }

    /// Stops everything and removes what was stored.
    ///
    /// # Errors
    /// Where it cannot be removed.
    pub(crate) async fn stop(self) -> Result<()> {
        self.stack.stop().await;
        self.data.close().context("what was stored cannot be removed")
    }
}

fn url(listener: &std::net::TcpListener) -> Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}

fn port(url: &str) -> Result<u16> {
    let (_, port) = url.rsplit_once(':').context("an address has a port")?;
    Ok(port.parse()?)
}
