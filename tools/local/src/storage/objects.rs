//! Storing, reading and removing objects.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::{
    durable::{is_absent, read_json, remove_if_present, stage_json, sync_folder},
    key_path::{hashed_path, key_hash, plain_path},
    record::{Fingerprint, ObjectRecord, StagedBytes, now},
    store::Store,
};

/// The extension of the metadata of objects that are there.
pub(super) const CURRENT: &str = "json";

/// The extension of the metadata of an object whose file is about to be renamed into place.
pub(super) const PENDING: &str = "pending";

/// When an object may be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Always, in place of what has the key.
    Always,
    /// Only if nothing has the key (`If-None-Match: *`).
    Absent,
}

/// Whether an object was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PutOutcome {
    Stored,
    /// Something has the key, and [`Condition::Absent`] was asked for.
    Exists,
}

/// What an object is called and comes with, besides its bytes.
pub(crate) struct NewObject {
    pub(crate) key: String,
    /// By lower-case name.
    pub(crate) headers: BTreeMap<String, String>,
    /// The multipart upload that made it.
    pub(crate) upload_id: Option<String>,
}

/// An object's bytes and metadata, which belong together whatever happens to the key meanwhile.
#[derive(Debug)]
pub(crate) struct OpenedObject {
    pub(crate) file: File,
    pub(crate) record: ObjectRecord,
}

impl ObjectRecord {
    /// The record of a new object, without a path.
    fn new(object: NewObject, bytes: &StagedBytes) -> io::Result<Self> {
        Ok(Self {
            path: PathBuf::new(),
            fingerprint: Fingerprint::of(bytes.file.path())?,
            key: object.key,
            etag: bytes.etag.clone(),
            checksum: bytes.checksum.clone(),
            headers: object.headers,
            last_modified: now(),
            upload_id: object.upload_id,
        })
    }
}

impl Store {
    /// Stores an object: all of it, on the disk, or nothing.
    pub(crate) fn put(
        &self,
        object: NewObject,
        bytes: StagedBytes,
        condition: Condition,
    ) -> io::Result<PutOutcome> {
        let mut record = ObjectRecord::new(object, &bytes)?;
        let folder = {
            let _names = self.lock_names();
            let existing = self.find(&record.key)?;
            if existing.is_some() && condition == Condition::Absent {
                return Ok(PutOutcome::Exists);
            }
            let (path, folder) = match existing {
                Some(existing) => self.make_folder(existing.path)?,
                None => self.free_path(&record.key)?,
            };
            record.path = path;
            let pending = self.metadata_path(&record.key, PENDING);
            stage_json(&self.staging, &record)?.persist(&pending)?;
            bytes.file.persist(self.objects.join(&record.path))?;
            fs::rename(&pending, self.metadata_path(&record.key, CURRENT))?;
            folder
        };
        self.sync_up(&folder)?;
        sync_folder(&self.metadata)?;
        Ok(PutOutcome::Stored)
    }

    /// Opens an object; `None` if nothing has the key.
    pub(crate) fn open_object(&self, key: &str) -> io::Result<Option<OpenedObject>> {
        let _names = self.lock_names();
        let Some(record) = self.find(key)? else {
            return Ok(None);
        };
        let file = File::open(self.objects.join(&record.path))?;
        Ok(Some(OpenedObject { file, record }))
    }

    /// Changes one of an object's headers; returns whether there is such an object.
    pub(crate) fn set_header(&self, key: &str, name: &str, value: &str) -> io::Result<bool> {
        {
            let _names = self.lock_names();
            let Some(mut record) = self.find(key)? else {
                return Ok(false);
            };
            record.headers.insert(name.to_owned(), value.to_owned());
            stage_json(&self.staging, &record)?.persist(self.metadata_path(key, CURRENT))?;
        }
        sync_folder(&self.metadata)?;
        Ok(true)
    }

    /// Removes an object; not an error if there is none.
    pub(crate) fn delete(&self, key: &str) -> io::Result<()> {
        let _names = self.lock_names();
        let Some(record) = self.find(key)? else {
            return Ok(());
        };
        let path = self.objects.join(&record.path);
        // The file goes first: without it the metadata is no object, whatever interrupts here.
        fs::remove_file(&path)?;
        remove_if_present(&self.metadata_path(key, CURRENT))?;
        let mut folders = path
            .ancestors()
            .skip(1)
            .take_while(|folder| *folder != self.objects);
        // Removing a folder fails as soon as one has other entries, which is where to stop.
        let kept = folders.find(|folder| fs::remove_dir(folder).is_err());
        sync_folder(kept.unwrap_or(&self.objects))?;
        sync_folder(&self.metadata)
    }

