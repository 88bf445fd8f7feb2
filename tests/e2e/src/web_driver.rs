//! The program that drives a browser, which is ended when its handle is dropped.

use std::process::Stdio;

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{browser::Kind, environment};

/// A running chromedriver or geckodriver.
pub(crate) struct WebDriver {
    url: String,
    /// Killed when it is dropped.
    _child: Child,
}

impl WebDriver {
    /// Starts a driver on a port of its own choice.
    ///
    /// # Errors
    /// Where it does not start or does not say its port.
    pub(crate) async fn start(kind: Kind) -> Result<Self> {
        let (program, arguments): (_, &[&str]) = match kind {
            Kind::Chromium => (environment::chromedriver()?, &["--port=0"]),
            Kind::Firefox => (environment::geckodriver()?, &["--port=0", "--websocket-port=0"]),
        };
        let mut child = Command::new(&program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} does not start", program.display()))?;
        let output = child.stdout.take().context("the output is not piped")?;
        let mut lines = BufReader::new(output).lines();
        let port = loop {
            let line = lines
                .next_line()
                .await?
                .with_context(|| format!("{} ended without its port", program.display()))?;
            if let Some(port) = port_in(&line) {
                break port;
            }
        };
        // Its later lines are read too: with a full pipe it would stand still.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self {
            url: format!("http://127.0.0.1:{port}"),
            _child: child,
        })
    }

    /// Where it listens for WebDriver commands.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// The port in the line that says it, whichever driver wrote it.
fn port_in(line: &str) -> Option<u16> {
    let (_, port) = line
        .split_once("started successfully on port ")
        .or_else(|| line.split_once("Listening on 127.0.0.1:"))?;
    port.trim().trim_end_matches('.').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::port_in;

    #[test]
    fn the_port_is_read_from_the_line_that_says_it() {
        let chromedriver = "ChromeDriver was started successfully on port 40123.";
        assert_eq!(port_in(chromedriver), Some(40123));
        let geckodriver = "1795505183409\tgeckodriver\tINFO\tListening on 127.0.0.1:34785";
        assert_eq!(port_in(geckodriver), Some(34785));
        assert_eq!(port_in("Starting ChromeDriver 150.0 on port 0"), None);
    }
}
