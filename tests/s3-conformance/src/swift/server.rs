//! One of Swift's servers in a process of its own.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, bail};
use tokio::{
    net::TcpStream,
    process::{Child, ChildStdin, Command},
};

use super::configuration::Kind;
use crate::environment;

/// Runs a server for as long as its standard input lasts.
const SCRIPT: &str = include_str!("server.py");

/// A running server, killed when it is dropped.
pub(super) struct Server {
    kind: Kind,
    port: u16,
    log: PathBuf,
    child: Child,
    /// Closed with this process, which ends the server.
    _input: ChildStdin,
}

impl Server {
    /// Starts a server with this configuration file, beside which it logs.
    pub(super) fn start(kind: Kind, configuration: &Path, port: u16) -> Result<Self> {
        let server = program(&format!("swift-{}-server", kind.name()))?;
        let log = configuration.with_extension("log");
        let file = File::create(&log).with_context(|| format!("{} cannot be made", log.display()))?;
        let mut child = Command::new(program("python")?)
            .args(["-c", SCRIPT])
            .arg(&server)
            .arg(configuration)
            .arg("--verbose")
            // The filter that is written beside the configuration.
            .env("PYTHONPATH", configuration.parent().unwrap_or(Path::new(".")))
            .stdin(Stdio::piped())
            .stdout(file.try_clone()?)
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} does not start", server.display()))?;
        let input = child.stdin.take().context("the input is not piped")?;
        Ok(Self {
            kind,
            port,
            log,
            child,
            _input: input,
        })
    }

    /// Whether somebody listens on its port.
    pub(super) async fn accepts_connections(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).await.is_ok()
    }

    /// Fails if the server has ended by itself.
    pub(super) fn check_running(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended with {status}", self.describe()),
        }
    }

    /// Kills it and waits until it is gone.
    pub(super) async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.context("a server cannot be killed")
    }

    /// What it has logged.
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
pub(super) fn program(name: &str) -> Result<PathBuf> {
    let folder = environment::program("SLIPWAY_SWIFT")?;
    Ok(folder.join(name))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        io::{AsyncBufReadExt, BufReader},
        time::timeout,
    };

    use super::*;

    /// A program that leaves its process group and reads no input, as Swift's servers do.
    const ENDLESS: &str = "import os, time; os.setsid(); print('ready', flush=True); time.sleep(3600)";

    #[tokio::test]
    async fn a_server_ends_when_whoever_started_it_is_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let endless = folder.path().join("endless.py");
        fs::write(&endless, ENDLESS).expect("a file");
        let mut child = Command::new("python3")
            .args(["-c", SCRIPT])
            .arg(&endless)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("Python starts");
        let output = child.stdout.take().expect("the output is piped");
        let ready = BufReader::new(output).lines().next_line().await;
        assert_eq!(ready.expect("a line").as_deref(), Some("ready"));
        drop(child.stdin.take());
        let ended = timeout(Duration::from_secs(60), child.wait()).await;
        assert!(ended.expect("it ends").expect("a status").success());
    }
}
