//! The manifests of the batches: what is noted for them and for receipts, and how they are written.

use std::{cell::RefCell, collections::HashMap, rc::Rc, time::Duration};

use browser::Timer;
use engine::{Engine, Event, FileDescription, FileId, ObjectChecksum, StoredObject, UploadError};
use js_sys::{Array, Date};
use messages::Receipt;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, File};
use wire::{
    BatchId, Checksum, ChecksumAlgorithm, ChecksumType, Fields, MANIFEST_VERSION, ManifestFile,
    ManifestStatus,
};

use crate::{
    files::Files,
    to_driver::{DriverHandle, ToDriver},
};

/// How much of a draft is in this worker's memory. The rest is in blobs, which the browser keeps where it has room.
const DRAFT_BYTES: usize = 256 * 1024;

/// How long nothing of a batch has to have been added before it has an end: while a folder is read, its files come one
/// after another.
const QUIET: Duration = Duration::from_millis(500);

/// Notes what is stored of each batch, and writes its manifest when it has ended.
pub(crate) struct Manifests {
    driver: DriverHandle,
    files: Rc<Files>,
    drafts: RefCell<HashMap<BatchId, Draft>>,
    intakes: RefCell<HashMap<BatchId, Intake>>,
    fields: RefCell<HashMap<BatchId, Fields>>,
    /// Those that wait for the end of an intake.
    waiting: RefCell<HashMap<FileId, Timer>>,
}

/// What of a batch is still coming.
#[derive(Default)]
struct Intake {
    /// How many folders are being read.
    folders: usize,
    /// When files were last added.
    last: Duration,
}

/// The stored files of a batch, as the elements of a JSON array.
#[derive(Default)]
struct Draft {
    blobs: Vec<Blob>,
    text: String,
    files: u32,
    bytes: u64,
    /// When the last file was noted that this page stored, in milliseconds since 1970.
    noted_at: u64,
}

impl Draft {
    fn push(&mut self, file: &ManifestFile) -> Result<(), JsValue> {
        if !self.blobs.is_empty() || !self.text.is_empty() {
            self.text.push(',');
        }
        self.text += &json(file);
        self.files += 1;
        self.bytes += file.size;
        self.noted_at = Date::now() as u64;
        if self.text.len() >= DRAFT_BYTES {
            let text = Array::of1(&self.text.as_str().into());
            self.blobs.push(Blob::new_with_str_sequence(&text)?);
            self.text.clear();
        }
        Ok(())
    }
}

impl Manifests {
    pub(crate) fn new(driver: DriverHandle, files: Rc<Files>) -> Self {
        Self {
            driver,
            files,
            drafts: RefCell::default(),
            intakes: RefCell::default(),
            fields: RefCell::default(),
            waiting: RefCell::default(),
        }
    }

    /// The uploader of this batch answered this.
    pub(crate) fn set_fields(&self, batch: BatchId, fields: Fields) {
        self.fields.borrow_mut().insert(batch, fields);
    }

    /// Files of this batch came, at this time.
    pub(crate) fn note_added(&self, batch: BatchId, now: Duration) {
        self.intakes.borrow_mut().entry(batch).or_default().last = now;
    }

    /// A folder of this batch is being read, or was read to its end at this time.
    pub(crate) fn note_folder(&self, batch: BatchId, is_read: bool, now: Duration) {
        let mut intakes = self.intakes.borrow_mut();
        let intake = intakes.entry(batch).or_default();
        intake.last = now;
        intake.folders = match is_read {
            true => intake.folders.saturating_sub(1),
            false => intake.folders + 1,
        };
    }

    /// How long to wait at least until the batch has an end.
    fn time_to_end(&self, batch: BatchId, now: Duration) -> Option<Duration> {
        let intakes = self.intakes.borrow();
        let intake = intakes.get(&batch)?;
        let left = (intake.last + QUIET).saturating_sub(now);
        let wait = if intake.folders > 0 { QUIET } else { left };
        (!wait.is_zero()).then_some(wait)
    }

    /// Writes the manifest of a batch, as the file with this id, once it has an end. Returns whether it will be written.
    pub(crate) fn write_at_end(&self, id: FileId, batch: BatchId, engine: &Engine, now: Duration) -> bool {
        self.waiting.borrow_mut().remove(&id);
        if engine.is_unfinished(batch) {
            return false;
        }
        let Some(wait) = self.time_to_end(batch, now) else {
            return self.write(id, batch, engine);
        };
        let driver = self.driver.clone();
        let timer = Timer::after(wait, move || driver.report(ToDriver::ManifestDue(id, batch)));
        self.waiting.borrow_mut().insert(id, timer);
        true
    }

