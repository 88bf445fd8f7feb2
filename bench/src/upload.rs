//! One upload of a workload by one client.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use tokio::time::sleep;

use crate::{
    browser::Browser,
    client::Client,
    curl,
    stage::{Setting, Stage, Way},
    workload::Workload,
};

/// How often a page is asked how far it is.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// What ends an upload besides its own end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    /// It has failed then.
    Patience(Duration),
    /// What has arrived by then is what counts.
    Time(Duration),
}

/// How an upload went.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    /// From the pick until the client knew of the last file, or until the time was over.
    pub(crate) time: Duration,
    /// Files that S3 has.
    pub(crate) files: u64,
    /// Bytes that S3 has, and those under way to it where they are counted.
    pub(crate) bytes: u64,
}

/// What a page tells.
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
/// Where the upload does not end in time, a file fails, or S3 has other files in the end.
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
        let browser = open(setting, client, &stage).await?;
        let done = watch(&browser, client, &files, limit, async |_| Ok(())).await;
        browser.close().await?;
        done
    };
    let outcome = done.and_then(|(time, bytes)| result(&stage, workload, limit, time, bytes));
    stage.stop().await?;
    outcome
}

/// Starts a browser with a client's page.
///
/// # Errors
/// Where it does not start, or the page does not get ready.
pub(crate) async fn open(setting: &Setting, client: Client, stage: &Stage) -> Result<Browser> {
    let origins = [stage.page()?.to_owned()];
    let browser = Browser::start(&setting.chromium, &origins).await?;
    if !client.prelude().is_empty() {
        browser.run_before_pages(client.prelude()).await?;
    }
    browser.open(stage.page()?, &client.is_ready()).await?;
    Ok(browser)
}

/// Picks files, looks after the browser while it uploads, and gives the time that it took, with
/// nothing for the bytes, since a page counts files.
///
/// # Errors
/// Where it does not end in time, or a file fails.
pub(crate) async fn watch(
    browser: &Browser,
    client: Client,
    files: &[PathBuf],
    limit: Limit,
    mut look: impl AsyncFnMut(&Browser) -> Result<()>,
) -> Result<(Duration, Option<u64>)> {
    browser.pick(client.input(), files).await?;
    let begun = Instant::now();
    loop {
        sleep(POLL_INTERVAL).await;
        look(browser).await?;
        let tally: Tally = serde_json::from_value(browser.evaluate("window.tally").await?)?;
        if let Limit::Time(time) = limit
            && begun.elapsed() >= time
        {
            return Ok((begun.elapsed(), None));
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
            return Ok((Duration::from_secs_f64((ended - began) / 1000.0), None));
        }
        if let Limit::Patience(patience) = limit {
            ensure!(
                begun.elapsed() < patience,
                "{} of {} files after {} s",
                tally.stored,
                files.len(),
                patience.as_secs()
            );
        }
    }
}

fn result(
    stage: &Stage,
    workload: Workload,
    limit: Limit,
    time: Duration,
    bytes: Option<u64>,
) -> Result<Upload> {
    let (files, stored) = stage.stored()?;
    if let Limit::Patience(_) = limit {
        let expected = (workload.count, bytes.unwrap_or(workload.bytes()));
        ensure!(
            (files, stored) == expected,
            "S3 has {files} files of {stored} bytes in place of {} of {}",
            expected.0,
            expected.1
        );
    }
    let bytes = match limit {
        Limit::Patience(_) => stored,
        Limit::Time(_) => stage.traffic().sent,
    };
    Ok(Upload { time, files, bytes })
}
