//! Opening the bucket's folder, and finishing or undoing what a crash interrupted.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::Path,
    sync::Mutex,
};

use super::{
    durable::{read_json, sync_folder},
    objects::{CURRENT, PENDING},
    record::{Fingerprint, ObjectRecord, PartRecord},
    store::Store,
};

impl Store {
    /// Opens the bucket below `data`, creating what is missing and finishing or undoing what a
    /// crash interrupted.
    ///
    /// # Errors
    /// If the folder cannot be written, or another process uses it.
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

    /// Finishes or undoes what a crash interrupted between the renames of [`Store::put`].
    fn recover_objects(&self) -> io::Result<()> {
        for pending in self.metadata_files(PENDING)? {
            let record: Option<ObjectRecord> = read_json(&pending)?;
            let arrived = record.is_some_and(|record| {
                Fingerprint::of(&self.objects.join(&record.path))
                    .is_ok_and(|found| found == record.fingerprint)
            });
            if arrived {
                fs::rename(&pending, pending.with_extension(CURRENT))?;
            } else {
                fs::remove_file(&pending)?;
            }
        }
        sync_folder(&self.metadata)
    }

    /// Removes what a crash left of uploads: those whose object is there, and parts without a record.
    fn recover_uploads(&self) -> io::Result<()> {
        let completed: Vec<String> = self
            .objects()?
            .into_iter()
            .filter_map(|object| object.upload_id)
            .collect();
        for entry in fs::read_dir(&self.uploads)? {
            let id = entry?.file_name().to_string_lossy().into_owned();
            if completed.contains(&id) {
                self.discard_upload(&id)?;
            } else {
                self.remove_parts_without_record(&id)?;
            }
        }
        Ok(())
    }

    fn remove_parts_without_record(&self, id: &str) -> io::Result<()> {
        let parts = self.parts(id)?;
        for entry in fs::read_dir(self.uploads.join(id))? {
            let path = entry?.path();
            let known = |part: &PartRecord| path.file_name().is_some_and(|name| *name == *part.file);
            if path.extension().is_none() && !parts.iter().any(known) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
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
