//! A headless browser with a profile of its own.

use std::{
    fs,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    driver_command::post,
    environment::{path_of, word_of},
    process::{browser_memory, kill_browsers_of, peak_tab_memory, tab_memory},
    processor_time::processor_time_of_descendants,
    wait::{met, wait_until},
    web_driver::WebDriver,
};

/// How long a test's script may take on a busy machine.
const SCRIPT_TIMEOUT: Duration = Duration::from_secs(120);

/// Pages of the browser's own, and a process for a page that may be opened next. No test looks at them, and they take
/// half the processor time of a start.
const UNUSED_FEATURES: &str = "--disable-features=PreloadTopChromeWebUI,WebUIOmniboxPopup,WebUIOmniboxAimPopup,\
                               SpareRendererForSitePerProcess";

/// The browser's name.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Chromium,
    Firefox,
    /// In the small browser that comes with WebKitGTK.
    WebKit,
}

impl Kind {
    /// The browser that is to be driven.
    pub fn from_environment() -> Result<Self> {
        let name = word_of("SLIPWAY_BROWSER")?;
        serde_json::from_value(json!(name)).with_context(|| format!("these tests know no browser {name:?}"))
    }
}

/// A browser with one tab, driven by WebDriver.
pub struct Browser {
    kind: Kind,
    client: Client,
    console: Mutex<Console>,
    /// Removed after the browser has ended.
    profile: TempDir,
    /// Ended after the session.
    driver: WebDriver,
}

/// The console's errors, and which of them the test expects.
#[derive(Default)]
struct Console {
    errors: Vec<String>,
    expected: Vec<String>,
}

impl Browser {
    /// Starts the browser that is to be driven.
    pub async fn start() -> Result<Self> {
        Self::start_trusting(&[]).await
    }

