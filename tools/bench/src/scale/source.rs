//! What is uploaded, and whether it arrived.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use e2e::{is_same_large_file, write_large_file, write_random_file};

use crate::workload::Workload;

/// The name of the large file.
pub(super) const GIANT: &str = "giant.bin";

/// The name of another one.
pub(super) const SECOND: &str = "second.bin";

/// Makes a folder with the files of a workload.
pub(super) fn folder(within: &Path, workload: Workload) -> Result<PathBuf> {
    let folder = within.join(format!("{} files", workload.count));
    fs::create_dir_all(&folder)?;
    let mut random = fastrand::Rng::with_seed(workload.count);
    for number in 1..=workload.count {
        let file = folder.join(format!("file-{number:06}.bin"));
        write_random_file(&file, workload.size, &mut random)?;
    }
    Ok(folder)
}

/// Makes a file that takes little room on the disk, and no two mebibytes of which are equal.
pub(super) fn large_file(within: &Path, name: &str, size: u64) -> Result<PathBuf> {
    let file = within.join(name);
    write_large_file(&file, size)?;
    Ok(file)
}

/// Checks that each object is a file of the folder with its bytes, and returns how many there are.
pub(super) fn check_folder(folder: &Path, objects: Vec<PathBuf>) -> Result<u64> {
    let mut stored = HashMap::new();
    for object in objects {
        let name = object.file_name().context("a name")?;
        let is_same = fs::read(&object)? == fs::read(folder.join(name))?;
        ensure!(is_same, "{} has other bytes", object.display());
        let before = stored.insert(name.to_owned(), object.clone());
        ensure!(before.is_none(), "{} is stored twice", object.display());
    }
    Ok(stored.len() as u64)
}

/// Checks that the large file is stored as it is.
pub(super) fn check_large_file(file: &Path, objects: Vec<PathBuf>) -> Result<()> {
    let stored = objects.iter().find(|object| object.ends_with(GIANT));
    let stored = stored.context("the large file is not stored")?;
    let is_same = is_same_large_file(file, stored)?;
    ensure!(is_same, "the large file has other bytes");
    Ok(())
}
