//! The programs, which know where the local S3 is and nothing of this machine's own settings.

use std::{path::Path, process::Stdio};

use anyhow::{Context, Result, ensure};
use local::{OWNER_ACCESS_KEY_ID, OWNER_SECRET_ACCESS_KEY, REGION};
use s3_conformance::program;
use tokio::process::Command;

use crate::fixture::{Fixture, PART_BYTES};

/// The AWS command line.
pub(crate) async fn aws(fixture: &Fixture, arguments: &[&str]) -> Result<String> {
    let mut command = command(&program("SLIPWAY_PYTHON_S3_CLIENTS")?.join("aws"), fixture);
    run(command.args(arguments)).await
}

/// A script that uses boto3's transfer manager.
pub(crate) async fn transfer_manager(fixture: &Fixture, arguments: &[&str]) -> Result<()> {
    let mut command = command(&program("SLIPWAY_PYTHON_S3_CLIENTS")?.join("python"), fixture);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/transfer_manager.py");
    run(command.arg(script).args(arguments)).await.map(drop)
}

/// What boto3 takes for the endpoint of S3 in every region that it knows: JSON from region to URL.
pub(crate) async fn regional_endpoints() -> Result<String> {
    const SCRIPT: &str = "
import json, boto3
session = boto3.Session(aws_access_key_id='a', aws_secret_access_key='b')
regions = [region for partition in session.get_available_partitions()
           for region in session.get_available_regions('s3', partition)]
print(json.dumps({region: session.client('s3', region).meta.endpoint_url for region in regions}))";
    let mut command = Command::new(program("SLIPWAY_PYTHON_S3_CLIENTS")?.join("python"));
    run(command.env_clear().args(["-c", SCRIPT])).await
}

/// rclone with a remote `local`.
pub(crate) async fn rclone(fixture: &Fixture, arguments: &[&str]) -> Result<()> {
    let mut command = command(&program("SLIPWAY_RCLONE")?, fixture);
    let part_size = format!("{}Ki", PART_BYTES >> 10);
    command
        .env("RCLONE_CONFIG", "/dev/null")
        .env("RCLONE_CONFIG_LOCAL_TYPE", "s3")
        .env("RCLONE_CONFIG_LOCAL_PROVIDER", "Other")
        .env("RCLONE_CONFIG_LOCAL_ENDPOINT", fixture.s3())
        .env("RCLONE_CONFIG_LOCAL_REGION", REGION)
        .env("RCLONE_CONFIG_LOCAL_ACCESS_KEY_ID", OWNER_ACCESS_KEY_ID)
        .env("RCLONE_CONFIG_LOCAL_SECRET_ACCESS_KEY", OWNER_SECRET_ACCESS_KEY)
        .env("RCLONE_CONFIG_LOCAL_UPLOAD_CUTOFF", &part_size)
        .env("RCLONE_CONFIG_LOCAL_CHUNK_SIZE", &part_size)
        .env("RCLONE_CONFIG_LOCAL_NO_CHECK_BUCKET", "true");
    run(command.args(arguments)).await.map(drop)
}

/// curl; an HTTP error is an error.
pub(crate) async fn curl(arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(program("SLIPWAY_CURL")?);
    run(command
        .args(["--silent", "--show-error", "--fail"])
        .args(arguments))
    .await
}

/// The status that curl gets.
pub(crate) async fn curl_status(arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(program("SLIPWAY_CURL")?);
    let to_status = [
        "--silent",
        "--show-error",
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_code}",
    ];
    run(command.args(to_status).args(arguments)).await
}

fn command(program: &Path, fixture: &Fixture) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("HOME", fixture.home())
        .env("LANG", "C.UTF-8")
        .env("AWS_ACCESS_KEY_ID", OWNER_ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", OWNER_SECRET_ACCESS_KEY)
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_ENDPOINT_URL_S3", fixture.s3())
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

async fn run(command: &mut Command) -> Result<String> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("{name} does not run"))?;
    ensure!(
        output.status.success(),
        "{name} ended with {}:\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}
