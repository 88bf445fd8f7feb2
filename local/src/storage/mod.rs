//! Objects as plain files.
//!
//! ```text
//! <data>/<bucket>/<key>                  an object's bytes, see [`key_path`] for odd keys
//! <data>/.state/metadata/<hash>.json     what else is known of the object
//! <data>/.state/uploads/<id>/            a multipart upload: its record and its parts
//! <data>/.state/staging/                 what is being received; emptied at every start
//! <data>/.state/lock                     held by the one process that uses the folder
//! ```
//!
//! An object exists when both its file and its metadata do. Everything is written in `staging`,
//! flushed to the disk and only then renamed to where it counts, so a crash leaves either all of
//! it or nothing.

mod durable;
mod key_path;
mod objects;
mod record;
mod uploads;

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tempfile::NamedTempFile;

pub(crate) use key_path::hexadecimal;
pub(crate) use objects::{Condition, NewObject, OpenedObject, PutOutcome};
pub(crate) use record::{ObjectRecord, PartRecord, UploadRecord};
pub(crate) use uploads::NewPart;

/// One bucket on the disk.
#[derive(Debug)]
pub(crate) struct Store {
    objects: PathBuf,
    metadata: PathBuf,
    uploads: PathBuf,
    staging: PathBuf,
    /// Held while names change, so that nobody sees an object between its two renames and that
    /// of two writers who want to be first only one is.
    names: Mutex<()>,
    /// The lock on the folder is released when this is dropped.
    _lock: File,
}

impl Store {
    /// Opens the bucket below `data`, creating what is missing and finishing or undoing what a
    /// crash interrupted.
    ///
    /// # Errors
    /// When the folder cannot be written, or another process uses it.
    pub(crate) fn open(data: &Path, bucket: &str) -> io::Result<Self> {
        let state = data.join(".state");
        fs::create_dir_all(&state)?;
        let lock = lock_folder(&state)?;
        let store = Self {
            objects: data.join(bucket),
            metadata: state.join("metadata"),
            uploads: state.join("uploads"),
            staging: state.join("staging"),
            names: Mutex::new(()),
            _lock: lock,
        };
        if store.staging.exists() {
            fs::remove_dir_all(&store.staging)?;
        }
        for folder in [&store.objects, &store.metadata, &store.uploads, &store.staging] {
            fs::create_dir_all(folder)?;
        }
        store.recover_objects()?;
        store.recover_uploads()?;
        Ok(store)
    }

    /// A new empty file; it vanishes when it is dropped before it is stored.
    pub(crate) fn stage(&self) -> io::Result<NamedTempFile> {
        NamedTempFile::new_in(&self.staging)
    }

    fn lock_names(&self) -> MutexGuard<'_, ()> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock_folder(state: &Path) -> io::Result<File> {
    let lock = File::create(state.join("lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            format!("another process uses {}", state.display()),
        )),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
