//! A page whose every request goes through the fault proxy.

use std::{
    collections::HashMap,
    ops::Deref,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use oidc_provider::ProviderOptions;
use serde_json::Value;

use crate::{
    fault_proxy::{Faults, ProxyListeners},
    files::{SourceFile, sha256_of, stored_paths},
    page::{Page, READ_ROW, Row},
    scenario::{Scenario, Setup, run},
    wait::wait_until,
};

/// Records how each row looked, since a look may be gone before a test checks again.
const RECORD_ROWS: &str = "
    window.testLooks = [];
    const last = new Map();
    new MutationObserver(() => {
        for (const row of document.querySelectorAll('[data-file-id]')) {
            const now = { ...read(row), progress: null };
            const text = JSON.stringify(now);
            if (last.get(now.id) !== text) {
                last.set(now.id, text);
                window.testLooks.push(now);
            }
        }
    }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });";

/// A page in Chromium, the proxy, and a stack behind it.
pub struct FaultyScenario<'a> {
    scenario: &'a Scenario,
    faults: &'a Faults,
}

/// Runs a test on a page with these settings in its `config.json`, besides the API's address. Everything is
/// ended afterwards, even if the test panics.
///
/// # Errors
/// That of the test; or if something does not start, it takes longer than `deadline`, or the browser's console has an
/// error other than of requests that failed.
pub async fn with_faulty_page(
    settings: Value,
    deadline: Duration,
    test: impl AsyncFnOnce(&FaultyScenario<'_>) -> Result<()>,
) -> Result<()> {
    let mut setup = Setup::new().await?;
    setup.proxy = Some(ProxyListeners::bind().await?);
    let scenario = Scenario::start(setup).await?;
    scenario.set_settings(settings);
    run_faulty(scenario, deadline, test).await
}

/// Runs a test of a page whose users sign in at a provider of its own, which is behind the proxy too. The page is not
/// opened yet.
///
/// # Errors
/// As [`with_faulty_page`].
pub async fn with_faulty_sign_in(
    options: ProviderOptions,
    deadline: Duration,
    test: impl AsyncFnOnce(&FaultyScenario<'_>) -> Result<()>,
) -> Result<()> {
    let mut proxy = ProxyListeners::bind().await?;
    let mut setup = Setup::new().await?;
    let issuer = Some(proxy.issuer_url()?);
    let provider = setup
        .start_provider(ProviderOptions { issuer, ..options })
        .await?;
    proxy.set_provider(provider.url());
    setup.proxy = Some(proxy);
    run_faulty(
        Scenario::start(setup.sign_in_at(&provider)).await?,
        deadline,
        test,
    )
    .await
}

async fn run_faulty(
    scenario: Scenario,
    deadline: Duration,
    test: impl AsyncFnOnce(&FaultyScenario<'_>) -> Result<()>,
) -> Result<()> {
    // Chromium has a line for each request that fails, in either form.
    for expected in [
        "Failed to load resource",
        "blocked by CORS policy",
        "beforeunload",
    ] {
        scenario.expect_console_errors(expected);
    }
    run(scenario, deadline, async |scenario| {
        let proxy = scenario.storage().proxy.as_ref().context("a proxy")?;
        let faults = proxy.faults();
        test(&FaultyScenario { scenario, faults }).await
    })
    .await
}

impl Deref for FaultyScenario<'_> {
    type Target = Scenario;

    fn deref(&self) -> &Scenario {
        self.scenario
    }
}

impl FaultyScenario<'_> {
    /// Opens the page and records how its rows look from now on.
    pub async fn open_recorded_page(&self) -> Result<Page> {
        let page = self.open_page().await?;
        let record = [READ_ROW, RECORD_ROWS].concat();
        self.client().execute(&record, Vec::new()).await?;
        Ok(page)
    }

    /// What happens to the requests.
    pub fn faults(&self) -> &Faults {
        self.faults
    }

    /// How the row of a file has looked, from the beginning on.
    pub async fn looks(&self, name: &str) -> Result<Vec<Row>> {
        let client = self.client();
        let looks = client.execute("return window.testLooks;", Vec::new()).await?;
        let mut looks: Vec<Row> = serde_json::from_value(looks)?;
        looks.retain(|row| row.name == name);
        Ok(looks)
    }

    /// Waits until the row of a file has looked like this, if only for a moment.
    pub async fn wait_for_look(&self, name: &str, what: &str, fits: impl Fn(&Row) -> bool) -> Result<Row> {
        wait_until(what, async || {
            let looks = self.looks(name).await?;
            let found = looks.iter().find(|row| fits(row)).cloned();
            Ok(found.ok_or_else(|| format!("{:#?}", looks.last())))
        })
        .await
    }

    /// The paths of the objects that were made of a file of this name.
    pub fn objects(&self, name: &str) -> Vec<PathBuf> {
        let mut paths = stored_paths(&self.bucket());
        paths.retain(|path| path.ends_with(name));
        paths
    }

    /// How often S3 stored each part of a file of this name, by upload id and part number.
    pub fn stored_parts_of(&self, name: &str) -> HashMap<(String, String), usize> {
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

    /// Checks that one object has the file's bytes.
    ///
    /// # Errors
    /// If that is not so.
    pub fn check_object(&self, file: &SourceFile) -> Result<()> {
        let objects = self.objects(&file.name);
        ensure!(objects.len() == 1, "{objects:?}");
        ensure!(
            sha256_of(&objects[0])? == sha256_of(&file.path)?,
            "other bytes arrived"
        );
        Ok(())
    }

    /// Checks that one object has the file's bytes, and that no part of it was stored twice.
    ///
    /// # Errors
    /// If that is not so.
    pub fn check_stored(&self, file: &SourceFile) -> Result<()> {
        self.check_object(file)?;
        let parts = self.stored_parts_of(&file.name);
        ensure!(
            parts.values().all(|times| *times == 1),
            "a part was stored again: {parts:?}"
        );
        Ok(())
    }

    /// How many multipart uploads S3 keeps that were neither completed nor aborted.
    pub fn unfinished_uploads(&self) -> Result<usize> {
        let uploads = std::fs::read_dir(self.data().join(".state/uploads"))?;
        Ok(uploads.count())
    }
}
