//! The memory of a browser's processes, as Linux tells it (`proc_pid_status(5)`).

use std::fs;

use anyhow::{Context as _, Result};

/// The most memory, in bytes, that any tab of a browser has had resident (`VmHWM`).
///
/// # Errors
/// Where it has no tab.
pub(crate) fn peak_of_tabs(browser: u32) -> Result<u64> {
    let mut family = vec![browser];
    let processes = processes()?;
    // A child may be listed before its parent.
    while let Some((child, _)) = processes
        .iter()
        .find(|(child, parent)| family.contains(parent) && !family.contains(child))
    {
        family.push(*child);
    }
    family
        .into_iter()
        .filter(|process| is_tab(*process))
        .filter_map(|process| field(&status(process)?, "VmHWM:"))
        .max()
        .map(|kibibytes| kibibytes * 1024)
        .context("the browser has no tab")
}

/// Every process with its parent.
fn processes() -> Result<Vec<(u32, u32)>> {
    let entries = fs::read_dir("/proc").context("/proc cannot be read")?;
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let with_parent = |process| {
        // A process may end while it is looked at.
        let parent = field(&status(process)?, "PPid:")?;
        Some((process, u32::try_from(parent).ok()?))
    };
    Ok(ids.filter_map(with_parent).collect())
}

fn is_tab(process: u32) -> bool {
    let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).contains("--type=renderer")
}

fn status(process: u32) -> Option<String> {
    fs::read_to_string(format!("/proc/{process}/status")).ok()
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn a_field_is_read_without_its_unit() {
        let status = "Name:\tchromium\nPPid:\t17\nVmPeak:\t 9000 kB\nVmHWM:\t  4096 kB\n";
        assert_eq!(field(status, "VmHWM:"), Some(4096));
        assert_eq!(field(status, "PPid:"), Some(17));
        assert_eq!(field(status, "VmSwap:"), None);
    }
}
