//! The processes of this machine, as `/proc` tells of them (proc(5)).

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::wait::wait_until;

/// Every process.
///
/// # Errors
/// Where `/proc` cannot be read.
pub(crate) fn processes() -> Result<Vec<u32>> {
    let entries = fs::read_dir("/proc").context("/proc cannot be read")?;
    let name = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    Ok(entries.filter_map(Result::ok).filter_map(name).collect())
}

/// The command line of a process, its arguments separated by zero bytes; empty where it has ended.
pub(crate) fn command_line(process: u32) -> String {
    fs::read(folder(process).join("cmdline"))
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .unwrap_or_default()
}

/// The folder of a process below `/proc`.
pub(crate) fn folder(process: u32) -> PathBuf {
    PathBuf::from("/proc").join(process.to_string())
}

/// Kills a process so that it has no time to do anything more (SIGKILL), and waits until it is gone.
///
/// # Errors
/// Where it cannot be killed.
pub(crate) async fn kill_at_once(process: u32) -> Result<()> {
    let pid = Pid::from_raw(i32::try_from(process)?);
    kill(pid, Signal::SIGKILL).context("the process cannot be killed")?;
    wait_until("a killed process to be gone", async || {
        let is_gone = kill(pid, None) == Err(Errno::ESRCH) || command_line(process).is_empty();
        Ok(if is_gone {
            Ok(())
        } else {
            Err("it is there".to_owned())
        })
    })
    .await
}
