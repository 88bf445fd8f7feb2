//! A headless browser with a profile of its own.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use fantoccini::{Client, ClientBuilder, wd::WebDriverCompatibleCommand};
use hyper_util::client::legacy::connect::HttpConnector;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::{ParseError, Url};

use crate::{environment, process, web_driver::WebDriver};

/// How long a test's script may take on a busy machine.
const SCRIPT_TIMEOUT: Duration = Duration::from_secs(120);

/// Which browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Chromium.
    Chromium,
    /// Firefox.
    Firefox,
    /// WebKit, in the small browser that comes with WebKitGTK.
    WebKit,
}

impl Kind {
    /// The browser of this name.
    ///
    /// # Errors
    /// Where there is none.
    pub(crate) fn named(name: &str) -> Result<Self> {
        let all = [Self::Chromium, Self::Firefox, Self::WebKit];
        let found = all.into_iter().find(|kind| kind.name() == name);
        found.with_context(|| format!("{name:?} is no browser of these tests"))
    }

    /// What it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
            Self::WebKit => "webkit",
        }
    }
}

/// A browser with one tab, driven by WebDriver.
pub struct Browser {
    kind: Kind,
    client: Client,
    console: Mutex<Console>,
    /// Removed after the browser.
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
    /// Starts the browser that the tests are to drive.
    ///
    /// # Errors
    /// Where its driver or itself does not start.
    pub async fn start() -> Result<Self> {
        let kind = environment::browser()?;
        let profile = tempfile::tempdir()?;
        let driver = WebDriver::start(kind).await?;
        let client = connect(kind, &driver, &profile).await?;
        Ok(Self {
            kind,
            client,
            console: Mutex::default(),
            profile,
            driver,
        })
    }

    /// Which browser it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Kills the browser's process, as a crash does, and starts it again on the same profile.
    ///
    /// # Errors
    /// Where the process is not found, as that of WebKit, which has no profile when a driver has started it;
    /// or the browser does not start again.
    pub async fn crash_and_restart(&mut self) -> Result<()> {
        let profile = self.profile.path().display().to_string();
        let is_browser = |process: &u32| {
            let line = process::command_line(*process);
            let is_helper = line.contains("--type=") || line.contains("-contentproc");
            line.contains(&profile) && !is_helper
        };
        let browsers: Vec<u32> = process::processes()?.into_iter().filter(is_browser).collect();
        ensure!(!browsers.is_empty(), "the browser's process is not there");
        for browser in browsers {
            process::kill_at_once(browser).await?;
        }
        // The driver notices the crash too; a new one has nothing to do with it.
        self.driver = WebDriver::start(self.kind).await?;
        self.client = connect(self.kind, &self.driver, &self.profile).await?;
        Ok(())
    }

    /// The driver's process, which has started the browser.
    pub(crate) fn driver_process(&self) -> Result<u32> {
        self.driver.process()
    }

    /// The WebDriver session.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Tells that the test provokes console errors that contain `text`.
    pub fn expect_console_errors(&self, text: &str) {
        let mut console = self.console.lock().unwrap_or_else(PoisonError::into_inner);
        console.expected.push(text.to_owned());
    }

    /// Checks that the console has had no error that the test does not expect. Violations of the
    /// Content-Security-Policy are among them, and so are panics of the page.
    ///
    /// # Errors
    /// Where there was one; the error quotes it.
    pub async fn check_console(&self) -> Result<()> {
        if self.kind != Kind::Chromium {
            // Only chromedriver tells what the console had.
            return Ok(());
        }
        let entries = self.client.issue_cmd(ConsoleLog).await?;
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
    ///
    /// # Errors
    /// Where chromedriver does not answer.
    pub async fn close(self) -> Result<()> {
        self.client.close().await.context("the browser does not close")
    }
}

async fn connect(kind: Kind, driver: &WebDriver, profile: &TempDir) -> Result<Client> {
    let mut capabilities = match kind {
        Kind::Chromium => chromium_capabilities(profile)?,
        Kind::Firefox => firefox_capabilities(profile)?,
        Kind::WebKit => webkit_capabilities()?,
    };
    capabilities["timeouts"] = json!({ "script": SCRIPT_TIMEOUT.as_millis() });
    ClientBuilder::new(HttpConnector::new())
        .capabilities(serde_json::from_value(capabilities)?)
        .connect(driver.url())
        .await
        .with_context(|| format!("{kind:?} does not start"))
}

fn chromium_capabilities(profile: &TempDir) -> Result<Value> {
    Ok(json!({
        "goog:chromeOptions": {
            "binary": environment::chromium()?,
            "args": [
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--window-size=1280,900",
                format!("--user-data-dir={}", profile.path().display()),
            ],
        },
        "goog:loggingPrefs": { "browser": "ALL" },
    }))
}

fn firefox_capabilities(profile: &TempDir) -> Result<Value> {
    Ok(json!({
        "moz:firefoxOptions": {
            "binary": environment::firefox()?,
            "args": ["-headless", "-profile", profile.path()],
        },
    }))
}

fn webkit_capabilities() -> Result<Value> {
    Ok(json!({
        "webkitgtk:browserOptions": {
            "binary": environment::webkit()?,
            "args": ["--automation"],
        },
    }))
}

/// Chromium's console since the last call: `POST /session/{id}/se/log`, as Selenium has it.
#[derive(Debug)]
struct ConsoleLog;

#[derive(Deserialize)]
struct LogEntry {
    level: String,
    message: String,
}

impl WebDriverCompatibleCommand for ConsoleLog {
    fn endpoint(&self, base_url: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base_url.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        let body: Value = json!({ "type": "browser" });
        (http::Method::POST, Some(body.to_string()))
    }
}
