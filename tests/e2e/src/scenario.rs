//! Everything that one test needs, started and ended around it.

use std::{
    any::Any,
    fs,
    panic::{AssertUnwindSafe, resume_unwind},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result};
use fantoccini::Client;
use futures::FutureExt;
use local::{Controls, Stack};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    time::{error::Elapsed, timeout},
};

use crate::{
    browser::Browser,
    environment,
    files::SourceFolder,
    page::Page,
    s3::Storage,
    site::{Site, content_security_policy},
};

/// How long a test may take, so that one that hangs still closes its browser.
const DEADLINE: Duration = Duration::from_secs(240);

/// A page in a browser over a stack of its own.
pub struct Scenario {
    /// Where a test puts the files it uploads.
    pub files: SourceFolder,
    browser: Browser,
    storage: Storage,
    url: String,
    data: TempDir,
    _site: Site,
}

/// Runs a test on a page. Everything is ended afterwards, also when the test panics.
///
/// # Errors
/// The test's own; where something does not start; and where the browser's console has an error that
/// the test does not expect.
pub async fn with_page(test: impl AsyncFnOnce(&mut Scenario, &Page) -> Result<()>) -> Result<()> {
    with_page_for(DEADLINE, test).await
}

/// Runs a test on a page that may take so long.
///
/// # Errors
/// As [`with_page`].
pub async fn with_page_for(
    deadline: Duration,
    test: impl AsyncFnOnce(&mut Scenario, &Page) -> Result<()>,
) -> Result<()> {
    let mut scenario = Scenario::start(&environment::page_folder()?, "").await?;
    let testing = scenario.run(async |scenario| {
        let page = scenario.open_page().await?;
        test(scenario, &page).await
    });
    let outcome = AssertUnwindSafe(timeout(deadline, testing)).catch_unwind().await;
    finish(scenario, outcome).await
}

/// Runs a test on a page with this version of Uppy instead of Slipway's own page. The page may connect to
/// `data:` URLs too.
///
/// # Errors
/// As [`with_page`].
pub async fn with_uppy(
    version: &str,
    test: impl AsyncFnOnce(&Scenario, &Client) -> Result<()>,
) -> Result<()> {
    let folder = environment::uppy_folder()?.join(version);
    let mut scenario = Scenario::start(&folder, "data:").await?;
    let testing = scenario.run(async |scenario| {
        let client = scenario.browser.client();
        client.goto(&scenario.url).await?;
        test(scenario, client).await
    });
    let outcome = AssertUnwindSafe(timeout(DEADLINE, testing)).catch_unwind().await;
    finish(scenario, outcome).await
}

/// What catching a panic around a test that has a deadline gives.
type Outcome = Result<Result<Result<()>, Elapsed>, Box<dyn Any + Send>>;

/// Closes the browser, and gives what came of the test.
async fn finish(scenario: Scenario, outcome: Outcome) -> Result<()> {
    let closed = scenario.browser.close().await;
    match outcome {
        Ok(result) => result.context("the test hangs")??,
        Err(panic) => resume_unwind(panic),
    }
    closed
}

impl Scenario {
    /// Starts everything for the page in `folder`, which may connect to `connections` besides its API and S3.
    async fn start(folder: &Path, connections: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let data = tempfile::tempdir()?;
        let storage = Storage::start(&url, data.path()).await?;
        let api = storage.stack.api_url();
        let policy = content_security_policy(&api, &format!("{} {connections}", storage.url()));
        let site = Site::serve(listener, folder, &policy, &api)?;
        Ok(Self {
            files: SourceFolder::new()?,
            browser: Browser::start().await?,
            storage,
            url,
            data,
            _site: site,
        })
    }

    async fn run(&mut self, test: impl AsyncFnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let outcome = test(self).await;
        let console = self.browser.check_console().await;
        match (outcome, console) {
            (Err(error), Err(console)) => Err(error.context(console)),
            (outcome, console) => outcome.and(console),
        }
    }

    /// The browser.
    pub fn browser(&self) -> &Browser {
        &self.browser
    }

    /// Opens the page in the browser's tab, anew or for the first time.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn open_page(&self) -> Result<Page> {
        Page::open(self.browser.client(), &self.url).await
    }

    /// Kills the browser, starts it again on the same profile and opens the page.
    ///
    /// # Errors
    /// Where one of these fails.
    pub async fn crash_browser(&mut self) -> Result<Page> {
        self.browser.crash_and_restart().await?;
        self.open_page().await
    }

    /// What the test can do to the stack. What it does to S3 is done to the local one, used or not.
    pub fn controls(&self) -> &Controls {
        self.storage.stack.controls()
    }

    /// The stack's folder.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// The API and S3.
    pub(crate) fn storage(&self) -> &Storage {
        &self.storage
    }

    /// The API and S3, to be changed.
    pub(crate) fn storage_mut(&mut self) -> &mut Storage {
        &mut self.storage
    }

    /// The origin at which the page finds its API.
    pub fn api(&self) -> String {
        self.storage.stack.api_url()
    }

    /// The whole stack.
    pub fn stack(&mut self) -> &mut Stack {
        &mut self.storage.stack
    }

    /// Saves what the page looks like, where `cargo xtask test --screenshots` asked for it.
    ///
    /// # Errors
    /// Where the picture cannot be taken or written.
    pub async fn save_screenshot(&self, name: &str) -> Result<()> {
        let Some(folder) = environment::screenshots_folder() else {
            return Ok(());
        };
        let picture = self.browser.client().screenshot().await?;
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("{name}.png")), picture)?;
        Ok(())
    }
}
