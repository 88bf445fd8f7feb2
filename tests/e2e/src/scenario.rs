//! Everything that one test needs, started and ended around it.

use std::{
    fs,
    panic::{AssertUnwindSafe, resume_unwind},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result};
use futures::FutureExt;
use local::{AuthorizerOptions, BUCKET, Controls, Stack, StackOptions};
use oidc_provider::{AUDIENCE, OidcProvider, PAGE_CLIENT, ProviderOptions};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::spawn_blocking, time::timeout};

use crate::{
    browser::{Browser, Kind},
    environment,
    files::{SourceFolder, stored_files},
    page::Page,
    site::{Site, content_security_policy},
};

/// How long a test may take, so that one that hangs still closes its browser.
const DEADLINE: Duration = Duration::from_secs(240);

/// A page in a browser over a stack of its own.
pub struct Scenario {
    /// Where a test puts the files it uploads.
    pub files: SourceFolder,
    browser: Browser,
    stack: Stack,
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
    run(Scenario::start(Kind::Chromium).await?, deadline, opened(test)).await
}

/// Runs a test on a page in a browser of this kind.
///
/// # Errors
/// As [`with_page`].
pub async fn with_page_in(
    kind: Kind,
    test: impl AsyncFnOnce(&mut Scenario, &Page) -> Result<()>,
) -> Result<()> {
    run(Scenario::start(kind).await?, DEADLINE, opened(test)).await
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
    let scenario = Scenario::start_on(listener, Kind::Chromium, Some(&provider)).await?;
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

impl Scenario {
    async fn start(kind: Kind) -> Result<Self> {
        Self::start_on(TcpListener::bind("127.0.0.1:0").await?, kind, None).await
    }

    async fn start_on(listener: TcpListener, kind: Kind, provider: Option<&OidcProvider>) -> Result<Self> {
        let url = format!("http://{}", listener.local_addr()?);
        let elsewhere = TcpListener::bind("127.0.0.1:0").await?;
        let elsewhere_url = format!("http://{}", elsewhere.local_addr()?);
        let data = tempfile::tempdir()?;
        let stack = Stack::start(StackOptions {
            data: data.path().to_owned(),
            s3_port: 0,
            api_port: 0,
            allowed_origins: vec![url.clone(), elsewhere_url],
            lambda_variables: Vec::new(),
            authorizer: provider.map(|provider| AuthorizerOptions {
                issuer: provider.issuer().to_owned(),
                audiences: vec![AUDIENCE.to_owned()],
                scopes: Vec::new(),
            }),
        })
        .await?;
        let folder = environment::page_folder()?;
        let mut policy = content_security_policy(&stack.api_url(), &stack.s3_url());
        let mut settings = json!({ "apiUrl": stack.api_url() });
        if let Some(provider) = provider {
            let issuer = provider.issuer();
            policy = policy.replace("connect-src 'self'", &format!("connect-src 'self' {issuer}"));
            settings["signIn"] = json!({ "issuer": issuer, "clientId": PAGE_CLIENT });
        }
        let site = Site::serve(listener, &folder, &policy)?;
        site.set_settings(&settings);
        Ok(Self {
            files: SourceFolder::new()?,
            browser: Browser::start_kind(kind).await?,
            stack,
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

    /// Opens the page with these settings besides `apiUrl`, which may be among them too.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn open_page_with(&self, settings: Value) -> Result<Page> {
        self.set_settings(settings);
        self.open_page().await
    }

    /// Sets what the page's `config.json` says besides `apiUrl`, which may be among them too.
    pub fn set_settings(&self, settings: Value) {
        let mut all = json!({ "apiUrl": self.api() });
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
        self.stack.s3_url()
    }

    /// Kills the browser, starts it again on the same profile and opens the page.
    ///
    /// # Errors
    /// Where one of these fails.
    pub async fn crash_browser(&mut self) -> Result<Page> {
        self.browser.crash_and_restart().await?;
        self.open_page().await
    }

    /// What the test can do to the stack.
    pub fn controls(&self) -> &Controls {
        self.stack.controls()
    }

    /// The stack's folder.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// The bytes of every object, sorted, as a person finds them on the disk.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn stored_files(&self) -> Result<Vec<Vec<u8>>> {
        stored_files(&self.data.path().join(BUCKET))
    }

    /// The origin at which the page finds its API.
    pub fn api(&self) -> String {
        self.stack.api_url()
    }

    /// Runs a script in every worker that starts from now on, before it begins.
    pub fn run_before_workers(&self, script: &str) {
        self.site.run_before_workers(script);
    }

    /// The whole stack.
    pub fn stack(&mut self) -> &mut Stack {
        &mut self.stack
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
