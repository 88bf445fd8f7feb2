//! A headless Chromium with a profile of its own.

use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use fantoccini::{Client, ClientBuilder, wd::WebDriverCompatibleCommand};
use hyper_util::client::legacy::connect::HttpConnector;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::{ParseError, Url};

use crate::{chromedriver::Chromedriver, environment};

/// A browser with one tab, driven by WebDriver.
pub struct Browser {
    client: Client,
    console: Mutex<Console>,
    /// Removed after the browser.
    _profile: TempDir,
    /// Ended after the session.
    _chromedriver: Chromedriver,
}

/// The console's errors, and which of them the test expects.
#[derive(Default)]
struct Console {
    errors: Vec<String>,
    expected: Vec<String>,
}

impl Browser {
    /// Starts a browser.
    ///
    /// # Errors
    /// Where chromedriver or Chromium does not start.
    pub async fn start() -> Result<Self> {
        let chromedriver = Chromedriver::start().await?;
        let profile = tempfile::tempdir()?;
        let chromium = environment::chromium()?;
        let capabilities = json!({
            "goog:chromeOptions": {
                "binary": chromium,
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
        });
        let capabilities = serde_json::from_value(capabilities)?;
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(chromedriver.url())
            .await
            .context("Chromium does not start")?;
        Ok(Self {
            client,
            console: Mutex::default(),
            _profile: profile,
            _chromedriver: chromedriver,
        })
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
