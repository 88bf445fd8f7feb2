//! The rings, which say which device keeps what (Swift documentation, "The Rings").

use std::{path::Path, process::Stdio};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::{
    configuration::{DEVICE, Kind, Layout},
    server::program,
};

/// The partitions of a ring, as a power of two. Few suffice for three devices.
const PARTITION_POWER: &str = "4";

/// Hours that a partition stays where it is; no ring is rebuilt here.
const MINIMUM_HOURS: &str = "1";

/// Writes the file of a ring of servers on these ports, each of which keeps a replica on its one device.
///
/// # Errors
/// Where swift-ring-builder fails; the error shows what it wrote.
pub(super) async fn build_ring(layout: &Layout, kind: Kind, ports: &[u16]) -> Result<()> {
    let builder = layout.folder().join(format!("{}.builder", kind.name()));
    let mut devices = vec!["add".to_owned()];
    for (zone, port) in (1..).zip(ports) {
        devices.extend([format!("r1z{zone}-127.0.0.1:{port}/{DEVICE}"), "1".to_owned()]);
    }
    let replicas = ports.len().to_string();
    let devices: Vec<&str> = devices.iter().map(String::as_str).collect();
    run(&builder, &["create", PARTITION_POWER, &replicas, MINIMUM_HOURS]).await?;
    run(&builder, &devices).await?;
    run(&builder, &["rebalance"]).await
}

async fn run(builder: &Path, arguments: &[&str]) -> Result<()> {
    let output = Command::new(program("ring-builder")?)
        .arg(builder)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .context("swift-ring-builder does not run")?;
    ensure!(
        output.status.success(),
        "swift-ring-builder {arguments:?} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
