//! How much memory a browser's tab has needed.

use std::{collections::HashSet, fs, path::Path};

use anyhow::{Context, Result};

use crate::{browser::Browser, process};

impl Browser {
    /// The most memory, in bytes, that any of its tabs has had resident (`VmHWM`, proc_pid_status(5)).
    ///
    /// # Errors
    /// Where there is no tab, or `/proc` does not say.
    pub fn peak_tab_memory(&self) -> Result<u64> {
        largest_tab(self.driver_process()?, "VmHWM:")
    }

    /// The memory, in bytes, that the largest of its tabs has resident now (`VmRSS`).
    ///
    /// # Errors
    /// As [`Browser::peak_tab_memory`].
    pub fn tab_memory(&self) -> Result<u64> {
        largest_tab(self.driver_process()?, "VmRSS:")
    }
}

/// Of the tabs that a process or its descendants have started.
fn largest_tab(ancestor: u32, field: &str) -> Result<u64> {
    let mut descendants = HashSet::from([ancestor]);
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

/// Whether a process is a tab's, whichever browser it is of. Firefox writes all arguments into one.
fn is_tab(process: u32) -> bool {
    let line = process::command_line(process);
    let line = line.trim_end_matches('\0');
    let program = line.split('\0').next().unwrap_or_default();
    let last = line.rsplit(['\0', ' ']).next().unwrap_or_default();
    let chromium = line.contains("--type=renderer");
    let firefox = line.contains("-contentproc") && last == "tab";
    let webkit = program.ends_with("/WebKitWebProcess");
    chromium || firefox || webkit
}

fn status(folder: &Path, field: &str) -> Option<u64> {
    let status = fs::read_to_string(folder.join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}
