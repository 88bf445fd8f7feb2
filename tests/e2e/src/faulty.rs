//! A page whose every request goes through the proxy that makes faults.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, resume_unwind},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use futures::FutureExt;
use local::{BUCKET, Controls, Stack, StackOptions};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, time::timeout};

use crate::{
    browser::Browser,
    environment,
    fault_proxy::{FaultProxy, Faults, ProxyListeners},
    files::SourceFolder,
    large_file::stored_paths,
    page::{Page, Row},
    site::{Site, content_security_policy},
    wait::wait_until,
};

/// Writes down every look that a row has had, since one may be gone before a test looks again.
const REMEMBER_ROWS: &str = "
    window.testLooks = [];
    const text = (row, selector) => row.querySelector(selector)?.textContent.trim() ?? '';
    const look = row => ({
        id: row.dataset.fileId,
        state: row.dataset.state,
        name: text(row, '.file-name'),
        progress: null,
        error: text(row, '.file-error:not([hidden]) > span'),
        error_details: text(row, '.file-error-details'),
    });
    const last = new Map();
    new MutationObserver(() => {
        for (const row of document.querySelectorAll('[data-file-id]')) {
            const now = look(row);
            const text = JSON.stringify(now);
            if (last.get(now.id) !== text) {
                last.set(now.id, text);
                window.testLooks.push(now);
            }
        }
    }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });";

/// A page in Chromium, the proxy, and a stack behind it.
pub struct FaultyScenario {
    /// Where a test puts the files it uploads.
    pub files: SourceFolder,
    browser: Browser,
    stack: Stack,
    proxy: FaultProxy,
    url: String,
    data: TempDir,
    site: Site,
}

/// Runs a test on a page with these settings in its `config.json`, besides the API's address. Everything is
/// ended afterwards, also when the test panics.
///
/// # Errors
/// The test's own; where something does not start; where it takes longer than `deadline`; and where the
/// browser's console has an error other than of requests that failed.
pub async fn with_faulty_page(
    settings: Value,
    deadline: Duration,
    test: impl AsyncFnOnce(&FaultyScenario) -> Result<()>,
) -> Result<()> {
    let scenario = FaultyScenario::start(settings).await?;
    // Chromium has a line for each request that fails, in either form.
    for expected in [
        "Failed to load resource",
        "blocked by CORS policy",
        "beforeunload",
    ] {
        scenario.browser.expect_console_errors(expected);
    }
    let testing = AssertUnwindSafe(timeout(deadline, test(&scenario)));
    let outcome = testing.catch_unwind().await;
    let console = scenario.browser.check_console().await;
    let closed = scenario.browser.close().await;
    match outcome {
        Ok(result) => result.context("the test hangs")??,
        Err(panic) => resume_unwind(panic),
    }
    console.and(closed)
}

impl FaultyScenario {
    async fn start(settings: Value) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let data = tempfile::tempdir()?;
        let proxy = ProxyListeners::bind().await?;
        let stack = Stack::start(StackOptions {
            allowed_origins: vec![url.clone()],
            lambda_variables: vec![("AWS_ENDPOINT_URL_S3".to_owned(), proxy.s3_url()?)],
            ..StackOptions::new(data.path().to_owned())
        })
        .await?;
        let proxy = proxy.pass_to(&stack.s3_url(), &stack.api_url())?;
        let policy = content_security_policy(proxy.api_url(), proxy.s3_url());
        let mut settings = settings;
        settings["apiUrl"] = json!(proxy.api_url());
        let site = Site::serve(listener, &environment::page_folder()?, &policy)?;
        site.set_settings(&settings);
        Ok(Self {
            files: SourceFolder::new()?,
            browser: Browser::start().await?,
            stack,
            proxy,
            url,
            data,
            site,
        })
    }

    /// Opens the page, and has it remember how its rows looked.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn open_page(&self) -> Result<Page> {
        let page = Page::open(self.browser.client(), &self.url).await?;
        self.browser.client().execute(REMEMBER_ROWS, Vec::new()).await?;
        Ok(page)
    }

    /// The browser.
    pub fn browser(&self) -> &Browser {
        &self.browser
    }

    /// What happens to the requests.
    pub fn faults(&self) -> &Faults {
        self.proxy.faults()
    }

    /// What the test can do to the stack.
    pub fn controls(&self) -> &Controls {
        self.stack.controls()
    }

    /// Runs a script in every worker that starts from now on, before it begins.
    pub fn run_before_workers(&self, script: &str) {
        self.site.run_before_workers(script);
    }

    /// Every look that the row of a file has had, the earliest first.
    ///
    /// # Errors
    /// Where the browser does not answer.
    pub async fn looks(&self, name: &str) -> Result<Vec<Row>> {
        let looks = self.browser.client();
        let looks = looks.execute("return window.testLooks;", Vec::new()).await?;
        let mut looks: Vec<Row> = serde_json::from_value(looks)?;
        looks.retain(|row| row.name == name);
        Ok(looks)
    }

    /// Waits until the row of a file has looked like this, if only for a moment.
    ///
    /// # Errors
    /// Where it has not within a minute.
    pub async fn wait_for_look(&self, name: &str, what: &str, fits: impl Fn(&Row) -> bool) -> Result<Row> {
        wait_until(what, async || {
            let looks = self.looks(name).await?;
            Ok(looks
                .iter()
                .find(|row| fits(row))
                .cloned()
                .ok_or_else(|| format!("{:#?}", looks.last())))
        })
        .await
    }

    /// Where the objects are that were made of a file of this name.
    pub fn objects(&self, name: &str) -> Vec<PathBuf> {
        let mut paths = self.all_objects();
        paths.retain(|path| path.ends_with(name));
        paths
    }

    /// Where all objects are.
    pub fn all_objects(&self) -> Vec<PathBuf> {
        stored_paths(&self.data.path().join(BUCKET))
    }

    /// How often S3 stored each part of a file of this name, by upload id and part number.
    pub fn stored_parts(&self, name: &str) -> HashMap<(String, String), usize> {
        let mut parts = HashMap::new();
        for request in self.controls().s3_requests() {
            let field = |name: &str| {
                let fields = request.query.split('&');
                let mut values = fields.filter_map(|field| field.strip_prefix(name)?.strip_prefix('='));
                values.next().map(str::to_owned)
            };
            let is_of_file = Path::new(&request.path).ends_with(name);
            if let (true, "PUT", 200, Some(number), Some(upload)) = (
                is_of_file,
                request.method.as_str(),
                request.status,
                field("partNumber"),
                field("uploadId"),
            ) {
                *parts.entry((upload, number)).or_default() += 1;
            }
        }
        parts
    }

    /// How many multipart uploads S3 keeps that were neither completed nor aborted.
    ///
    /// # Errors
    /// Where the stack's folder cannot be read.
    pub fn unfinished_uploads(&self) -> Result<usize> {
        let uploads = std::fs::read_dir(self.data.path().join(".state/uploads"))?;
        Ok(uploads.count())
    }
}
