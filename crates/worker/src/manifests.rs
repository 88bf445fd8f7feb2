//! The manifests of the batches: what is noted for them, and how they are written.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use engine::{Engine, Event, FileDescription, FileId, ObjectChecksum, StoredObject, UploadError};
use js_sys::{Array, Date};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, File};
use wire::{
    BatchId, Checksum, ChecksumAlgorithm, ChecksumType, MANIFEST_VERSION, ManifestFile, ManifestStatus,
};

use crate::{files::Files, to_driver::DriverHandle};

/// How much of a draft is in this worker's memory. The rest is in blobs, which the browser keeps where it has room.
const DRAFT_BYTES: usize = 256 * 1024;

/// Notes what is stored of each batch, and writes its manifest when it has ended.
pub(crate) struct Manifests {
    driver: DriverHandle,
    files: Rc<Files>,
    drafts: RefCell<HashMap<BatchId, Draft>>,
}

/// The stored files of a batch, as the elements of a JSON array.
#[derive(Default)]
struct Draft {
    blobs: Vec<Blob>,
    text: String,
}

impl Draft {
    fn push(&mut self, file: &ManifestFile) -> Result<(), JsValue> {
        if !self.blobs.is_empty() || !self.text.is_empty() {
            self.text.push(',');
        }
        self.text += &json(file);
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
        }
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

    /// Writes the manifest of a batch, as the file with this id. One that cannot be written is written by a later page.
    pub(crate) fn write(&self, id: FileId, batch: BatchId, engine: &Engine) {
        let not_stored: Vec<ManifestFile> = engine
            .not_stored(batch)
            .map(|(file, error)| manifest_file(file, None, not_stored(error)))
            .collect();
        let Ok(file) = self.assemble(batch, &not_stored) else {
            return;
        };
        let size = file.size() as u64;
        self.files.add(id, file, None);
        let (files, driver) = (Rc::clone(&self.files), self.driver.clone());
        spawn_local(async move {
            if let Ok(sha256) = files.sha256(id, 0..size).await {
                driver.event(Event::ManifestWritten {
                    manifest: id,
                    size,
                    sha256,
                });
            }
        });
    }

    /// At least one file of the batch is stored, so that those that are not come behind another.
    fn assemble(&self, batch: BatchId, not_stored: &[ManifestFile]) -> Result<File, JsValue> {
        let drafts = self.drafts.borrow();
        let mut parts = Array::of1(&head(batch).into());
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

fn head(batch: BatchId) -> String {
    let opened = Date::new(&(batch.unix_milliseconds() as f64).into()).to_iso_string();
    let fields = BTreeMap::<String, String>::new();
    format!(
        r#"{{"version":{MANIFEST_VERSION},"batch":"{batch}","opened":"{}","fields":{},"files":["#,
        String::from(opened),
        json(&fields)
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
