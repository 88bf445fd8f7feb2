//! Everything that one test needs, started and ended around it.

use std::{
    fs,
    panic::{AssertUnwindSafe, resume_unwind},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use axum::Router;
use fantoccini::Client;
use futures::FutureExt;
use local::{AuthorizerOptions, BUCKET, Controls, Stack};
use oidc_provider::{AUDIENCE, OidcProvider, PAGE_CLIENT, ProviderOptions};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::spawn_blocking, time::timeout};

use crate::{
    browser::Browser,
    environment::path_of,
    fault_proxy::ProxyListeners,
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
    /// Where pages of another origin can be served that the API and S3 allow.
    elsewhere: Option<TcpListener>,
}

/// What differs between the scenarios.
pub(crate) struct Setup<'a> {
    /// Where the page is served.
    listener: TcpListener,
    folder: PathBuf,
    /// What the page may connect to besides its API and S3.
    connections: String,
    provider: Option<&'a OidcProvider>,
    pub(crate) proxy: Option<ProxyListeners>,
}

impl Setup<'_> {
    pub(crate) async fn new() -> Result<Self> {
        Ok(Self {
            listener: TcpListener::bind("127.0.0.1:0").await?,
            folder: path_of("SLIPWAY_PAGE")?,
            connections: String::new(),
            provider: None,
            proxy: None,
        })
    }

    /// Starts a provider whose users may return to the page.
    pub(crate) async fn start_provider(&self, options: ProviderOptions) -> Result<OidcProvider> {
        let redirect_uris = vec![format!("http://{}/", self.listener.local_addr()?)];
        let options = ProviderOptions {
            redirect_uris,
            ..options
        };
        spawn_blocking(move || OidcProvider::start(&options)).await?
    }
}

impl<'a> Setup<'a> {
    /// The same with a page whose users sign in at this provider.
    pub(crate) fn sign_in_at(self, provider: &'a OidcProvider) -> Self {
        Self {
            connections: provider.issuer().to_owned(),
            provider: Some(provider),
            ..self
        }
    }
}

/// Runs a test on the page. Everything is ended afterwards, even if the test panics.
///
/// # Errors
/// That of the test; or if something does not start, or the browser's console has an error that
/// the test does not expect.
pub async fn with_page(test: impl AsyncFnOnce(&mut Scenario, &Page) -> Result<()>) -> Result<()> {
    with_page_for(DEADLINE, test).await
}

/// Runs a test that opens the page itself, with settings or at an address of its own.
///
/// # Errors
/// As [`with_page`].
pub async fn with_scenario(test: impl AsyncFnOnce(&mut Scenario) -> Result<()>) -> Result<()> {
    run(Scenario::start(Setup::new().await?).await?, DEADLINE, test).await
}

