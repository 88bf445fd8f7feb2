//! What is known of an object or a part besides its bytes.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use time::OffsetDateTime;

use crate::checksum::{Algorithm, Checksum, ChecksumType};

/// Bytes in a staged file, flushed to the disk, and what was computed from them.
pub(crate) struct StagedBytes {
    pub(crate) file: NamedTempFile,
    /// In bytes.
    pub(crate) size: u64,
    /// The ETag without its quotes.
    pub(crate) etag: String,
    pub(crate) checksum: Checksum,
}

/// An object's metadata: one JSON file beside, never inside, the object's own file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ObjectRecord {
    pub(crate) key: String,
    /// Where the object's file lies below the bucket's folder.
    pub(crate) path: PathBuf,
    /// Which file the record describes, so that a crash between two renames can be noticed.
    pub(crate) fingerprint: Fingerprint,
    /// The ETag without its quotes.
    pub(crate) etag: String,
    /// The checksum that HEAD and GET answer.
    pub(crate) checksum: Checksum,
    /// Content-Type, `x-amz-meta-*` and the like, by lower-case name.
    pub(crate) headers: BTreeMap<String, String>,
    /// When the object was stored.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) last_modified: OffsetDateTime,
    /// The multipart upload that made the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upload_id: Option<String>,
}

/// The size and time of a file: renaming keeps both, writing changes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    /// The file's size in bytes.
    pub(crate) size: u64,
    /// The time of the last write, in nanoseconds since 1970-01-01T00:00:00Z.
    modified: u64,
}

impl Fingerprint {
    /// The fingerprint of the file at `path`.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        let since_epoch = metadata
            .modified()?
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Ok(Self {
            size: metadata.len(),
            modified: u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX),
        })
    }
}

/// A multipart upload as it was created.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct UploadRecord {
    /// The key of the object to be.
    pub(crate) key: String,
    /// The headers of the object to be.
    pub(crate) headers: BTreeMap<String, String>,
    /// The checksum of the object to be; `None` if the client named no algorithm.
    pub(crate) checksum: Option<(Algorithm, ChecksumType)>,
    /// Whether an object had the key when the upload was created.
    #[serde(default)]
    pub(crate) key_was_taken: bool,
}

/// One stored part.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PartRecord {
    /// 1 to 10,000.
    pub(crate) number: u16,
    /// The size in bytes.
    pub(crate) size: u64,
    /// The ETag without its quotes: the part's MD5 in hexadecimal.
    pub(crate) etag: String,
    pub(crate) checksum: Checksum,
    /// The name of the part's file in the upload's folder.
    pub(crate) file: String,
    /// When the part was stored.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) last_modified: OffsetDateTime,
}

/// The current time in whole seconds, because S3's times have no fraction.
pub(crate) fn now() -> OffsetDateTime {
    let now = OffsetDateTime::from(SystemTime::now());
    now.replace_nanosecond(0).unwrap_or(now)
}

/// Staged bytes for tests, with the ETag `etag`.
#[cfg(test)]
pub(super) fn test_bytes(store: &super::Store, bytes: &[u8]) -> StagedBytes {
    use std::io::Write as _;

    let mut file = store.stage().expect("a staged file");
    file.write_all(bytes).expect("bytes written");
    StagedBytes {
        file,
        size: bytes.len() as u64,
        etag: "etag".to_owned(),
        checksum: Checksum::of(Algorithm::Crc64Nvme, bytes),
    }
}
