//! What a process has used, as Linux tells it (`proc_pid_stat(5)`, `proc_pid_status(5)`).

use std::{fs, time::Duration};

use anyhow::{Context as _, Result};

/// Linux counts a process's time in hundredths of a second, whatever the processor (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// The time that a process's threads have had on processors, its kernel's part included.
///
/// # Errors
/// Where the process is gone.
pub(crate) fn cpu_time(process_id: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process_id}/stat")).context("the process is gone")?;
    parse_cpu_time(&stat).context("the statistics of the process cannot be read")
}

fn parse_cpu_time(stat: &str) -> Option<Duration> {
    // The second field is the program's name, which can hold spaces and ends with the last bracket.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(TICK * (user + system))
}

/// The most memory that a process has had at once, in bytes.
///
/// # Errors
/// Where the process is gone.
pub(crate) fn peak_memory_bytes(process_id: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process_id}/status")).context("the process is gone")?;
    parse_peak_memory(&status).context("the status of the process cannot be read")
}

fn parse_peak_memory(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_user_and_kernel_is_added() {
        let stat = "42 (a ) b) S 1 42 42 0 -1 4194304 100 0 0 0 150 25 0 0 20 0 1 0 1 1 1";
        assert_eq!(parse_cpu_time(stat), Some(Duration::from_millis(1750)));
    }

    #[test]
    fn the_peak_is_of_the_resident_memory() {
        let status = "Name:\tbackend\nVmPeak:\t  9000 kB\nVmHWM:\t    4096 kB\nVmRSS:\t  4000 kB\n";
        assert_eq!(parse_peak_memory(status), Some(4096 * 1024));
    }

    #[test]
    fn this_process_has_used_something() {
        assert!(cpu_time(std::process::id()).is_ok());
        assert!(peak_memory_bytes(std::process::id()).expect("a peak") > 0);
    }
}