/// [`with_page`] with a deadline of its own.
///
/// # Errors
/// As [`with_page`].
pub async fn with_page_for(
    deadline: Duration,
    test: impl AsyncFnOnce(&mut Scenario, &Page) -> Result<()>,
) -> Result<()> {
    let scenario = Scenario::start(Setup::new().await?).await?;
    run(scenario, deadline, opened(test)).await
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
    let setup = Setup {
        folder: path_of("SLIPWAY_UPPY")?.join(version),
        connections: "data:".to_owned(),
        ..Setup::new().await?
    };
    run(Scenario::start(setup).await?, DEADLINE, async |scenario| {
        let client = scenario.client();
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
    let setup = Setup::new().await?;
    let provider = setup.start_provider(options).await?;
    let setup = setup.sign_in_at(&provider);
    run(Scenario::start(setup).await?, DEADLINE, async |scenario| {
        test(scenario, &provider).await
    })
    .await
}

/// A test of the page when it has just been opened.
fn opened(
    test: impl AsyncFnOnce(&mut Scenario, &Page) -> Result<()>,
) -> impl AsyncFnOnce(&mut Scenario) -> Result<()> {
    async |scenario| {
        let page = scenario.open_page().await?;
        test(scenario, &page).await
    }
}

pub(crate) async fn run(
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

impl Scenario {
    pub(crate) async fn start(setup: Setup<'_>) -> Result<Self> {
        let url = format!("http://{}", setup.listener.local_addr()?);
        let elsewhere = TcpListener::bind("127.0.0.1:0").await?;
        let origins = vec![url.clone(), format!("http://{}", elsewhere.local_addr()?)];
        let data = tempfile::tempdir()?;
        let authorizer = setup.provider.map(|provider| AuthorizerOptions {
            issuer: provider.issuer().to_owned(),
            audiences: vec![AUDIENCE.to_owned()],
            scopes: Vec::new(),
        });
        let storage = Storage::start(origins, data.path(), authorizer, setup.proxy).await?;
        let second = storage.second_url().unwrap_or_default();
        let s3 = format!("{} {second} {}", storage.url(), setup.connections);
        let policy = content_security_policy(&storage.api_url(), &s3);
        let scenario = Self {
            files: SourceFolder::new()?,
            browser: Browser::start().await?,
            storage,
            url,
            data,
            site: Site::serve(setup.listener, &setup.folder, &policy, Router::new())?,
            elsewhere: Some(elsewhere),
        };
        scenario.set_settings(match setup.provider {
            Some(provider) => json!({
                "signIn": { "issuer": provider.issuer(), "clientId": PAGE_CLIENT },
            }),
            None => json!({}),
        });
        Ok(scenario)
    }

    async fn run(&mut self, test: impl AsyncFnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let outcome = test(self).await;
        let console = self.browser.check_console().await;
        match (outcome, console) {
            (Err(error), Err(console)) => Err(error.context(console)),
            (outcome, console) => outcome.and(console),
        }
    }

    pub fn browser(&self) -> &Browser {
        &self.browser
    }

    /// The browser's WebDriver session.
    pub fn client(&self) -> &Client {
        self.browser.client()
    }

    /// As [`Browser::expect_console_errors`].
    pub fn expect_console_errors(&self, text: &str) {
        self.browser.expect_console_errors(text);
    }

    /// The page's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Opens the page in the browser's tab, anew or for the first time.
    pub async fn open_page(&self) -> Result<Page> {
        Page::open(self.client(), &self.url).await
    }

    /// Opens the page with these settings besides the usual ones, or instead of them.
    pub async fn open_page_with(&self, settings: Value) -> Result<Page> {
        self.set_settings(settings);
        self.open_page().await
    }

    /// Sets what the page's `config.json` says besides the usual settings of a deployed page, or instead of them.
    pub fn set_settings(&self, settings: Value) {
        let has_second = self.storage.second_url().is_some();
        let mut all = json!({ "apiUrl": self.storage.api_url(), "secondEndpoint": has_second });
        if let (Value::Object(all), Value::Object(settings)) = (&mut all, settings) {
            all.extend(settings);
        }
        self.site.set_settings(&all);
    }

    /// The page's server.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Serves a folder at another origin than the page's, with this Content-Security-Policy; the API and
    /// S3 allow its pages. Returns the site and its address.
    ///
    /// # Errors
    /// If there is one already.
    pub fn serve_elsewhere(&mut self, folder: &Path, policy: &str) -> Result<(Site, String)> {
        let listener = self.elsewhere.take().context("it was taken before")?;
        let url = format!("http://{}", listener.local_addr()?);
        Ok((Site::serve(listener, folder, policy, Router::new())?, url))
    }

    /// The origin of S3.
    pub fn s3(&self) -> String {
        self.storage.url()
    }

    /// The origin of the page's API.
    pub fn api(&self) -> String {
        self.storage.api_url()
    }

    /// Kills the browser, starts it again with the same profile and opens the page.
    pub async fn crash_browser(&mut self) -> Result<Page> {
        self.browser.crash_and_restart().await?;
        self.open_page().await
    }

    /// What the test can do to the stack. What it does to S3 is done to the local one, even if that is not used.
    pub fn controls(&self) -> &Controls {
        self.storage.stack.controls()
    }

    /// The stack's folder.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// The folder of the local S3's objects.
    pub fn bucket(&self) -> PathBuf {
        self.data.path().join(BUCKET)
    }

    pub(crate) fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Limits how fast a request's body travels to S3, in bytes per second; `None` ends the limit.
    pub fn set_bytes_per_second(&self, bytes_per_second: Option<u64>) {
        self.storage.set_bytes_per_second(bytes_per_second);
    }

    /// Kills one of Swift's three object servers.
    ///
    /// # Errors
    /// If S3 is not Swift.
    pub async fn kill_an_object_server(&mut self) -> Result<()> {
        self.storage.kill_an_object_server().await
    }

    pub fn stack(&mut self) -> &mut Stack {
        &mut self.storage.stack
    }

    /// Runs a script in every worker from now on, before the worker's own.
    pub fn run_before_workers(&self, script: &str) {
        self.site.run_before_workers(script);
    }

    /// Saves a picture of the page, if `cargo xtask test --screenshots` asked for it.
    pub async fn save_screenshot(&self, name: &str) -> Result<()> {
        let Ok(folder) = path_of("SLIPWAY_SCREENSHOTS") else {
            return Ok(());
        };
        let picture = self.client().screenshot().await?;
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("{name}.png")), picture)?;
        Ok(())
    }
}
