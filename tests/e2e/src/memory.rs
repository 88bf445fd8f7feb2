//! How much memory the tab has needed.

use std::{collections::HashSet, fs, path::Path};

use anyhow::{Context, Result};

use crate::process;

/// The most memory, in bytes, that any tab started by this process has had resident
/// (`VmHWM`, proc_pid_status(5)).
///
/// # Errors
/// Where there is no tab, or `/proc` does not say.
pub fn peak_tab_memory() -> Result<u64> {
    largest_tab("VmHWM:")
}

/// The memory, in bytes, that the largest tab started by this process has resident now (`VmRSS`).
///
/// # Errors
/// As [`peak_tab_memory`].
pub fn tab_memory() -> Result<u64> {
    largest_tab("VmRSS:")
}

fn largest_tab(field: &str) -> Result<u64> {
    let mut descendants = HashSet::from([std::process::id()]);
    let processes = processes()?;
    // A child may be listed before its parent.
    while let Some((child, _)) = processes
        .iter()
        .find(|(process, parent)| descendants.contains(parent) && !descendants.contains(process))
    {
        descendants.insert(*child);
    }
    descendants
        .into_iter()
        .filter(|process| is_tab(*process))
        .filter_map(|process| status(&process::folder(process), field))
        .max()
        .map(|kibibytes| kibibytes * 1024)
        .context("no tab is there")
}

/// Every process with its parent.
fn processes() -> Result<Vec<(u32, u32)>> {
    let with_parent = |process| {
        // A process may end while it is looked at.
        let parent = status(&process::folder(process), "PPid:")?;
        Some((process, u32::try_from(parent).ok()?))
    };
    let processes = process::processes()?.into_iter();
    Ok(processes.filter_map(with_parent).collect())
}

fn is_tab(process: u32) -> bool {
    process::command_line(process).contains("--type=renderer")
}

fn status(folder: &Path, field: &str) -> Option<u64> {
    let status = fs::read_to_string(folder.join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}