    /// Notes a file that S3 has.
    pub(crate) fn note(&self, batch: BatchId, file: &FileDescription, stored: &StoredObject) {
        let status = ManifestStatus::Stored {
            checksum: stored.checksum.map(checksum),
            etag: stored
                .etag
                .as_deref()
                .map(|etag| etag.trim_matches('"').to_owned()),
        };
        let mut drafts = self.drafts.borrow_mut();
        // A browser that has no room for a blob has none for the manifest either.
        let _ = drafts
            .entry(batch)
            .or_default()
            .push(&manifest_file(file, Some(stored.key.clone()), status));
    }

    /// What is stored of a batch, if anything is.
    pub(crate) fn receipt(&self, batch: BatchId) -> Option<Receipt> {
        let drafts = self.drafts.borrow();
        let draft = drafts.get(&batch)?;
        Some(Receipt {
            batch: batch.to_string(),
            files: draft.files,
            bytes: draft.bytes,
            stored_at: local_time(draft.noted_at),
        })
    }

    /// The stored files of a batch, as the elements of a JSON array with a comma between any two, in pieces that are not
    /// much longer than [`DRAFT_BYTES`]: the ones in blobs, and the last one.
    pub(crate) fn draft(&self, batch: BatchId) -> (Vec<Blob>, String) {
        let drafts = self.drafts.borrow();
        let draft = drafts
            .get(&batch)
            .map(|draft| (draft.blobs.clone(), draft.text.clone()));
        draft.unwrap_or_default()
    }

    /// Writes the manifest of a batch, as the file with this id. Returns whether there is room for it.
    fn write(&self, id: FileId, batch: BatchId, engine: &Engine) -> bool {
        let Ok(file) = self.assemble(batch, &all_not_stored(batch, engine)) else {
            return false;
        };
        let size = file.size() as u64;
        self.files.add(id, file, None);
        let (files, driver) = (Rc::clone(&self.files), self.driver.clone());
        spawn_local(async move {
            let written = files.sha256(id, 0..size).await;
            driver.event(match written {
                Ok(sha256) => Event::ManifestWritten {
                    manifest: id,
                    size,
                    sha256,
                },
                Err(_) => Event::ManifestNotWritten(id),
            });
        });
        true
    }

    /// At least one file of the batch is stored, so that those that are not come behind another.
    pub(crate) fn assemble(&self, batch: BatchId, not_stored: &[ManifestFile]) -> Result<File, JsValue> {
        let drafts = self.drafts.borrow();
        let head = match self.fields.borrow().get(&batch) {
            Some(fields) => head(batch, fields),
            None => head(batch, &Fields::new()),
        };
        let mut parts = Array::of1(&head.into());
        let mut text = String::new();
        if let Some(draft) = drafts.get(&batch) {
            parts.extend(draft.blobs.iter());
            text += &draft.text;
        }
        for file in not_stored {
            text.push(',');
            text += &json(file);
        }
        text += "]}\n";
        parts.push(&text.into());
        File::new_with_blob_sequence(&parts, "manifest")
    }
}

/// A time in milliseconds since 1970, as people in every language read it.
fn local_time(milliseconds: u64) -> String {
    let time = Date::new(&(milliseconds as f64).into());
    let (year, month, day) = (time.get_full_year(), time.get_month() + 1, time.get_date());
    format!(
        "{year}-{month:02}-{day:02} {:02}:{:02}",
        time.get_hours(),
        time.get_minutes()
    )
}

fn head(batch: BatchId, fields: &Fields) -> String {
    let opened = Date::new(&(batch.unix_milliseconds() as f64).into()).to_iso_string();
    format!(
        r#"{{"version":{MANIFEST_VERSION},"batch":"{batch}","opened":"{}","fields":{},"files":["#,
        String::from(opened),
        json(fields)
    )
}

fn manifest_file(file: &FileDescription, key: Option<String>, status: ManifestStatus) -> ManifestFile {
    ManifestFile {
        key,
        path: file.name.clone(),
        size: file.size,
        media_type: file.media_type.clone(),
        status,
    }
}

