//! The processor time of a browser's processes, on Linux.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

/// The unit of times in `/proc`, per second: USER_HZ, which is 100 on every processor that browsers run on (time(7)).
const TICKS_PER_SECOND: u64 = 100;

/// What `/proc` says of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times {
    parent: u32,
    /// Ticks in user and kernel mode of its threads, and of its children that have ended.
    ticks: u64,
}

/// The processor time of all descendants of a process so far, with those that have ended.
///
/// # Errors
/// If it has no descendants.
pub(crate) fn processor_time_of_descendants(ancestor: u32) -> Result<Duration> {
    let processes = processes()?;
    let descendants = descendants(&processes, ancestor);
    ensure!(!descendants.is_empty(), "the browser is gone");
    let ticks: u64 = descendants.iter().map(|id| processes[id].ticks).sum();
    Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

fn processes() -> Result<HashMap<u32, Times>> {
    let mut processes = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // A process may end while this is read. Its time is then its parent's.
        if let Ok(line) = fs::read_to_string(format!("/proc/{id}/stat")) {
            processes.insert(
                id,
                read_times(&line).context("a line of /proc is not understood")?,
            );
        }
    }
    Ok(processes)
}

/// Reads the line of a process (proc_pid_stat(5)): its parent is field 4, its times are fields 14 to 17. Field 2, its name,
/// is in parentheses and may have some of its own.
fn read_times(line: &str) -> Option<Times> {
    let (_, fields) = line.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let number = |field: usize| fields.get(field - 3)?.trim().parse::<u64>().ok();
    let times: Option<Vec<u64>> = (14..=17).map(number).collect();
    Some(Times {
        parent: number(4)?.try_into().ok()?,
        ticks: times?.iter().sum(),
    })
}

fn descendants(processes: &HashMap<u32, Times>, ancestor: u32) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    let mut parents = vec![ancestor];
    while let Some(parent) = parents.pop() {
        let children = processes.iter().filter(|(_, times)| times.parent == parent);
        parents.extend(children.map(|(id, _)| *id).filter(|id| found.insert(*id)));
    }
    found
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_times_of_a_process_and_its_ended_children_are_summed() {
        let line = "7 (a (b) c) S 3 7 7 0 -1 4194560 1 2 3 4 100 20 3000 4 20 0 1 0 99 0 0\n";
        let expected = Times {
            parent: 3,
            ticks: 3124,
        };
        assert_eq!(read_times(line), Some(expected));
        assert_eq!(read_times("7 (a) S 3"), None);
    }

    #[test]
    fn descendants_are_found_at_any_depth_without_their_ancestor() {
        let process = |id, parent| (id, Times { parent, ticks: 0 });
        let processes = HashMap::from([process(1, 0), process(2, 1), process(3, 2), process(4, 0)]);
        assert_eq!(descendants(&processes, 1), BTreeSet::from([2, 3]));
        assert!(descendants(&processes, 4).is_empty());
    }

    #[test]
    fn a_running_child_of_this_process_has_a_time() {
        let mut child = Command::new("sleep").arg("60").spawn().expect("a child");
        let time = processor_time_of_descendants(std::process::id());
        child.kill().expect("it ends");
        child.wait().expect("it has ended");
        assert!(time.expect("a time") < Duration::from_secs(60));
    }
}