    /// The metadata of every object, sorted by the bytes of the keys.
    pub(crate) fn objects(&self) -> io::Result<Vec<ObjectRecord>> {
        let _names = self.lock_names();
        let mut records = Vec::new();
        for path in self.metadata_files(CURRENT)? {
            if let Some(record) = self.existing(read_json(&path)?) {
                records.push(record);
            }
        }
        records.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(records)
    }

    /// Where an object's file is, or would be.
    pub(crate) fn object_path(&self, key: &str) -> io::Result<PathBuf> {
        let _names = self.lock_names();
        let path = match self.find(key)? {
            Some(record) => record.path,
            None => plain_path(key).unwrap_or_else(|| hashed_path(key)),
        };
        Ok(self.objects.join(path))
    }

    /// The metadata of an object, with the names locked.
    fn find(&self, key: &str) -> io::Result<Option<ObjectRecord>> {
        Ok(self.existing(read_json(&self.metadata_path(key, CURRENT))?))
    }

    /// A record whose file is there.
    fn existing(&self, record: Option<ObjectRecord>) -> Option<ObjectRecord> {
        record.filter(|record| self.objects.join(&record.path).is_file())
    }

    /// A path for a new object that nothing else occupies, and its folder, which exists afterwards.
    fn free_path(&self, key: &str) -> io::Result<(PathBuf, PathBuf)> {
        if let Some(path) = plain_path(key)
            && !self.objects.join(&path).exists()
        {
            match self.make_folder(path) {
                // A file is in the way of the folder.
                Err(error) if is_occupied(&error) => {}
                made => return made,
            }
        }
        self.make_folder(hashed_path(key))
    }

    fn make_folder(&self, path: PathBuf) -> io::Result<(PathBuf, PathBuf)> {
        let folder = self.objects.join(path.parent().unwrap_or(Path::new("")));
        fs::create_dir_all(&folder)?;
        Ok((path, folder))
    }

    /// Makes the names of a folder and of the folders above it durable, up to the bucket's.
    fn sync_up(&self, folder: &Path) -> io::Result<()> {
        for folder in folder
            .ancestors()
            .take_while(|folder| folder.starts_with(&self.objects))
        {
            match sync_folder(folder) {
                // The object is deleted again already, and its folder with it.
                Err(error) if is_absent(&error) => {}
                synced => synced?,
            }
        }
        Ok(())
    }

    fn metadata_path(&self, key: &str, extension: &str) -> PathBuf {
        self.metadata.join(key_hash(key)).with_extension(extension)
    }

    pub(super) fn metadata_files(&self, extension: &str) -> io::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(&self.metadata)? {
            let path = entry?.path();
            if path.extension().is_some_and(|found| found == extension) {
                paths.push(path);
            }
        }
        Ok(paths)
    }
}

