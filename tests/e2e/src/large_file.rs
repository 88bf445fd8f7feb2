//! Files too large to be held in memory.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

/// One block of every so many bytes is random; the rest is a hole, so that a file of a gibibyte costs
/// the disk little.
const STRIDE: u64 = 1 << 20;
const BLOCK: usize = 4096;

/// Writes a file of this size, no two mebibytes of which are equal.
///
/// # Errors
/// Where it cannot be written.
pub fn write_large_file(path: &Path, size: u64) -> Result<()> {
    let mut file = File::create(path).with_context(|| format!("{} cannot be made", path.display()))?;
    file.set_len(size)?;
    let mut random = fastrand::Rng::with_seed(size);
    let mut block = [0; BLOCK];
    for begin in (0..size.saturating_sub(BLOCK as u64)).step_by(STRIDE as usize) {
        random.fill(&mut block);
        file.seek(SeekFrom::Start(begin))?;
        file.write_all(&block)?;
    }
    Ok(())
}

/// Writes a file of this size that is random throughout.
///
/// # Errors
/// Where it cannot be written.
pub fn write_random_file(path: &Path, size: u64, random: &mut fastrand::Rng) -> Result<()> {
    let mut file = File::create(path).with_context(|| format!("{} cannot be made", path.display()))?;
    let mut piece = vec![0; 1 << 16];
    let mut left = size;
    while left > 0 {
        let length = left.min(piece.len() as u64) as usize;
        random.fill(&mut piece[..length]);
        file.write_all(&piece[..length])?;
        left -= length as u64;
    }
    Ok(())
}

/// The SHA-256 of a file, read piece by piece.
///
/// # Errors
/// Where it cannot be read.
pub fn sha256_of(path: &Path) -> Result<[u8; 32]> {
    let mut file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut digest = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(digest.finalize().into());
        }
        digest.update(&piece[..read]);
    }
}

/// The SHA-256 of bytes.
pub(crate) fn sha256_of_bytes(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The paths of every object of a bucket.
pub fn stored_paths(bucket: &Path) -> Vec<PathBuf> {
    WalkDir::new(bucket)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect()
}
