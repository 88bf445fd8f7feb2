//! Files to upload, and what arrived.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use tempfile::TempDir;

/// A folder of files to upload, removed when it is dropped.
pub struct SourceFolder {
    folder: TempDir,
}

/// A file to upload.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// What it holds.
    pub bytes: Vec<u8>,
}

impl SourceFolder {
    /// An empty folder.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn new() -> Result<Self> {
        Ok(Self {
            folder: tempfile::tempdir()?,
        })
    }

    /// Where a file of this name would be.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Adds a file of so many random bytes. The bytes depend on the name, so that no two files of a
    /// test are equal and a failure can be repeated.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn add(&self, name: &str, size: usize) -> Result<SourceFile> {
        let seed = name.bytes().fold(size as u64, |seed, byte| {
            seed.wrapping_mul(31).wrapping_add(byte.into())
        });
        let mut bytes = vec![0; size];
        fastrand::Rng::with_seed(seed).fill(&mut bytes);
        let path = self.path(name);
        fs::write(&path, &bytes).with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(SourceFile {
            name: name.to_owned(),
            path,
            bytes,
        })
    }
}

/// The bytes of every file below a bucket's folder, sorted.
///
/// # Errors
/// Where the folder cannot be read.
pub fn stored_files(bucket: &Path) -> Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    let mut folders = vec![bucket.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                found.push(fs::read(entry.path())?);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_found_in_any_depth() {
        let bucket = tempfile::tempdir().expect("a folder");
        let write = |path: &str, bytes: &str| {
            let path = bucket.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, bytes).expect("a file");
        };
        write("uploads/anonymous/1/b.txt", "second");
        write("a.txt", "first");
        let found = stored_files(bucket.path()).expect("the folder is read");
        assert_eq!(found, [b"first".to_vec(), b"second".to_vec()]);
    }

    #[test]
    fn files_of_one_test_differ() {
        let folder = SourceFolder::new().expect("a folder");
        let add = |name| folder.add(name, 64).expect("a file").bytes;
        assert_ne!(add("a"), add("b"));
        assert_eq!(add("a"), add("a"));
    }
}
