//! A page in Chromium that is being measured. The DevTools protocol has what WebDriver lacks: events, and the page's
//! workers; and its questions cost the page little.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use e2e::{Browser, metric};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::sleep};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

/// How often a page is asked whether it is ready.
const POLL_INTERVAL: Duration = Duration::from_millis(25);

/// How long a page may take to get ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one tab.
pub(crate) struct Tab {
    browser: Browser,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last_id: u64,
    /// Events that arrived while an answer was awaited.
    events: VecDeque<Value>,
}

impl Tab {
    /// Starts a browser that treats these origins as secure, as it does those of `https:`.
    pub(crate) async fn start(origins: &[&str]) -> Result<Self> {
        let browser = Browser::start_trusting(origins).await?;
        // A list of 10,000 paths, or a profile, is a large message.
        let configuration = WebSocketConfig::default()
            .max_message_size(None)
            .max_frame_size(None);
        let url = browser.devtools_url().await?;
        let (socket, _) = connect_async_with_config(url, Some(configuration), true)
            .await
            .context("the browser's DevTools cannot be reached")?;
        let mut tab = Self {
            browser,
            socket,
            last_id: 0,
            events: VecDeque::new(),
        };
        for domain in ["Page", "Runtime", "Performance"] {
            tab.call(&format!("{domain}.enable"), json!({})).await?;
        }
        Ok(tab)
    }

    /// Runs a command in the tab.
    pub(crate) async fn call(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.call_in(None, method, parameters).await
    }

    /// Runs a command in the session of a worker, or in the tab.
    pub(crate) async fn call_in(
        &mut self,
        session: Option<&str>,
        method: &str,
        parameters: Value,
    ) -> Result<Value> {
        self.last_id += 1;
        let mut command = json!({ "id": self.last_id, "method": method, "params": parameters });
        if let Some(session) = session {
            command["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(command.to_string())).await?;
        loop {
            let mut message = self.receive().await.context(method.to_owned())?;
            if message["id"] != self.last_id {
                self.events.push_back(message);
            } else if let Some(error) = message.get("error") {
                bail!("the browser refuses {method}: {error}");
            } else {
                return Ok(message["result"].take());
            }
        }
    }

    /// Waits for the next event: an object with `method`, `params` and, if it is about a worker, `sessionId`.
    pub(crate) async fn next_event(&mut self) -> Result<Value> {
        match self.events.pop_front() {
            Some(event) => Ok(event),
            None => self.receive().await,
        }
    }

    /// The next event that has arrived already.
    pub(crate) fn queued_event(&mut self) -> Option<Value> {
        self.events.pop_front()
    }

    async fn receive(&mut self) -> Result<Value> {
        loop {
            let message = self.socket.next().await.context("the browser is gone")??;
            if let Message::Text(text) = message {
                return Ok(serde_json::from_str(&text)?);
            }
        }
    }

    /// Runs a script in every page that is opened from now on, before the page's own scripts.
    pub(crate) async fn run_before_pages(&mut self, script: &str) -> Result<()> {
        let method = "Page.addScriptToEvaluateOnNewDocument";
        self.call(method, json!({ "source": script })).await?;
        Ok(())
    }

    /// Opens a page and does not wait for it.
    pub(crate) async fn navigate(&mut self, url: &str) -> Result<()> {
        let opened = self.call("Page.navigate", json!({ "url": url })).await?;
        if let Some(error) = opened["errorText"].as_str() {
            bail!("{url} cannot be opened: {error}");
        }
        Ok(())
    }

    /// Opens a page and waits until an expression in it is true.
    pub(crate) async fn open(&mut self, url: &str, is_ready: &str) -> Result<()> {
        self.navigate(url).await?;
        self.wait_for(async |tab| Ok((tab.evaluate(is_ready).await? == true).then_some(())))
            .await
            .context(is_ready.to_owned())
    }

    /// Waits until `look` returns a value.
    pub(crate) async fn wait_for<T>(
        &mut self,
        mut look: impl AsyncFnMut(&mut Self) -> Result<Option<T>>,
    ) -> Result<T> {
        let start = Instant::now();
        loop {
            if let Some(value) = look(self).await? {
                return Ok(value);
            }
            ensure!(start.elapsed() < PATIENCE, "the page is not ready");
            sleep(POLL_INTERVAL).await;
        }
    }

    /// The value of an expression in the page, or of its promise.
    pub(crate) async fn evaluate(&mut self, expression: &str) -> Result<Value> {
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

    /// Picks files in an input.
    pub(crate) async fn pick(&mut self, selector: &str, files: &[PathBuf]) -> Result<()> {
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

    /// Drops a file or a folder on an element, as from a file manager.
    pub(crate) async fn drop_path(&mut self, selector: &str, path: &Path) -> Result<()> {
        let middle = format!(
            "(() => {{
                const element = document.querySelector({});
                element.scrollIntoView();
                const {{ x, y, width, height }} = element.getBoundingClientRect();
                return {{ x: x + width / 2, y: y + height / 2 }};
            }})()",
            json!(selector)
        );
        let middle = self.evaluate(&middle).await?;
        let data = json!({ "items": [], "files": [path], "dragOperationsMask": 1 });
        for kind in ["dragEnter", "dragOver", "drop"] {
            let event = json!({ "type": kind, "x": middle["x"], "y": middle["y"], "data": data });
            self.call("Input.dispatchDragEvent", event).await?;
        }
        Ok(())
    }

    /// One of the figures that Chromium keeps about the tab.
    pub(crate) async fn metric(&mut self, name: &str) -> Result<f64> {
        metric(&self.call("Performance.getMetrics", json!({})).await?, name)
    }

    /// The most memory, in bytes, that the tab's process has had resident.
    pub(crate) fn peak_memory(&self) -> Result<u64> {
        self.browser.peak_tab_memory()
    }

    /// The processor time that all processes of the browser have used so far.
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        self.browser.processor_time()
    }

    /// The memory, in bytes, that the tab's process and the browser's have resident now.
    pub(crate) fn memory(&self) -> Result<(u64, u64)> {
        Ok((self.browser.tab_memory()?, self.browser.own_memory()?))
    }

    pub(crate) async fn close(self) -> Result<()> {
        self.browser.close().await
    }
}