    /// Starts it. Chromium treats these origins as secure, as it does those of `https:`.
    pub async fn start_trusting(origins: &[&str]) -> Result<Self> {
        let kind = Kind::from_environment()?;
        let profile = tempfile::tempdir()?;
        let driver = WebDriver::start(kind).await?;
        let client = connect(kind, &driver, &profile, origins).await?;
        Ok(Self {
            kind,
            client,
            console: Mutex::default(),
            profile,
            driver,
        })
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Kills the browser's process, as a crash does, and starts it again with the same profile.
    ///
    /// # Errors
    /// If the browser is WebKit, which has no profile when a driver has started it.
    pub async fn crash_and_restart(&mut self) -> Result<()> {
        let profile = self.profile.path();
        ensure!(
            kill_browsers_of(profile)? > 0,
            "the browser's process is not there"
        );
        wait_until("the killed browser to be gone", async || {
            let left = kill_browsers_of(profile)?;
            met(left == 0, left)
        })
        .await?;
        // The driver notices the crash too; a new one has nothing to do with it.
        self.driver = WebDriver::start(self.kind).await?;
        self.client = connect(self.kind, &self.driver, &self.profile, &[]).await?;
        Ok(())
    }

    /// The most memory, in bytes, that any of its tabs has had resident.
    pub fn peak_tab_memory(&self) -> Result<u64> {
        peak_tab_memory(self.driver.process()?)
    }

    /// The memory, in bytes, that the largest of its tabs has resident now.
    pub fn tab_memory(&self) -> Result<u64> {
        tab_memory(self.driver.process()?)
    }

    /// The processor time that all of its processes have used so far, on Linux.
    pub fn processor_time(&self) -> Result<Duration> {
        processor_time_of_descendants(self.driver.process()?)
    }

    /// The memory, in bytes, that the browser's own process has resident now, besides those of tabs and helpers.
    pub fn own_memory(&self) -> Result<u64> {
        browser_memory(self.profile.path())
    }

    /// The WebDriver session.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Where Chromium's current tab has its DevTools, a `ws:` URL. A program that connects to it gets the tab's
    /// events, and reaches its workers, which WebDriver does not.
    pub async fn devtools_url(&self) -> Result<String> {
        // Chromium writes its port there (`--remote-debugging-port` in its documentation).
        let port = fs::read_to_string(self.profile.path().join("DevToolsActivePort"))?;
        let port = port.lines().next().context("the browser has no DevTools")?;
        let tab = self.client.window().await?;
        Ok(format!(
            "ws://127.0.0.1:{port}/devtools/page/{}",
            String::from(tab)
        ))
    }

    /// From now on, console errors that contain `text` do not fail the test, which provokes them.
    pub fn expect_console_errors(&self, text: &str) {
        let mut console = self.console.lock().unwrap_or_else(PoisonError::into_inner);
        console.expected.push(text.to_owned());
    }

    /// Checks that the console has had no error that the test does not expect. Violations of the
    /// Content-Security-Policy are among them, and so are panics of the page. Only chromedriver reports the console.
    pub async fn check_console(&self) -> Result<()> {
        if self.kind != Kind::Chromium {
            return Ok(());
        }
        let entries = post(&self.client, "se/log", json!({ "type": "browser" })).await?;
        let entries: Vec<LogEntry> = serde_json::from_value(entries)?;
        let mut console = self.console.lock().unwrap_or_else(PoisonError::into_inner);
        let severe = entries.into_iter().filter(|entry| entry.level == "SEVERE");
        console.errors.extend(severe.map(|entry| entry.message));
        let unexpected: Vec<&String> = console
            .errors
            .iter()
            .filter(|error| !console.expected.iter().any(|text| error.contains(text.as_str())))
            .collect();
        ensure!(
            unexpected.is_empty(),
            "the browser's console has errors: {unexpected:#?}"
        );
        Ok(())
    }

    /// Ends the session, and with it the browser.
    pub async fn close(self) -> Result<()> {
        let closed = self.client.clone().close().await;
        closed.context("the browser does not close")
    }
}

impl Drop for Browser {
    /// A driver that is killed leaves its browser behind.
    fn drop(&mut self) {
        kill_browsers_of(self.profile.path()).ok();
    }
}

async fn connect(kind: Kind, driver: &WebDriver, profile: &TempDir, trusted: &[&str]) -> Result<Client> {
    let mut capabilities = match kind {
        Kind::Chromium => chromium_capabilities(profile, trusted)?,
        Kind::Firefox => json!({
            "moz:firefoxOptions": {
                "binary": path_of("SLIPWAY_FIREFOX")?,
                "args": ["-headless", "-profile", profile.path()],
            },
        }),
        Kind::WebKit => json!({
            "webkitgtk:browserOptions": {
                "binary": path_of("SLIPWAY_WEBKIT")?,
                "args": ["--automation"],
            },
        }),
    };
    capabilities["timeouts"] = json!({ "script": SCRIPT_TIMEOUT.as_millis() });
    ClientBuilder::new(HttpConnector::new())
        .capabilities(serde_json::from_value(capabilities)?)
        .connect(driver.url())
        .await
        .with_context(|| format!("{kind:?} does not start"))
}

fn chromium_capabilities(profile: &TempDir, trusted: &[&str]) -> Result<Value> {
    let mut arguments = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        UNUSED_FEATURES,
        "--window-size=1280,900",
    ]
    .map(str::to_owned)
    .to_vec();
    arguments.push(format!("--user-data-dir={}", profile.path().display()));
    if !trusted.is_empty() {
        let origins = trusted.join(",");
        arguments.push(format!("--unsafely-treat-insecure-origin-as-secure={origins}"));
    }
    Ok(json!({
        "goog:chromeOptions": { "binary": path_of("SLIPWAY_CHROMIUM")?, "args": arguments },
        "goog:loggingPrefs": { "browser": "ALL" },
    }))
}

#[derive(Deserialize)]
struct LogEntry {
    level: String,
    message: String,
}
