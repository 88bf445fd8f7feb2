//! chromedriver, which is ended when its handle is dropped.

use std::process::Stdio;

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::environment;

/// A running chromedriver.
pub struct Chromedriver {
    url: String,
    /// Killed when it is dropped.
    _child: Child,
}

impl Chromedriver {
    /// Starts chromedriver on a port of its own choice.
    ///
    /// # Errors
    /// Where it does not start or does not say its port.
    pub async fn start() -> Result<Self> {
        let program = environment::chromedriver()?;
        let mut child = Command::new(&program)
            .arg("--port=0")
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
                .context("chromedriver ended without its port")?;
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

/// The port in `ChromeDriver was started successfully on port 40123.`
fn port_in(line: &str) -> Option<u16> {
    let (_, port) = line.split_once("started successfully on port ")?;
    port.trim().trim_end_matches('.').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::port_in;

    #[test]
    fn the_port_is_read_from_the_line_that_says_it() {
        let line = "ChromeDriver was started successfully on port 40123.";
        assert_eq!(port_in(line), Some(40123));
        assert_eq!(port_in("Starting ChromeDriver 150.0 on port 0"), None);
    }
}
