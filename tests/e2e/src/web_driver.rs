//! The program that drives a browser, ended when its handle is dropped.

use std::{net::Ipv4Addr, path::Path, process::Stdio};

use anyhow::{Context, Result};
use s3_conformance::Reservation;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    net::TcpStream,
    process::{Child, ChildStdout, Command},
};

use crate::{browser::Kind, environment::path_of, wait::wait_until};

/// How often a driver that finds no port is started.
const MOST_TRIES: u32 = 4;

/// A running chromedriver, geckodriver or WebKitWebDriver.
pub(crate) struct WebDriver {
    url: String,
    /// Killed when it is dropped.
    child: Child,
    /// Ended after the driver.
    _display: Option<Display>,
}

impl WebDriver {
    /// Starts a driver on a free port.
    pub(crate) async fn start(kind: Kind) -> Result<Self> {
        match kind {
            Kind::Chromium => {
                Self::start_by_port_line(&path_of("SLIPWAY_CHROMEDRIVER")?, &["--port=0"]).await
            }
            Kind::Firefox => {
                let arguments = ["--port=0", "--websocket-port=0", "--allow-system-access"];
                Self::start_by_port_line(&path_of("SLIPWAY_GECKODRIVER")?, &arguments).await
            }
            Kind::WebKit => Self::start_webkit().await,
        }
    }

    /// Starts a driver that chooses a port and prints it. Chromedriver wants the same port for IPv4 and IPv6,
    /// and ends if another program has taken one of them.
    async fn start_by_port_line(program: &Path, arguments: &[&str]) -> Result<Self> {
        let mut tries = 1;
        loop {
            match Self::try_by_port_line(program, arguments).await {
                Err(_) if tries < MOST_TRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    async fn try_by_port_line(program: &Path, arguments: &[&str]) -> Result<Self> {
        // What a browser itself prints only hides what a test says.
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = spawn(&mut command)?;
        let mut lines = lines_of(&mut child)?;
        let port = loop {
            let line = lines
                .next_line()
                .await?
                .with_context(|| format!("{} ended without its port", program.display()))?;
            if let Some(port) = port_in(&line) {
                break port;
            }
        };
        drain(lines);
        Ok(Self::at(port, child, None))
    }

    /// Starts WebKit's driver, which prints no port and whose browser needs a display.
    async fn start_webkit() -> Result<Self> {
        let display = Display::start().await?;
        let reserved = Reservation::new()?;
        let port = reserved.port()?;
        let mut command = Command::new(path_of("SLIPWAY_WEBKIT_DRIVER")?);
        let child = spawn(
            command
                .arg(format!("--port={port}"))
                .env("DISPLAY", display.name())
                .env_remove("WAYLAND_DISPLAY"),
        )?;
        wait_until("WebKit's driver to listen", async || {
            Ok(match TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
                Ok(_) => Ok(()),
                Err(error) => Err(error.to_string()),
            })
        })
        .await?;
        Ok(Self::at(port, child, Some(display)))
    }

    fn at(port: u16, child: Child, display: Option<Display>) -> Self {
        Self {
            url: format!("http://127.0.0.1:{port}"),
            child,
            _display: display,
        }
    }

    /// The driver's process id.
    pub(crate) fn process(&self) -> Result<u32> {
        self.child.id().context("the driver has ended")
    }

    /// Where it listens for WebDriver commands.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// A running Xvfb.
struct Display {
    name: String,
    /// Killed when it is dropped.
    _child: Child,
}

impl Display {
    /// Starts it with the first display number that is free.
    async fn start() -> Result<Self> {
        let mut command = Command::new(path_of("SLIPWAY_XVFB")?);
        let arguments = [
            "-displayfd",
            "1",
            "-screen",
            "0",
            "1280x900x24",
            "-nolisten",
            "tcp",
        ];
        let mut child = spawn(
            command
                .args(arguments)
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        )?;
        let mut lines = lines_of(&mut child)?;
        let number = lines
            .next_line()
            .await?
            .context("Xvfb ended without its number")?;
        drain(lines);
        Ok(Self {
            name: format!(":{number}"),
            _child: child,
        })
    }

    fn name(&self) -> &str {
        &self.name
    }
}

fn spawn(command: &mut Command) -> Result<Child> {
    let child = command.stdin(Stdio::null()).kill_on_drop(true).spawn();
    child.with_context(|| format!("{:?} does not start", command.as_std().get_program()))
}

fn lines_of(child: &mut Child) -> Result<Lines<BufReader<ChildStdout>>> {
    let output = child.stdout.take().context("the output is not piped")?;
    Ok(BufReader::new(output).lines())
}

/// Reads the later lines too: with a full pipe the program would stop.
fn drain(mut lines: Lines<BufReader<ChildStdout>>) {
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
}

/// The port in the line that has it, whichever driver printed it.
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
    fn the_port_is_read_from_the_line_that_has_it() {
        let chromedriver = "ChromeDriver was started successfully on port 40123.";
        assert_eq!(port_in(chromedriver), Some(40123));
        let geckodriver = "1795505183409\tgeckodriver\tINFO\tListening on 127.0.0.1:34785";
        assert_eq!(port_in(geckodriver), Some(34785));
        assert_eq!(port_in("Starting ChromeDriver 150.0 on port 0"), None);
    }
}
