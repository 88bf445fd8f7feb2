//! Everything that one test needs, started and ended around it.

use std::{
    fs,
    panic::{AssertUnwindSafe, resume_unwind},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result};
use fantoccini::Client;
use futures::FutureExt;
use local::{AuthorizerOptions, Controls, Stack};
use oidc_provider::{AUDIENCE, OidcProvider, PAGE_CLIENT, ProviderOptions};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::spawn_blocking, time::timeout};

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
    site: Site,
    /// Where pages of another origin can be served that the API and S3 let in.
    elsewhere: Option<TcpListener>,
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
    run(Scenario::start().await?, deadline, opened(test)).await
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
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let scenario = Scenario::start_on(listener, &folder, "data:", None).await?;
    run(scenario, DEADLINE, async |scenario| {
        let client = scenario.browser.client();
        client.goto(&scenario.url).await?;
        test(scenario, client).await
    })
    .await
}

/// Runs a test of a page that asks for a sign-in at a provider of its own. The page is not opened yet.
///
/// # Errors
/// As [`with_page`].
pub async fn with_sign_in(
    options: ProviderOptions,
    test: impl AsyncFnOnce(&mut Scenario, &OidcProvider) -> Result<()>,
) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let redirect_uris = vec![format!("http://{}/", listener.local_addr()?)];
    let options = ProviderOptions {
        redirect_uris,
        ..options
    };
    let provider = spawn_blocking(move || OidcProvider::start(&options)).await??;
    let folder = environment::page_folder()?;
    let scenario = Scenario::start_on(listener, &folder, provider.issuer(), Some(&provider)).await?;
    run(scenario, DEADLINE, async |scenario| {
        test(scenario, &provider).await
    })
    .await
}

/// A test on the page as it is when it was opened.
fn opened(
    test: impl AsyncFnOnce(&mut Scenario, &Page) -> Result<()>,
) -> impl AsyncFnOnce(&mut Scenario) -> Result<()> {
    async |scenario| {
        let page = scenario.open_page().await?;
        test(scenario, &page).await
    }
}

async fn run(
    mut scenario: Scenario,
    deadline: Duration,
    test: impl AsyncFnOnce(&mut Scenario) -> Result<()>,
) -> Result<()> {
    let outcome = AssertUnwindSafe(timeout(deadline, scenario.run(test)))
        .catch_unwind()
        .await;
    let closed = scenario.browser.close().await;
    match outcome {
        Ok(result) => result.context("the test hangs")??,
        Err(panic) => resume_unwind(panic),
    }
    closed
}

/// The settings of a page over this storage, as a deployed page has them.
fn usual_settings(storage: &Storage) -> Value {
    json!({ "apiUrl": storage.stack.api_url(), "secondEndpoint": storage.second_url().is_some() })
}

impl Scenario {
    async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        Self::start_on(listener, &environment::page_folder()?, "", None).await
    }

    /// Starts everything for the page in `folder`, which may connect to `connections` besides its API and S3.
    async fn start_on(
        listener: TcpListener,
        folder: &Path,
        connections: &str,
        provider: Option<&OidcProvider>,
    ) -> Result<Self> {
        let url = format!("http://{}", listener.local_addr()?);
        let elsewhere = TcpListener::bind("127.0.0.1:0").await?;
        let elsewhere_url = format!("http://{}", elsewhere.local_addr()?);
        let data = tempfile::tempdir()?;
        let authorizer = provider.map(|provider| AuthorizerOptions {
            issuer: provider.issuer().to_owned(),
            audiences: vec![AUDIENCE.to_owned()],
            scopes: Vec::new(),
        });
        let storage = Storage::start(&[&url, &elsewhere_url], data.path(), authorizer).await?;
        let api = storage.stack.api_url();
        let second = storage.second_url().unwrap_or_default();
        let policy = content_security_policy(&api, &format!("{} {second} {connections}", storage.url()));
        let mut settings = usual_settings(&storage);
        if let Some(provider) = provider {
            settings["signIn"] = json!({ "issuer": provider.issuer(), "clientId": PAGE_CLIENT });
        }
        let site = Site::serve(listener, folder, &policy)?;
        site.set_settings(&settings);
        Ok(Self {
            files: SourceFolder::new()?,
            browser: Browser::start().await?,
            storage,
            url,
            data,
            site,
            elsewhere: Some(elsewhere),
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

    /// The page's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Opens the page in the browser's tab, anew or for the first time.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn open_page(&self) -> Result<Page> {
        Page::open(self.browser.client(), &self.url).await
    }

    /// Opens the page with these settings besides the usual ones, which may be among them too.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn open_page_with(&self, settings: Value) -> Result<Page> {
        self.set_settings(settings);
        self.open_page().await
    }

    /// Sets what the page's `config.json` says besides the usual settings, which may be among them too.
    pub fn set_settings(&self, settings: Value) {
        let mut all = usual_settings(&self.storage);
        if let (Value::Object(all), Value::Object(settings)) = (&mut all, settings) {
            all.extend(settings);
        }
        self.site.set_settings(&all);
    }

    /// Serves a folder at another origin than the page's, under this Content-Security-Policy; the API and
    /// S3 let its pages in. Gives the site, and its address.
    ///
    /// # Errors
    /// Where that was done before, or the policy cannot be a header.
    pub fn serve_elsewhere(&mut self, folder: &Path, policy: &str) -> Result<(Site, String)> {
        let listener = self.elsewhere.take().context("it was taken before")?;
        let url = format!("http://{}", listener.local_addr()?);
        Ok((Site::serve(listener, folder, policy)?, url))
    }

    /// The origin of S3.
    pub fn s3(&self) -> String {
        self.storage.url()
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

    /// Runs a script in every worker that starts from now on, before it begins.
    pub fn run_before_workers(&self, script: &str) {
        self.site.run_before_workers(script);
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
