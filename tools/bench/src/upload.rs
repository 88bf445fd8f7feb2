//! One upload of a workload by one client.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use tokio::time::sleep;

use crate::{
    client::Client,
    curl,
    stage::{Setting, Stage, Way},
    tab::Tab,
    workload::{Limit, Workload},
};

/// How often a page is asked for its progress.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The result of an upload.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    /// From the pick until the client knew that the last file was stored, or until the time was over.
    pub(crate) time: Duration,
    /// Files that S3 has.
    pub(crate) files: u64,
    /// Bytes that S3 has, or, after a limited time, that were sent to it.
    pub(crate) bytes: u64,
}

/// The progress that a page reports.
#[derive(Debug, Deserialize)]
struct Tally {
    chosen: u64,
    stored: u64,
    failed: u64,
    error: Option<String>,
    began: Option<f64>,
    ended: Option<f64>,
}

/// Uploads a workload, and removes what was stored.
///
/// # Errors
/// If the upload does not finish in time, a file fails, or S3 has other files in the end.
pub(crate) async fn upload(
    setting: &Setting,
    client: Client,
    workload: Workload,
    way: &Way,
    limit: Limit,
) -> Result<Upload> {
    let files = workload.files(&setting.files)?;
    let stage = Stage::start(setting, client, way, "").await?;
    let done = if client == Client::Curl {
        curl::upload(&stage, workload, &setting.files, limit).await
    } else {
        let mut tab = open(client, &stage).await?;
        let time = watch(&mut tab, client, &files, limit, async |_| Ok(())).await;
        tab.close().await?;
        time.map(|time| (time, workload.bytes()))
    };
    let outcome = done.and_then(|(time, bytes)| result(&stage, workload.count, limit, time, bytes));
    stage.stop().await?;
    outcome
}

/// Starts a browser and opens a client's page in it.
pub(crate) async fn open(client: Client, stage: &Stage) -> Result<Tab> {
    let page = stage.page()?;
    let mut tab = Tab::start(&[page]).await?;
    if !client.prelude().is_empty() {
        tab.run_before_pages(client.prelude()).await?;
    }
    tab.open(page, &client.is_ready()).await?;
    Ok(tab)
}

/// Picks files, calls `look` again and again while they are uploaded, and returns the time that it took.
///
/// # Errors
/// If it does not finish in time, or a file fails.
pub(crate) async fn watch(
    tab: &mut Tab,
    client: Client,
    files: &[PathBuf],
    limit: Limit,
    mut look: impl AsyncFnMut(&mut Tab) -> Result<()>,
) -> Result<Duration> {
    tab.pick(client.input(), files).await?;
    let start = Instant::now();
    loop {
        sleep(POLL_INTERVAL).await;
        look(tab).await?;
        let tally: Tally = serde_json::from_value(tab.evaluate("window.tally").await?)?;
        if let Limit::Time(time) = limit
            && start.elapsed() >= time
        {
            return Ok(start.elapsed());
        }
        if let Some(ended) = tally.ended {
            ensure!(
                tally.failed == 0,
                "{} of {} files failed: {}",
                tally.failed,
                tally.chosen,
                tally.error.unwrap_or_default()
            );
            let began = tally.began.context("it ended and never began")?;
            return Ok(Duration::from_secs_f64((ended - began) / 1000.0));
        }
        if let Limit::Patience(patience) = limit {
            ensure!(
                start.elapsed() < patience,
                "{} of {} files after {} s",
                tally.stored,
                files.len(),
                patience.as_secs()
            );
        }
    }
}

/// What S3 has in the end. After an upload without a limited time, that must be this many files and bytes.
fn result(stage: &Stage, files: u64, limit: Limit, time: Duration, bytes: u64) -> Result<Upload> {
    let (stored_files, stored_bytes) = stage.stored()?;
    if let Limit::Patience(_) = limit {
        ensure!(
            stored_bytes == bytes && stored_files == files,
            "S3 has {stored_files} files of {stored_bytes} bytes instead of {files} of {bytes}",
        );
    }
    let bytes = match limit {
        Limit::Patience(_) => stored_bytes,
        Limit::Time(_) => stage.traffic().sent,
    };
    Ok(Upload {
        time,
        files: stored_files,
        bytes,
    })
}
