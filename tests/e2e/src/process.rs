//! The browser's processes.

use std::{fs, iter, path::Path};

use anyhow::{Context, Result};
use sysinfo::{Pid, Process, ProcessRefreshKind, RefreshKind, System, UpdateKind};

/// The most memory, in bytes, that any tab among the descendants of a process has had resident.
pub(crate) fn peak_tab_memory(ancestor: u32) -> Result<u64> {
    let system = processes()?;
    let peaks = tabs(&system, ancestor).map(|tab| peak_memory(tab.pid().as_u32()).ok());
    peaks.max().flatten().context("the browser has no tab")
}

/// The memory, in bytes, that the largest tab among the descendants of a process has resident now.
pub(crate) fn tab_memory(ancestor: u32) -> Result<u64> {
    let system = processes()?;
    let sizes = tabs(&system, ancestor).map(Process::memory);
    sizes.max().context("the browser has no tab")
}

fn tabs<'a>(system: &'a System, ancestor: u32) -> impl Iterator<Item = &'a Process> {
    let parent = |child: &&'a Process| system.process(child.parent()?);
    let is_descendant = move |process: &&'a Process| {
        let mut ancestors = iter::successors(Some(*process), parent);
        ancestors.any(|process| process.pid() == Pid::from_u32(ancestor))
    };
    let processes = system.processes().values().filter(is_descendant);
    processes.filter(|process| is_tab(&command_line(process)))
}

/// The most memory, in bytes, that a process has had resident (`VmHWM`, proc_pid_status(5)), on Linux.
pub fn peak_memory(process_id: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process_id}/status")).context("the process is gone")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
    Ok(kibibytes.context("the process has no memory")?.parse::<u64>()? * 1024)
}

fn processes() -> Result<System> {
    let what = ProcessRefreshKind::nothing()
        .with_memory()
        .with_cmd(UpdateKind::Always)
        .without_tasks();
    Ok(System::new_with_specifics(
        RefreshKind::nothing().with_processes(what),
    )?)
}

/// The arguments of a process; empty if it has ended.
fn command_line(process: &Process) -> String {
    let arguments: Vec<_> = process
        .cmd()
        .iter()
        .map(|argument| argument.to_string_lossy())
        .collect();
    arguments.join(" ")
}

/// Whether a process is a tab's, whichever browser it belongs to.
fn is_tab(command_line: &str) -> bool {
    let program = command_line.split(' ').next().unwrap_or_default();
    command_line.contains("--type=renderer")
        || (command_line.contains("-contentproc") && command_line.ends_with(" tab"))
        || program.ends_with("/WebKitWebProcess")
}

/// Kills the browsers that use a profile (SIGKILL), so that they have no time to do anything more, as in a crash.
/// Their helpers notice. Returns how many there were.
pub(crate) fn kill_browsers_of(profile: &Path) -> Result<usize> {
    let system = processes()?;
    let browsers = browsers_of(&system, profile);
    Ok(browsers.filter(|browser| browser.kill()).count())
}

/// The memory, in bytes, that the browser of a profile has resident now in its own process.
pub(crate) fn browser_memory(profile: &Path) -> Result<u64> {
    let system = processes()?;
    let sizes = browsers_of(&system, profile).map(Process::memory);
    sizes.max().context("the browser's process is not there")
}

fn browsers_of<'a>(system: &'a System, profile: &Path) -> impl Iterator<Item = &'a Process> + use<'a> {
    let profile = profile.to_string_lossy().into_owned();
    system.processes().values().filter(move |process| {
        let line = command_line(process);
        let is_helper = line.contains("--type=") || line.contains("-contentproc");
        line.contains(&profile) && !is_helper
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tabs_are_found_among_the_processes_of_each_browser() {
        for (command_line, expected) in [
            ("/usr/lib/chromium/chromium --type=renderer --lang=en", true),
            ("/usr/lib/chromium/chromium --type=gpu-process", false),
            ("/usr/lib/firefox-esr/firefox-esr -contentproc 2 tab", true),
            ("/usr/lib/firefox-esr/firefox-esr -contentproc 3 rdd", false),
            ("/usr/lib/webkit2gtk-4.1/WebKitWebProcess 7", true),
            ("/usr/lib/webkit2gtk-4.1/WebKitNetworkProcess 7", false),
        ] {
            assert_eq!(is_tab(command_line), expected, "{command_line}");
        }
    }

    #[test]
    fn this_process_has_a_peak_of_memory_and_a_command_line() {
        let id = std::process::id();
        assert!(peak_memory(id).expect("a peak") > 0);
        let system = processes().expect("the processes");
        let own = system.process(Pid::from_u32(id)).expect("this process");
        assert!(!command_line(own).is_empty());
    }
}
