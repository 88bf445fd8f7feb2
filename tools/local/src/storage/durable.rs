//! Writes that survive a crash.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use serde::{Serialize, de::DeserializeOwned};
use tempfile::NamedTempFile;

/// Makes a folder's entries durable: a new name is only safe once its folder is on the disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Writes `value` as JSON to a file in `staging`, on the disk when this returns.
pub(crate) fn stage_json(staging: &Path, value: &impl Serialize) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new_in(staging)?;
    serde_json::to_writer_pretty(&mut file, value)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Reads a file of JSON; `None` if there is no such file.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a file that may be gone already.
pub(crate) fn remove_if_present(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if !is_absent(&error) => Err(error),
        _ => Ok(()),
    }
}

/// Whether a path leads to nothing.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
