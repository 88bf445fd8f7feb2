//! One of Swift's servers in a process of its own.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, bail};
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};

use super::configuration::Kind;
use crate::environment;

/// A running server, killed when it is dropped.
pub(super) struct Server {
    kind: Kind,
    port: u16,
    log: PathBuf,
    child: Child,
}

impl Server {
    /// Starts a server with this configuration file, beside which it logs.
    ///
    /// # Errors
    /// Where the program is not there.
    pub(super) fn start(kind: Kind, configuration: &Path, port: u16) -> Result<Self> {
        let program = program(&format!("swift-{}-server", kind.name()))?;
        let log = configuration.with_extension("log");
        let file = File::create(&log).with_context(|| format!("{} cannot be made", log.display()))?;
        let child = Command::new(&program)
            .arg(configuration)
            .arg("--verbose")
            // The filter that is written beside the configuration.
            .env("PYTHONPATH", configuration.parent().unwrap_or(Path::new(".")))
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} does not start", program.display()))?;
        Ok(Self {
            kind,
            port,
            log,
            child,
        })
    }

    /// Whether somebody listens on its port.
    pub(super) async fn accepts_connections(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).await.is_ok()
    }

    /// # Errors
    /// Where it has ended by itself.
    pub(super) fn check_running(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended with {status}", self.describe()),
        }
    }

    /// Kills it and waits until it is gone.
    ///
    /// # Errors
    /// Where it cannot be killed.
    pub(super) async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.context("a server cannot be killed")
    }

    /// What it has logged.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub(super) fn log(&self) -> Result<String> {
        fs::read_to_string(&self.log).with_context(|| format!("{} cannot be read", self.log.display()))
    }

    /// Its name and what it has logged.
    pub(super) fn describe(&self) -> String {
        let log = self.log().unwrap_or_default();
        format!("Swift's {} server, whose log is:\n{log}\n", self.kind.name())
    }
}

/// One of the programs of the environment that Swift is installed in.
///
/// # Errors
/// Where `cargo xtask` has not said where they are.
pub(super) fn program(name: &str) -> Result<PathBuf> {
    let folder = environment::program("SLIPWAY_SWIFT")?;
    Ok(folder.join(name))
}
