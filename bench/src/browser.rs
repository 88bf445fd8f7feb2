//! Headless Chromium with a profile of its own, and one tab of it.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::{devtools::Devtools, process_memory};

/// How often a page is asked how far it is.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// How long a browser may take to start, to open a page, or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one tab, ended when it is dropped.
pub(crate) struct Browser {
    pub(crate) devtools: Devtools,
    /// The session of the tab.
    pub(crate) tab: String,
    child: Child,
    /// Removed after the browser.
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser to which `origins` count as secure as `https:` ones.
    ///
    /// # Errors
    /// Where it does not start.
    pub(crate) async fn start(program: &Path, origins: &[String]) -> Result<Self> {
        let profile = tempfile::tempdir()?;
        let mut command = Command::new(program);
        command
            .args([
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
                "--remote-debugging-port=0",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()));
        if !origins.is_empty() {
            command.arg(format!(
                "--unsafely-treat-insecure-origin-as-secure={}",
                origins.join(",")
            ));
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} does not start", program.display()))?;
        let url = timeout(PATIENCE, devtools_url(&mut child))
            .await
            .context("the browser does not say where its DevTools are")??;
        let devtools = Devtools::connect(&url).await?;
        let target = devtools
            .call("", "Target.createTarget", json!({ "url": "about:blank" }))
            .await?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = devtools.call("", "Target.attachToTarget", attach).await?;
        let tab = attached["sessionId"].as_str().context("a session")?.to_owned();
        let browser = Self {
            devtools,
            tab,
            child,
            _profile: profile,
        };
        for domain in ["Page", "Runtime", "Performance"] {
            browser.call(&format!("{domain}.enable"), json!({})).await?;
        }
        Ok(browser)
    }

    /// Carries out a command of the DevTools protocol in the tab.
    ///
    /// # Errors
    /// Where the browser refuses it.
    pub(crate) async fn call(&self, method: &str, parameters: Value) -> Result<Value> {
        self.devtools.call(&self.tab, method, parameters).await
    }

    /// Runs a script in every page that is opened from now on, before the page's own.
    ///
    /// # Errors
    /// Where the browser refuses it.
    pub(crate) async fn run_before_pages(&self, script: &str) -> Result<()> {
        let method = "Page.addScriptToEvaluateOnNewDocument";
        self.call(method, json!({ "source": script })).await?;
        Ok(())
    }

    /// Opens a page, and waits until an expression of it is true.
    ///
    /// # Errors
    /// Where the page cannot be opened, or the expression stays false.
    pub(crate) async fn open(&self, url: &str, is_ready: &str) -> Result<()> {
        let opened = self.call("Page.navigate", json!({ "url": url })).await?;
        if let Some(error) = opened["errorText"].as_str() {
            bail!("{url} cannot be opened: {error}");
        }
        let begun = Instant::now();
        while self.evaluate(is_ready).await? != true {
            ensure!(begun.elapsed() < PATIENCE, "{url} is not ready: {is_ready}");
            sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// The value of an expression in the page, once its promise is fulfilled where it is one.
    ///
    /// # Errors
    /// Where it throws.
    pub(crate) async fn evaluate(&self, expression: &str) -> Result<Value> {
        let parameters = json!({
            "expression": expression,
            "awaitPromise": true,
            "returnByValue": true,
            "userGesture": true,
        });
        let mut evaluated = self.call("Runtime.evaluate", parameters).await?;
        if let Some(exception) = evaluated.get("exceptionDetails") {
            bail!("the page throws: {exception}");
        }
        Ok(evaluated["result"]["value"].take())
    }

    /// Picks files in an input, as WebDriver's "Element Send Keys" does in this browser.
    ///
    /// # Errors
    /// Where there is no such input.
    pub(crate) async fn pick(&self, selector: &str, files: &[PathBuf]) -> Result<()> {
        let expression = format!("document.querySelector({})", json!(selector));
        let input = self
            .call("Runtime.evaluate", json!({ "expression": expression }))
            .await?;
        let object = input["result"]["objectId"]
            .as_str()
            .with_context(|| format!("the page has no {selector}"))?;
        let parameters = json!({ "files": files, "objectId": object });
        self.call("DOM.setFileInputFiles", parameters).await?;
        Ok(())
    }

    /// The figures that Chromium keeps of the tab (`Performance.getMetrics`), by name.
    ///
    /// # Errors
    /// Where the browser does not answer.
    pub(crate) async fn metric(&self, name: &str) -> Result<f64> {
        let answer = self.call("Performance.getMetrics", json!({})).await?;
        let metrics = answer["metrics"].as_array().context("a list of metrics")?;
        let found = metrics.iter().find(|metric| metric["name"] == name);
        found
            .and_then(|metric| metric["value"].as_f64())
            .with_context(|| format!("the browser has no metric {name}"))
    }

    /// The most memory, in bytes, that the tab's process has had resident.
    ///
    /// # Errors
    /// Where there is no such process.
    pub(crate) fn peak_memory(&self) -> Result<u64> {
        let id = self.child.id().context("the browser has ended")?;
        process_memory::peak_of_tabs(id)
    }

    /// Ends the browser and waits until it is gone.
    ///
    /// # Errors
    /// Where it does not end.
    pub(crate) async fn close(mut self) -> Result<()> {
        // The connection may be cut before the answer is there.
        self.devtools.call("", "Browser.close", json!({})).await.ok();
        if timeout(PATIENCE, self.child.wait()).await.is_err() {
            self.child.kill().await.context("the browser does not end")?;
        }
        Ok(())
    }
}

/// The address in the line by which Chromium says where its DevTools listen.
async fn devtools_url(child: &mut Child) -> Result<String> {
    let output = child.stderr.take().context("the output is not piped")?;
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some(url) = line.strip_prefix("DevTools listening on ") {
            let url = url.trim().to_owned();
            // Its later lines are read too: with a full pipe it would stand still.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(url);
        }
    }
    bail!("the browser ended before it listened")
}
