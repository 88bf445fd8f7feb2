//! One upload that is watched from its start to its end, while somebody uses the page.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use e2e::{REPORT_WORKER_MEMORY, metric};
use local::RecordedRequest;
use serde::Deserialize;
use serde_json::json;
use tokio::time::sleep;

use crate::{
    client::Client,
    profile::attach_to_workers,
    scale::timeline::{Sample, Timeline},
    stage::{MANIFEST_END, Setting, Stage, Way},
    tab::Tab,
    table::{Better, Table},
};

/// What the page is asked while it uploads.
const IN_PAGE: &str = include_str!("in_page.js");

const SAMPLE_INTERVAL: Duration = Duration::from_secs(2);

/// The manifest is written in a moment, which begins when the last file is stored.
const END_SAMPLE_INTERVAL: Duration = Duration::from_millis(50);

/// The share of the whole from which on the end is near.
const END: f64 = 0.97;

/// After this time nothing that was in flight when all was paused is left.
const PAUSE_SETTLES: Duration = Duration::from_secs(3);

/// How long nothing may be sent then.
const PAUSE: Duration = Duration::from_secs(3);

/// More rows than any screen shows.
const MOST_ROWS: u64 = 60;

/// What the page shows.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Look {
    pub(super) files: u64,
    pub(super) unfinished: u64,
    pub(super) stored: u64,
    /// Files that failed, or were interrupted.
    pub(super) attention: u64,
    pub(super) rows: u64,
    longest_task: f64,
}

/// What S3 has answered with success so far.
#[derive(Debug, Default)]
pub(super) struct Answered {
    requests: usize,
    pub(super) aborts: u64,
    /// Whether a manifest is stored.
    has_manifest: bool,
    /// The size of each part, and how often it was stored, by the path of its object.
    pub(super) parts: BTreeMap<String, BTreeMap<u32, (u64, u32)>>,
}

/// What is awaited: how much of the whole is done, by what the page shows and what S3 has.
pub(super) type Done = fn(&Look, &Answered) -> u64;

/// A running upload.
pub(super) struct Run {
    tab: Tab,
    pub(super) stage: Stage,
    worker: String,
    start: Instant,
    paused: Duration,
    pub(super) answered: Answered,
    samples: Vec<Sample>,
    /// Those while the manifest was written.
    manifest: Vec<Sample>,
    /// How long the page took to show what a person asked for.
    pub(super) actions: Table,
    done: Done,
}

impl Answered {
    fn add(&mut self, requests: Vec<RecordedRequest>) {
        self.requests += requests.len();
        for request in requests.into_iter().filter(|request| request.status < 300) {
            match (request.method.as_str(), part_number(&request.query)) {
                ("PUT", Some(number)) => {
                    let parts = self.parts.entry(request.path).or_default();
                    let (size, times) = parts.entry(number).or_default();
                    (*size, *times) = (request.body_bytes, *times + 1);
                }
                // PutObject and CompleteMultipartUpload
                ("PUT", None) => self.add_object(&request.path),
                ("POST", _) if request.query.contains("uploadId=") => self.add_object(&request.path),
                ("DELETE", _) => self.aborts += 1,
                _ => {}
            }
        }
    }

    fn add_object(&mut self, path: &str) {
        self.has_manifest |= path.ends_with(MANIFEST_END);
    }

    /// The bytes of the stored parts of the object whose path ends like this.
    pub(super) fn bytes_of(&self, name: &str) -> u64 {
        self.parts_of(name).map(|(_, (size, _))| size).sum()
    }

    pub(super) fn parts_of(&self, name: &str) -> impl Iterator<Item = (u32, (u64, u32))> {
        let objects = self.parts.iter().filter(move |(path, _)| path.ends_with(name));
        objects.flat_map(|(_, parts)| parts.iter().map(|(number, part)| (*number, *part)))
    }
}

fn part_number(query: &str) -> Option<u32> {
    let number = query
        .split('&')
        .find_map(|field| field.strip_prefix("partNumber="));
    number?.parse().ok()
}