/// The files of a batch that were given up or cancelled.
pub(crate) fn all_not_stored(batch: BatchId, engine: &Engine) -> Vec<ManifestFile> {
    let files = engine.not_stored(batch);
    files
        .map(|(file, error)| manifest_file(file, None, not_stored(error)))
        .collect()
}

fn not_stored(error: Option<&UploadError>) -> ManifestStatus {
    match error {
        Some(error) => ManifestStatus::Failed {
            error: json(&error.kind).trim_matches('"').to_owned(),
        },
        None => ManifestStatus::Cancelled,
    }
}

fn checksum(checksum: ObjectChecksum) -> Checksum {
    let sha256 = checksum.sha256;
    Checksum {
        algorithm: ChecksumAlgorithm::Sha256,
        kind: match checksum.parts {
            Some(_) => ChecksumType::Composite,
            None => ChecksumType::FullObject,
        },
        value: match checksum.parts {
            Some(parts) => format!("{sha256}-{parts}"),
            None => sha256.to_string(),
        },
    }
}

/// The values are plain structures of strings and numbers, which always serialize.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_futures::JsFuture;
    use wasm_bindgen_test::wasm_bindgen_test;
    use wire::{Manifest, Sha256Digest};

    use super::*;

    fn manifests() -> (Manifests, BatchId) {
        let driver = DriverHandle::new(|_| {});
        let files = Files::new(driver.clone(), false);
        (
            Manifests::new(driver, files),
            BatchId::new(1_764_000_000_000, [7; 10]),
        )
    }

    fn file(name: String) -> FileDescription {
        FileDescription {
            name,
            size: 5,
            media_type: String::new(),
            last_modified: 0,
        }
    }

    #[wasm_bindgen_test]
    async fn a_manifest_of_many_files_is_one_document() {
        let (manifests, batch) = manifests();
        let digest = Sha256Digest::new([1; 32]);
        for number in 0..3_000 {
            let stored = StoredObject {
                key: format!("uploads/{batch}/\"{number}\".txt"),
                checksum: Some(ObjectChecksum {
                    sha256: digest,
                    parts: (number == 7).then_some(3),
                }),
                etag: Some("\"e\"".to_owned()),
            };
            manifests.note(batch, &file(format!("\"{number}\".txt")), &stored);
        }
        let is_in_blobs = |draft: &Draft| draft.blobs.len() > 1 && draft.text.len() < DRAFT_BYTES;
        assert!(manifests.drafts.borrow().get(&batch).is_some_and(is_in_blobs));
        let fields = Fields::from([("order".to_owned(), "\"47\" & 11 – 注文".to_owned())]);
        manifests.set_fields(batch, fields.clone());
        let cancelled = manifest_file(&file("last".to_owned()), None, not_stored(None));
        let written = manifests.assemble(batch, &[cancelled]).expect("a manifest");
        let text = JsFuture::from(written.text()).await.expect("its text");
        let manifest: Manifest = serde_json::from_str(&text.as_string().expect("text")).expect("JSON");
        assert_eq!(manifest.opened, "2025-11-24T16:00:00.000Z");
        assert_eq!(manifest.fields, fields);
        assert_eq!(manifest.files.len(), 3_001);
        assert_eq!(manifest.files[2_999].path, "\"2999\".txt");
        assert_eq!(manifest.files[3_000].status, ManifestStatus::Cancelled);
        let expected = ManifestStatus::Stored {
            checksum: Some(Checksum {
                algorithm: ChecksumAlgorithm::Sha256,
                kind: ChecksumType::Composite,
                value: format!("{digest}-3"),
            }),
            etag: Some("e".to_owned()),
        };
        assert_eq!(manifest.files[7].status, expected);
    }

    #[wasm_bindgen_test]
    fn a_batch_ends_once_nothing_more_comes() {
        let (manifests, batch) = manifests();
        let at = Duration::from_millis;
        assert_eq!(manifests.time_to_end(batch, at(0)), None);
        manifests.note_added(batch, at(1_000));
        assert_eq!(manifests.time_to_end(batch, at(1_100)), Some(at(400)));
        assert_eq!(manifests.time_to_end(batch, at(1_500)), None);
        manifests.note_folder(batch, false, at(2_000));
        assert_eq!(manifests.time_to_end(batch, at(60_000)), Some(QUIET));
        manifests.note_folder(batch, true, at(60_000));
        assert_eq!(manifests.time_to_end(batch, at(60_500)), None);
    }
}
