//! What has to outlive the page of an upload that is not finished.

use serde::{Deserialize, Serialize};

use crate::{
    CompletedPart, Engine, FileDescription, FileId, PartSizeChange,
    file::{File, State, Work},
    multipart::Parts,
};

/// What is kept of an unfinished upload: enough to go on with it when its file is there again, and
/// nothing of the file's content but checksums.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UploadRecord {
    /// The file's name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its media type; may be empty.
    pub media_type: String,
    /// When it was last changed, in milliseconds since 1970.
    pub last_modified: i64,
    /// The multipart upload, once S3 has made one. A file without one begins from its first byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multipart: Option<MultipartRecord>,
}

/// A multipart upload that S3 knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MultipartRecord {
    /// The object's key.
    pub key: String,
    /// S3's name for the upload.
    pub upload_id: String,
    /// The size in bytes that was planned for every part but the last.
    pub part_size: u64,
    /// Where other sizes begin, in the order of the parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub part_size_changes: Vec<PartSizeChange>,
    /// When S3 made it, in seconds since 1970 on the servers' clock.
    pub created: Option<u64>,
    /// When S3 last showed that it has it, likewise.
    pub seen: Option<u64>,
    /// The parts that S3 stored. They are kept one by one beside the rest, so that a part costs the
    /// same to keep however many there are.
    #[serde(skip)]
    pub parts: Vec<CompletedPart>,
}

impl UploadRecord {
    pub(crate) fn description(&self) -> FileDescription {
        FileDescription {
            name: self.name.clone(),
            size: self.size,
            media_type: self.media_type.clone(),
            last_modified: self.last_modified,
        }
    }

    fn new(file: &FileDescription, parts: Option<&Parts>) -> Self {
        Self {
            name: file.name.clone(),
            size: file.size,
            media_type: file.media_type.clone(),
            last_modified: file.last_modified,
            multipart: parts.map(MultipartRecord::new),
        }
    }
}

impl MultipartRecord {
    fn new(parts: &Parts) -> Self {
        Self {
            key: parts.key.clone(),
            upload_id: parts.upload_id.clone(),
            part_size: parts.layout.planned(),
            part_size_changes: parts.layout.changes(),
            created: parts.created,
            seen: parts.seen,
            parts: parts.recorded_parts(),
        }
    }
}

impl Engine {
    /// What has to be kept of a file; nothing where it has ended or another tab keeps it.
    pub fn record(&self, id: FileId) -> Option<UploadRecord> {
        let file = self.files.get(id).filter(|file| file.is_kept())?;
        match &file.state {
            State::Interrupted(interrupted) => Some(interrupted.record.clone()),
            State::Elsewhere => None,
            _ => Some(UploadRecord::new(
                &file.description,
                file.work().and_then(Work::parts),
            )),
        }
    }

    /// A part that S3 stored, of a file whose upload is under way.
    pub fn recorded_part(&self, id: FileId, number: u32) -> Option<&CompletedPart> {
        let work = self.files.get(id).and_then(File::work)?;
        work.parts()?.completed_part(number)
    }

    /// Every interrupted upload whose file has to come back, with what that file has to be.
    pub fn interrupted(&self) -> impl Iterator<Item = (FileId, &FileDescription)> {
        self.files
            .iter()
            .filter(|(_, file)| matches!(file.state, State::Interrupted(_)))
            .map(|(id, file)| (id, &file.description))
    }
}
