//! The figures of a soak.

use std::{
    collections::BTreeMap,
    fmt::{self, Display},
    time::Duration,
};

use serde::Serialize;

use crate::{batch::Outcome, memory::Memory};

/// The results of a soak so far.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) seconds: f64,
    /// Files of which S3 had an object with the right SHA-256.
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    /// More objects of the same files: a PutObject whose answer was lost, and whose file was then planned again.
    pub(crate) duplicates: u64,
    /// How often files had failed for good and were retried by a user.
    pub(crate) retries: u64,
    /// Requests of each phase, and how many of them met a fault.
    pub(crate) faults: BTreeMap<String, (usize, usize)>,
    /// Multipart uploads that only the bucket's lifecycle rule removes.
    pub(crate) unfinished_uploads: usize,
    /// After the first batch.
    pub(crate) memory_first: Memory,
    /// After the last batch.
    pub(crate) memory: Memory,
    pub(crate) most_memory: Memory,
}

impl Report {
    pub(crate) fn add(&mut self, batch: &Outcome, elapsed: Duration) {
        self.seconds = elapsed.as_secs_f64();
        self.files += batch.files;
        self.bytes += batch.bytes;
        self.duplicates += batch.duplicates;
        self.retries += batch.retries;
    }

    /// The progress, in a line.
    pub(crate) fn line(&self) -> String {
        format!(
            "{} files, {} MiB in {:.0} s; the tab has {} MiB",
            self.files,
            self.bytes >> 20,
            self.seconds,
            self.memory.resident >> 20,
        )
    }
}

impl Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "\nseed                 {}", self.seed)?;
        writeln!(formatter, "time                 {:.0} s", self.seconds)?;
        writeln!(formatter, "files, hashes right  {}", self.files)?;
        writeln!(formatter, "bytes                {} MiB", self.bytes >> 20)?;
        writeln!(formatter, "duplicate objects    {}", self.duplicates)?;
        writeln!(formatter, "Retry pressed        {}", self.retries)?;
        writeln!(formatter, "unfinished uploads   {}", self.unfinished_uploads)?;
        writeln!(formatter, "\n{:10}{:>10}{:>10}", "phase", "requests", "faults")?;
        for (phase, (requests, faults)) in &self.faults {
            writeln!(formatter, "{phase:10}{requests:10}{faults:10}")?;
        }
        writeln!(
            formatter,
            "\n{:20}{:>8}{:>8}{:>8}  MiB",
            "memory", "first", "last", "most"
        )?;
        let row = |name, of: fn(&Memory) -> u64| {
            let [first, last, most] = [&self.memory_first, &self.memory, &self.most_memory]
                .map(|memory| of(memory) as f64 / f64::from(1 << 20));
            format!("{name:20}{first:8.1}{last:8.1}{most:8.1}")
        };
        writeln!(formatter, "{}", row("page's heap", |memory| memory.page_heap))?;
        writeln!(
            formatter,
            "{}",
            row("worker's WebAssembly", |memory| memory.worker_wasm)
        )?;
        write!(formatter, "{}", row("tab's process", |memory| memory.resident))
    }
}
