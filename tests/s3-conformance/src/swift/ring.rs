//! The rings, which say which device keeps what (Swift documentation, "The Rings").

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::{
    configuration::{Kind, Layout},
    server::program,
};

/// Writes the files of all rings in one run of Python, whose start takes longest.
const SCRIPT: &str = include_str!("rings.py");

/// Writes the rings' files. The servers of a kind, by their ports, each keep a replica on their one device.
pub(super) async fn build_rings(layout: &Layout, rings: &[(Kind, &[u16])]) -> Result<()> {
    let mut command = Command::new(program("python")?);
    command.args(["-c", SCRIPT]).arg(layout.folder());
    for (kind, ports) in rings {
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        command.args([kind.name(), &ports.join(",")]);
    }
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .context("Python does not run")?;
    ensure!(
        output.status.success(),
        "Swift's rings are not built:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
