//! What is uploaded, and for how long.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use e2e::write_random_file;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// What ends an upload besides its own end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    /// It has failed if it takes longer.
    Patience(Duration),
    /// What has arrived by then counts.
    Time(Duration),
}

/// Files of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Workload {
    pub(crate) kind: Kind,
    pub(crate) count: u64,
    /// The size of each, in bytes.
    pub(crate) size: u64,
}

/// The kind of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// One file of 4 GiB
    Giant,
    /// 100 files of 50 MiB
    Large,
    /// 10,000 files of 10 KiB
    Small,
}

impl Kind {
    /// All kinds, in the order of the report.
    pub(crate) const ALL: [Self; 3] = [Self::Giant, Self::Large, Self::Small];

    /// The workload of this kind, scaled down by a factor of at most 1.
    pub(crate) fn scaled(self, scale: f64) -> Workload {
        let scaled = |number: u64| ((number as f64 * scale) as u64).max(1);
        let (count, size) = match self {
            Self::Giant => (1, scaled(4 * GIB).next_multiple_of(MIB)),
            Self::Large => (scaled(100), 50 * MIB),
            Self::Small => (scaled(10_000), 10 * KIB),
        };
        Workload {
            kind: self,
            count,
            size,
        }
    }
}

impl Workload {
    pub(crate) const fn bytes(self) -> u64 {
        self.count * self.size
    }

    /// Its name in a report.
    pub(crate) fn name(self) -> String {
        let size = match self.size {
            size if size % GIB == 0 => format!("{} GiB", size / GIB),
            size if size % MIB == 0 => format!("{} MiB", size / MIB),
            size => format!("{} KiB", size / KIB),
        };
        match self.count {
            1 => format!("one file of {size}"),
            count => format!("{count} files of {size}"),
        }
    }

    /// Its files, below this folder. They are created unless they exist.
    pub(crate) fn files(self, folder: &Path) -> Result<Vec<PathBuf>> {
        let folder = folder.join(format!("{}-{}", self.count, self.size));
        let done = folder.join("done");
        let files: Vec<PathBuf> = (1..=self.count)
            .map(|number| folder.join(format!("file-{number:05}.bin")))
            .collect();
        if !done.is_file() {
            fs::create_dir_all(&folder).with_context(|| format!("{} cannot be created", folder.display()))?;
            let mut random = fastrand::Rng::new();
            for file in &files {
                write_random_file(file, self.size, &mut random)?;
            }
            fs::write(done, "")?;
        }
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, scale: f64, name: &str) {
        assert_eq!(kind.scaled(scale).name(), name, "{kind:?} {scale}");
    }

    #[test]
    fn a_scale_makes_a_workload_smaller_but_never_empty() {
        check(Kind::Giant, 1.0, "one file of 4 GiB");
        check(Kind::Giant, 0.01, "one file of 41 MiB");
        check(Kind::Large, 1.0, "100 files of 50 MiB");
        check(Kind::Large, 0.001, "one file of 50 MiB");
        check(Kind::Small, 0.5, "5000 files of 10 KiB");
    }

    #[test]
    fn files_are_created_once_and_have_their_size() {
        let folder = tempfile::tempdir().expect("a folder");
        let workload = Workload {
            kind: Kind::Small,
            count: 3,
            size: 2_000_000,
        };
        let files = workload.files(folder.path()).expect("files");
        let first = fs::read(&files[0]).expect("a file");
        assert_eq!((files.len(), first.len()), (3, 2_000_000));
        assert_ne!(first, fs::read(&files[1]).expect("a file"));
        let again = workload.files(folder.path()).expect("files");
        assert_eq!(fs::read(&again[0]).expect("a file"), first);
    }
}
