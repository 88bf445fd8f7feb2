//! Multipart uploads that are neither completed nor aborted.

use std::{fs, io, path::PathBuf};

use uuid::Uuid;

use super::{
    durable::{read_json, remove_if_present, stage_json, sync_folder},
    record::{PartRecord, StagedBytes, UploadRecord, now},
    store::Store,
};

/// The name of an upload's own record in its folder.
const UPLOAD_RECORD: &str = "upload.json";

impl Store {
    /// Creates a multipart upload and returns its id.
    pub(crate) fn create_upload(&self, record: &UploadRecord) -> io::Result<String> {
        let id = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let staged = self.staging.join(&id);
        fs::create_dir(&staged)?;
        stage_json(&self.staging, record)?.persist(staged.join(UPLOAD_RECORD))?;
        sync_folder(&staged)?;
        fs::rename(&staged, self.uploads.join(&id))?;
        sync_folder(&self.uploads)?;
        Ok(id)
    }

    /// The upload with this id; `None` if there is none, or if it has ended.
    pub(crate) fn upload(&self, id: &str) -> io::Result<Option<UploadRecord>> {
        match self.upload_folder(id) {
            Some(folder) => read_json(&folder.join(UPLOAD_RECORD)),
            None => Ok(None),
        }
    }

    /// Stores a part in place of one with the same number: all of it, on the disk, or nothing.
    pub(crate) fn put_part(&self, upload_id: &str, number: u16, part: StagedBytes) -> io::Result<()> {
        let folder = self.upload_folder(upload_id).ok_or(io::ErrorKind::NotFound)?;
        let record = PartRecord {
            number,
            size: part.size,
            etag: part.etag,
            checksum: part.checksum,
            file: format!("{number:05}-{}", Uuid::new_v4().simple()),
            last_modified: now(),
        };
        let record_path = folder.join(format!("{number:05}.json"));
        let staged_record = stage_json(&self.staging, &record)?;
        part.file.persist(folder.join(&record.file))?;
        let replaced: Option<PartRecord> = {
            let _names = self.lock_names();
            let replaced = read_json(&record_path)?;
            staged_record.persist(&record_path)?;
            replaced
        };
        if let Some(replaced) = replaced {
            remove_if_present(&folder.join(replaced.file))?;
        }
        sync_folder(&folder)
    }

    /// The parts of an upload, sorted by number.
    pub(crate) fn parts(&self, upload_id: &str) -> io::Result<Vec<PartRecord>> {
        let folder = self.upload_folder(upload_id).ok_or(io::ErrorKind::NotFound)?;
        let mut parts: Vec<PartRecord> = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let name = entry?.file_name();
            let is_record = name
                .to_str()
                .is_some_and(|name| name.ends_with(".json") && name != UPLOAD_RECORD);
            if is_record && let Some(part) = read_json(&folder.join(name))? {
                parts.push(part);
            }
        }
        parts.sort_by_key(|part| part.number);
        Ok(parts)
    }

    /// The file of a part.
    pub(crate) fn part_path(&self, upload_id: &str, part: &PartRecord) -> PathBuf {
        self.uploads.join(upload_id).join(&part.file)
    }

    /// Ends an upload and removes its parts.
    pub(crate) fn discard_upload(&self, id: &str) -> io::Result<()> {
        // The rename ends the upload at once; removing its files may take longer or be cut short.
        let staged = self.staging.join(id);
        fs::rename(self.uploads.join(id), &staged)?;
        sync_folder(&self.uploads)?;
        fs::remove_dir_all(staged)
    }

    /// The folder of an upload; `None` for a text that cannot be an id, so that no id leads elsewhere.
    fn upload_folder(&self, id: &str) -> Option<PathBuf> {
        let well_formed = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        well_formed.then(|| self.uploads.join(id))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::storage::{Condition, NewObject, record::test_bytes};

    fn upload_with_part(store: &Store) -> String {
        let record = UploadRecord {
            key: "key".to_owned(),
            headers: BTreeMap::new(),
            checksum: None,
            key_was_taken: false,
        };
        let id = store.create_upload(&record).expect("an upload");
        store
            .put_part(&id, 1, test_bytes(store, b"part"))
            .expect("a part");
        id
    }

    #[test]
    fn a_restart_keeps_parts_with_a_record_and_removes_others() {
        let data = tempfile::tempdir().expect("a folder");
        let store = Store::open(data.path(), "bucket").expect("a store");
        let id = upload_with_part(&store);
        let orphan = store.uploads.join(&id).join("00002-0123");
        fs::write(&orphan, "half").expect("a file");
        drop(store);
        let store = Store::open(data.path(), "bucket").expect("a store");
        let parts = store.parts(&id).expect("parts");
        assert_eq!(parts.iter().map(|part| part.number).collect::<Vec<_>>(), [1]);
        assert_eq!(
            fs::read(store.part_path(&id, &parts[0])).expect("the part"),
            b"part"
        );
        assert!(!orphan.exists());
    }

    #[test]
    fn a_crash_before_the_end_of_a_completed_upload_ends_it() {
        let data = tempfile::tempdir().expect("a folder");
        let store = Store::open(data.path(), "bucket").expect("a store");
        let (completed, open) = (upload_with_part(&store), upload_with_part(&store));
        let object = NewObject {
            key: "key".to_owned(),
            headers: BTreeMap::new(),
            upload_id: Some(completed.clone()),
        };
        store
            .put(object, test_bytes(&store, b"part"), Condition::Always)
            .expect("an object");
        drop(store);
        let store = Store::open(data.path(), "bucket").expect("a store");
        assert!(store.upload(&completed).expect("the disk works").is_none());
        assert!(store.upload(&open).expect("the disk works").is_some());
        assert!(store.open_object("key").expect("the disk works").is_some());
    }
}