impl Run {
    /// Starts a stage, and a browser with the page. `name` is what is uploaded.
    pub(super) async fn start(setting: &Setting, name: &str, done: Done) -> Result<Self> {
        let stage = Stage::start(setting, Client::Slipway, &Way::Direct, REPORT_WORKER_MEMORY).await?;
        stage.store_manifests();
        let page = stage.page()?;
        let mut tab = Tab::start(&[page]).await?;
        tab.run_before_pages(IN_PAGE).await?;
        tab.open(page, &Client::Slipway.is_ready()).await?;
        let workers = attach_to_workers(&mut tab).await?;
        Ok(Self {
            worker: workers.first().context("the page has no worker")?.clone(),
            tab,
            stage,
            start: Instant::now(),
            paused: Duration::ZERO,
            answered: Answered::default(),
            samples: Vec::new(),
            manifest: Vec::new(),
            actions: Table::new(
                format!("{name}: time until the page shows it"),
                "ms",
                Better::Less,
            ),
            done,
        })
    }

    /// Drops a folder or a file on the page, and the time begins if it is the first.
    pub(super) async fn drop_path(&mut self, path: &Path) -> Result<()> {
        if self.samples.is_empty() {
            self.start = Instant::now();
        }
        self.tab.drop_path(".drop-zone", path).await
    }

    /// Looks every two seconds until all of `total` is done, and calls `act` with the share that is done.
    ///
    /// # Errors
    /// If nothing more is done for as long as `patience`, or a file fails.
    pub(super) async fn watch(
        &mut self,
        total: u64,
        patience: Duration,
        mut act: impl AsyncFnMut(&mut Self, f64) -> Result<()>,
    ) -> Result<()> {
        let mut last = (0, Instant::now());
        loop {
            let is_at_end = last.0 as f64 >= END * total as f64;
            sleep(if is_at_end {
                END_SAMPLE_INTERVAL
            } else {
                SAMPLE_INTERVAL
            })
            .await;
            let look = self.sample().await?;
            ensure!(look.attention == 0, "{} files failed", look.attention);
            ensure!(look.rows < MOST_ROWS, "{} rows", look.rows);
            let done = (self.done)(&look, &self.answered);
            if done >= total {
                return Ok(());
            }
            if done > last.0 {
                last = (done, Instant::now());
            }
            ensure!(
                last.1.elapsed() < patience,
                "{done} of {total}, and no more: {look:?}"
            );
            act(self, done as f64 / total as f64).await?;
        }
    }

    /// Waits until all that is on the list has ended.
    pub(super) async fn finish(&mut self, patience: Duration) -> Result<Look> {
        let start = Instant::now();
        loop {
            let look = self.sample().await?;
            if look.unfinished == 0 {
                return Ok(look);
            }
            ensure!(start.elapsed() < patience, "it does not end: {look:?}");
            sleep(END_SAMPLE_INTERVAL).await;
        }
    }

    /// Watches until the manifest of the batch is stored. It was written since all of `total` was done.
    pub(super) async fn finish_manifest(&mut self, total: u64, patience: Duration) -> Result<()> {
        let start = Instant::now();
        while !self.answered.has_manifest {
            ensure!(start.elapsed() < patience, "no manifest is stored");
            sleep(END_SAMPLE_INTERVAL).await;
            self.sample().await?;
        }
        let files = self.samples.partition_point(|sample| sample.done < total as f64);
        self.manifest = self.samples.split_off(files + 1);
        Ok(())
    }