fn is_occupied(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::record::test_bytes;

    fn object(key: &str) -> NewObject {
        NewObject {
            key: key.to_owned(),
            headers: BTreeMap::new(),
            upload_id: None,
        }
    }

    fn put(store: &Store, key: &str, bytes: &[u8], condition: Condition) -> PutOutcome {
        store
            .put(object(key), test_bytes(store, bytes), condition)
            .expect("the disk works")
    }

    fn bytes_of(store: &Store, key: &str) -> Option<Vec<u8>> {
        let opened = store.open_object(key).expect("the disk works")?;
        Some(io::read_to_string(opened.file).expect("readable").into_bytes())
    }

    fn keys(store: &Store) -> Vec<String> {
        let objects = store.objects().expect("the disk works");
        objects.into_iter().map(|record| record.key).collect()
    }

    fn store() -> (tempfile::TempDir, Store) {
        let data = tempfile::tempdir().expect("a folder");
        let store = Store::open(data.path(), "bucket").expect("a store");
        (data, store)
    }

    #[test]
    fn keys_that_are_each_others_folders_keep_their_own_bytes() {
        for order in [["a", "a/b", "a/b/c"], ["a/b/c", "a/b", "a"]] {
            let (_data, store) = store();
            for key in order {
                put(&store, key, key.as_bytes(), Condition::Absent);
            }
            for key in order {
                assert_eq!(bytes_of(&store, key).as_deref(), Some(key.as_bytes()), "{key}");
            }
            assert_eq!(keys(&store), ["a", "a/b", "a/b/c"]);
        }
    }

    #[test]
    fn a_long_segment_is_stored_under_its_hash() {
        let (_data, store) = store();
        let key = "x".repeat(1024);
        put(&store, &key, b"long", Condition::Always);
        assert_eq!(bytes_of(&store, &key).as_deref(), Some(b"long".as_slice()));
        let path = store.object_path(&key).expect("a path");
        assert_eq!(fs::read(path).expect("a file"), b"long");
    }

    #[test]
    fn a_file_put_there_by_hand_is_no_object_and_is_kept() {
        let (data, store) = store();
        let mine = data.path().join("bucket/note.txt");
        fs::write(&mine, "mine").expect("a file");
        assert_eq!(bytes_of(&store, "note.txt"), None);
        put(&store, "note.txt", b"uploaded", Condition::Always);
        assert_eq!(fs::read(&mine).expect("the file"), b"mine");
        assert_eq!(
            bytes_of(&store, "note.txt").as_deref(),
            Some(b"uploaded".as_slice())
        );
    }

    #[test]
    fn an_object_whose_file_was_removed_can_be_stored_again() {
        let (data, store) = store();
        put(&store, "a", b"1", Condition::Absent);
        fs::remove_file(data.path().join("bucket/a")).expect("removed");
        assert_eq!(keys(&store), [""; 0]);
        assert_eq!(put(&store, "a", b"2", Condition::Absent), PutOutcome::Stored);
        assert_eq!(bytes_of(&store, "a").as_deref(), Some(b"2".as_slice()));
    }

    #[test]
    fn deleting_removes_the_folders_that_it_empties_and_no_other() {
        let (data, store) = store();
        put(&store, "a/b/c", b"1", Condition::Always);
        put(&store, "a/d", b"2", Condition::Always);
        store.delete("a/b/c").expect("deleted");
        store.delete("a/b/c").expect("nothing to delete");
        let entries = fs::read_dir(data.path().join("bucket/a")).expect("the folder");
        let names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        assert_eq!(names, ["d"]);
        store.delete("a/d").expect("deleted");
        assert!(!data.path().join("bucket/a").exists());
        assert!(data.path().join("bucket").exists());
    }

    /// Leaves the disk as a crash during a second [`Store::put`] of one key would, with the renames
    /// up to `renames` done, and checks which bytes and which ETag a restart finds.
    fn check_crash(renames: usize, expected: &str) {
        let (data, store) = store();
        put(&store, "a", b"first", Condition::Always);
        let mut second = test_bytes(&store, b"second");
        second.etag = "second".to_owned();
        let mut record = ObjectRecord::new(object("a"), &second).expect("a file");
        record.path = "a".into();
        let pending = store.metadata_path("a", PENDING);
        if renames >= 1 {
            stage_json(&store.staging, &record)
                .expect("JSON")
                .persist(&pending)
                .expect("renamed");
        }
        if renames >= 2 {
            second
                .file
                .persist(data.path().join("bucket/a"))
                .expect("renamed");
        }
        drop(store);
        let store = Store::open(data.path(), "bucket").expect("a store");
        assert_eq!(
            bytes_of(&store, "a").as_deref(),
            Some(expected.as_bytes()),
            "after {renames} renames"
        );
        let record = &store.objects().expect("objects")[0];
        assert_eq!(
            record.etag,
            if expected == "second" { "second" } else { "etag" },
            "after {renames} renames"
        );
        assert!(!pending.exists());
        assert_eq!(fs::read_dir(&store.staging).expect("the folder").count(), 0);
    }

    #[test]
    fn a_crash_leaves_the_old_object_or_the_new_one() {
        check_crash(0, "first");
        check_crash(1, "first");
        check_crash(2, "second");
    }

    #[test]
    fn two_processes_cannot_use_one_folder() {
        let (data, _store) = store();
        let error = Store::open(data.path(), "bucket").expect_err("the folder is in use");
        assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
    }
}
