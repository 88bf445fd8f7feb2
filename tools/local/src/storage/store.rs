//! The folders of the bucket, and the lock on its names.

use std::{
    fs::File,
    io,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tempfile::NamedTempFile;

/// One bucket on the disk.
#[derive(Debug)]
pub(crate) struct Store {
    pub(super) objects: PathBuf,
    pub(super) metadata: PathBuf,
    pub(super) uploads: PathBuf,
    pub(super) staging: PathBuf,
    /// Held while names change, so that nobody sees an object between its two renames, and that of two
    /// writers who want to be first only one is.
    pub(super) names: Mutex<()>,
    /// The lock on the folder is released when this is dropped.
    pub(super) _lock: File,
}

impl Store {
    /// A new empty file, which is removed if it is dropped before it is stored.
    pub(crate) fn stage(&self) -> io::Result<NamedTempFile> {
        NamedTempFile::new_in(&self.staging)
    }

    pub(super) fn lock_names(&self) -> MutexGuard<'_, ()> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
