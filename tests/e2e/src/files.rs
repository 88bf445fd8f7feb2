//! Files to upload, and what arrived.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use walkdir::WalkDir;

/// In a large file, one block of each stride is random and the rest is a hole, so that a file of a gibibyte
/// costs the disk little.
const STRIDE: u64 = 1 << 20;
const BLOCK: usize = 4096;

/// How many bytes are written or read at a time.
const PIECE: usize = 1 << 20;

/// A folder of files to upload, removed when it is dropped.
pub struct SourceFolder {
    folder: TempDir,
}

/// A file to upload, with its bytes.
#[derive(Clone, Debug)]
pub struct SourceFile {
    pub name: String,
    pub path: PathBuf,
    pub bytes: Vec<u8>,
}

impl SourceFolder {
    pub fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        Ok(Self { folder })
    }

    /// Where a file of this name would be.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Adds a file of `size` random bytes. They depend on the name and the size alone, so that no two files of a
    /// test are equal and a failure can be repeated.
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

/// Writes a file of `size` bytes, no two mebibytes of which are equal.
pub fn write_large_file(path: &Path, size: u64) -> Result<()> {
    let mut file = create(path)?;
    file.set_len(size)?;
    let mut random = fastrand::Rng::with_seed(size);
    let mut block = [0; BLOCK];
    for start in (0..size.saturating_sub(BLOCK as u64)).step_by(STRIDE as usize) {
        random.fill(&mut block);
        file.seek(SeekFrom::Start(start))?;
        file.write_all(&block)?;
    }
    Ok(())
}

/// Whether a file that [`write_large_file`] wrote and another one are equal. Only the random blocks are compared: other
/// bytes between them would take room on the disk.
pub fn is_same_large_file(written: &Path, other: &Path) -> Result<bool> {
    let (one, two) = (File::open(written)?, File::open(other)?);
    let (size, room) = (one.metadata()?.len(), one.metadata()?.blocks());
    // A block that was not written at its place takes up to three.
    if two.metadata()?.len() != size || two.metadata()?.blocks() > 3 * room {
        return Ok(false);
    }
    let mut blocks = [[0; BLOCK]; 2];
    for start in (0..size.saturating_sub(BLOCK as u64)).step_by(STRIDE as usize) {
        one.read_exact_at(&mut blocks[0], start)?;
        two.read_exact_at(&mut blocks[1], start)?;
        if blocks[0] != blocks[1] {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes a file of `size` bytes that are random throughout, so that nothing on the way can compress them or leave
/// them out.
pub fn write_random_file(path: &Path, size: u64, random: &mut fastrand::Rng) -> Result<()> {
    let mut file = create(path)?;
    let mut piece = vec![0; PIECE];
    let mut left = size;
    while left > 0 {
        let length = left.min(PIECE as u64) as usize;
        random.fill(&mut piece[..length]);
        file.write_all(&piece[..length])?;
        left -= length as u64;
    }
    Ok(())
}

fn create(path: &Path) -> Result<File> {
    File::create(path).with_context(|| format!("{} cannot be created", path.display()))
}

/// The SHA-256 of a file, which is not held in memory.
pub fn sha256_of(path: &Path) -> Result<[u8; 32]> {
    let mut file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut digest = Sha256::new();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(digest.finalize().into()),
            length => digest.update(&piece[..length]),
        }
    }
}

/// The paths of all objects of a bucket.
pub fn stored_paths(bucket: &Path) -> Vec<PathBuf> {
    WalkDir::new(bucket)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect()
}

/// The bytes of all objects of a bucket, sorted.
pub fn stored_files(bucket: &Path) -> Result<Vec<Vec<u8>>> {
    let mut found = stored_paths(bucket)
        .into_iter()
        .map(fs::read)
        .collect::<io::Result<Vec<_>>>()?;
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_objects_are_found_at_any_depth() {
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
    fn files_of_one_test_differ_and_stay_the_same_between_runs() {
        let folder = SourceFolder::new().expect("a folder");
        let add = |name| folder.add(name, 64).expect("a file").bytes;
        assert_ne!(add("a"), add("b"));
        assert_eq!(add("a"), add("a"));
    }

    #[test]
    fn a_large_file_equals_its_copy_and_no_other() {
        let folder = SourceFolder::new().expect("a folder");
        let (one, copy, other) = (folder.path("one"), folder.path("copy"), folder.path("other"));
        for path in [&one, &copy] {
            write_large_file(path, 5 << 20).expect("a file");
        }
        assert!(is_same_large_file(&one, &copy).expect("both are read"));
        write_large_file(&other, 6 << 20).expect("a file");
        assert!(!is_same_large_file(&one, &other).expect("both are read"));
        let file = File::options().write(true).open(&copy).expect("the file");
        file.write_all_at(b"x", 3 << 20).expect("a byte");
        assert!(!is_same_large_file(&one, &copy).expect("both are read"));
    }

    #[test]
    fn a_random_file_has_its_size_and_each_one_is_different() {
        let folder = SourceFolder::new().expect("a folder");
        let mut random = fastrand::Rng::with_seed(7);
        let mut write = |name| {
            let path = folder.path(name);
            write_random_file(&path, PIECE as u64 + 3, &mut random).expect("a file");
            fs::read(path).expect("the file")
        };
        let (one, other) = (write("one"), write("other"));
        assert_eq!(one.len(), PIECE + 3);
        assert_ne!(one, other);
    }
}
