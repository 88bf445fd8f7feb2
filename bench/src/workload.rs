//! What is uploaded.

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// How much is made up at once, in bytes.
const BLOCK_BYTES: usize = 1024 * 1024;

/// Files of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Workload {
    pub(crate) kind: Kind,
    pub(crate) count: u64,
    /// The size of each, in bytes.
    pub(crate) size: u64,
}

/// What a workload is an example of.
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
    /// Every kind, in the order of the report.
    pub(crate) const ALL: [Self; 3] = [Self::Giant, Self::Large, Self::Small];

    /// The workload of this kind, made smaller by a factor of at most 1.
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
    /// All bytes.
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

    /// Its files, below this folder, where they are made unless they are there.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub(crate) fn files(self, folder: &Path) -> Result<Vec<PathBuf>> {
        let folder = folder.join(format!("{}-{}", self.count, self.size));
        let done = folder.join("done");
        let files: Vec<PathBuf> = (1..=self.count)
            .map(|number| folder.join(format!("file-{number:05}.bin")))
            .collect();
        if !done.is_file() {
            fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
            for file in &files {
                write_random(file, self.size).with_context(|| format!("{}", file.display()))?;
            }
            fs::write(done, "")?;
        }
        Ok(files)
    }
}

/// Writes random bytes, so that nothing on the way can compress them or leave them out.
fn write_random(path: &Path, size: u64) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut random = fastrand::Rng::new();
    let mut block = vec![0; BLOCK_BYTES];
    let mut left = size;
    while left > 0 {
        let length = left.min(BLOCK_BYTES as u64) as usize;
        random.fill(&mut block[..length]);
        file.write_all(&block[..length])?;
        left -= length as u64;
    }
    file.flush()?;
    ensure!(
        file.get_ref().metadata()?.len() == size,
        "it is not written in full"
    );
    Ok(())
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
    fn files_are_made_once_and_are_of_their_size() {
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