    async fn sample(&mut self) -> Result<Look> {
        self.update_answered();
        let look: Look = serde_json::from_value(self.tab.evaluate("scale.look()").await?)?;
        let metrics = self.tab.call("Performance.getMetrics", json!({})).await?;
        let asked = Instant::now();
        let worker_wasm = self.tab.evaluate("scale.workerMemory()").await?;
        let worker_answer = asked.elapsed();
        let worker = Some(self.worker.clone());
        let (tab, browser) = self.tab.memory()?;
        let sample = Sample {
            time: (self.start.elapsed() - self.paused).as_secs_f64(),
            done: (self.done)(&look, &self.answered) as f64,
            busy: metric(&metrics, "TaskDuration")?,
            processor: metric(&metrics, "ThreadTime")?,
            longest_task: look.longest_task,
            worker_answer: worker_answer.as_secs_f64() * 1e3,
            page_heap: self.heap(None).await?,
            worker_heap: self.heap(worker.as_deref()).await?,
            worker_wasm: worker_wasm.as_f64().context("a size")?,
            tab: tab as f64,
            browser: browser as f64,
        };
        eprintln!(
            "{:.0} s: {}, {} stored, tab {:.0} MB, worker {:.1} + {:.1} MB",
            sample.time,
            sample.done,
            look.stored,
            sample.tab / 1e6,
            sample.worker_heap / 1e6,
            sample.worker_wasm / 1e6
        );
        self.samples.push(sample);
        Ok(look)
    }

    /// The bytes of the JavaScript heap in use, of the page or of a worker.
    async fn heap(&mut self, session: Option<&str>) -> Result<f64> {
        let usage = self
            .tab
            .call_in(session, "Runtime.getHeapUsage", json!({}))
            .await?;
        usage["usedSize"].as_f64().context("a size")
    }

    fn update_answered(&mut self) {
        let new = self.stage.s3_requests_after(self.answered.requests);
        self.answered.add(new);
    }

    /// Has the page do something, and notes how long it took until that was to be seen.
    pub(super) async fn act(&mut self, what: &str, call: &str) -> Result<()> {
        let took = self.tab.evaluate(&format!("scale.{call}")).await;
        let took = took.with_context(|| what.to_owned())?;
        let milliseconds = took.as_f64().context("a time")?;
        eprintln!("{what}: {milliseconds:.0} ms");
        self.actions.add(what, milliseconds);
        Ok(())
    }

    /// Scrolls and filters.
    pub(super) async fn look_around(&mut self) -> Result<()> {
        for (what, call) in [
            ("the middle of the list", "scrollTo(0.5)"),
            ("the end of the list", "scrollTo(1)"),
            ("only what is stored", "showStored()"),
            ("all files again", "showAll()"),
        ] {
            self.act(what, call).await?;
        }
        Ok(())
    }

    /// Pauses everything for a while, in which S3 must get nothing.
    pub(super) async fn pause(&mut self) -> Result<()> {
        let start = Instant::now();
        self.act("all paused", "pauseAll()").await?;
        sleep(PAUSE_SETTLES).await;
        self.update_answered();
        let before = self.answered.requests;
        sleep(PAUSE).await;
        self.update_answered();
        let sent = self.answered.requests - before;
        ensure!(sent == 0, "{sent} requests arrived while all was paused");
        self.paused += start.elapsed();
        self.act("all going on", "resumeAll()").await
    }

    /// Waits until S3 has a part of this file.
    pub(super) async fn wait_for_parts_of(&mut self, name: &str, patience: Duration) -> Result<()> {
        let start = Instant::now();
        while self.answered.bytes_of(name) == 0 {
            ensure!(start.elapsed() < patience, "{name} is not sent");
            sleep(SAMPLE_INTERVAL).await;
            self.update_answered();
        }
        Ok(())
    }

    /// Waits until S3 has aborted an upload.
    pub(super) async fn wait_for_abort(&mut self, patience: Duration) -> Result<()> {
        let start = Instant::now();
        while self.answered.aborts == 0 {
            ensure!(start.elapsed() < patience, "no upload is aborted");
            sleep(SAMPLE_INTERVAL).await;
            self.update_answered();
        }
        Ok(())
    }

    /// Closes the browser. `total` is all files or bytes.
    pub(super) async fn close(self, total: u64) -> Result<(Stage, Timeline, Answered, Table)> {
        self.tab.close().await?;
        let timeline = Timeline {
            samples: self.samples,
            manifest: self.manifest,
            total: total as f64,
        };
        Ok((self.stage, timeline, self.answered, self.actions))
    }
}
