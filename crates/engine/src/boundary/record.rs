//! What is kept of an unfinished upload, so that it outlives the page.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use wire::{BatchId, Fields, Sha256Digest};

use crate::FileDescription;

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
    /// The batch that it belongs to; `None` if an earlier version kept it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchId>,
    /// Which file of its name in the batch it is; 0 for the only one so far.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub copy: u32,
    /// Whether it has ended: S3 has the object, or may have it although it was given up. Its key is kept until all of its
    /// batch is stored, so that no other file gets it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_ended: bool,
    /// What S3 has, if it has ended and that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<StoredObject>,
    /// What it is, if it is no file but the manifest of the batch. It has ended from the beginning, since it is written
    /// anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestRecord>,
    /// What the uploader answered, if it is no file but stands for the answers that belong to the batch. It has ended from
    /// the beginning.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub fields: Fields,
    /// The object that S3 may have of it. It is kept before the request is sent that makes it, so that a later page knows
    /// whose object it finds under the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectRecord>,
    /// The multipart upload, once S3 has made one. A file without one starts from its first byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multipart: Option<MultipartRecord>,
}

const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// An object that S3 may have, since a request that makes it may have been sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRecord {
    /// The object's key.
    pub key: String,
    /// The SHA-256 of its bytes, if it was a PutObject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256Digest>,
    /// When the file was last changed whose bytes it has, in milliseconds since 1970.
    pub last_modified: i64,
    /// The upload that it was made of, if every part of that is known: a file that was touched since is compared with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<CompletedUpload>,
}

impl ObjectRecord {
    /// The checksum that S3 has of it, if that is known.
    pub fn checksum(&self) -> Option<ObjectChecksum> {
        let upload = self.upload.as_ref();
        let of_parts = || upload.map(|upload| ObjectChecksum::of_parts(&upload.parts));
        self.sha256.map(ObjectChecksum::of_whole).or_else(of_parts)
    }
}

/// A multipart upload that S3 may have completed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CompletedUpload {
    /// The upload, without its parts.
    pub multipart: MultipartRecord,
    /// All of its parts.
    pub parts: Vec<CompletedPart>,
}

/// An object as S3 stored it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredObject {
    /// The object's key.
    pub key: String,
    /// Its checksum; `None` if an earlier page sent it and left no record of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<ObjectChecksum>,
    /// Its `ETag`, with its quotes; `None` if the answer that had it was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

/// The SHA-256 checksum of an object (Amazon S3 User Guide, "Checking object integrity").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectChecksum {
    /// Of all bytes; for a composite checksum, of the digests of the parts one after another.
    pub sha256: Sha256Digest,
    /// How many parts a composite checksum is of; `None` if it is of the full object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<u32>,
}

impl ObjectChecksum {
    /// The checksum of a full object, whose bytes have this SHA-256.
    pub const fn of_whole(sha256: Sha256Digest) -> Self {
        Self { sha256, parts: None }
    }

    /// The checksum of an object that is made of these parts, in their order.
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a CompletedPart>) -> Self {
        let (mut digests, mut count) = (Sha256::new(), 0);
        for part in parts {
            digests.update(part.sha256.as_bytes());
            count += 1;
        }
        Self {
            sha256: Sha256Digest::new(digests.finalize().into()),
            parts: Some(count),
        }
    }
}

/// The manifest of a batch that S3 may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestRecord {
    /// Which manifest of the batch it is, from 1 on.
    pub edition: u32,
    /// The SHA-256 of its bytes.
    pub sha256: Sha256Digest,
}

/// A multipart upload that S3 knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MultipartRecord {
    /// The object's key.
    pub key: String,
    /// S3's id of the upload.
    pub upload_id: String,
    /// The size in bytes that was planned for every part but the last.
    pub part_size: u64,
    /// From which parts on other sizes hold, in the order of the parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub part_size_changes: Vec<PartSizeChange>,
    /// What holds for its parts.
    #[serde(default, skip_serializing_if = "PartRules::are_amazons")]
    pub rules: PartRules,
    /// When S3 made it, in seconds since 1970 on the servers' clock.
    pub created: Option<u64>,
    /// When S3 last showed that it has it, likewise.
    pub seen: Option<u64>,
    /// The parts that S3 stored. They are kept one by one beside the rest, so that a part costs the
    /// same to keep however many there are.
    #[serde(skip)]
    pub parts: Vec<CompletedPart>,
}

/// What a service asks of the parts of an upload, if that is not what Amazon S3 does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartRules {
    /// Whether all parts but the last have one size.
    #[serde(default)]
    pub constant_size: bool,
    /// Whether the requests have no checksum, so that the service lists none and Complete names none.
    #[serde(default)]
    pub without_checksums: bool,
}

impl PartRules {
    /// Whether they are those of Amazon S3.
    pub const fn are_amazons(&self) -> bool {
        !self.constant_size && !self.without_checksums
    }

    /// Whether S3 knows the checksums of the parts.
    pub const fn has_checksums(self) -> bool {
        !self.without_checksums
    }
}

/// One part that S3 stored, as CompleteMultipartUpload wants it (Amazon S3 API Reference, "CompletedPart").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletedPart {
    /// The part number: 1 to 10,000.
    pub number: u32,
    /// The `ETag` that S3 answered, with its quotes.
    pub etag: String,
    /// The part's SHA-256.
    pub sha256: Sha256Digest,
}

/// From this part on, parts have another size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartSizeChange {
    /// The number of the first part of this size.
    pub first_part: u32,
    /// The size in bytes of every part from then on but the last.
    pub part_size: u64,
}

impl UploadRecord {
    /// Stands for what the uploader of a batch answered.
    pub const fn of_fields(batch: BatchId, fields: Fields) -> Self {
        Self {
            name: String::new(),
            size: 0,
            media_type: String::new(),
            last_modified: 0,
            batch: Some(batch),
            copy: 0,
            has_ended: true,
            stored: None,
            manifest: None,
            fields,
            object: None,
            multipart: None,
        }
    }

    /// The key of the object that S3 has or may have.
    pub fn object_key(&self) -> Option<&str> {
        let stored = self.stored.as_ref().map(|stored| &stored.key);
        let key = stored.or_else(|| self.object.as_ref().map(|object| &object.key));
        key.map(String::as_str)
    }

    /// What is known of its file.
    pub fn description(&self) -> FileDescription {
        FileDescription {
            name: self.name.clone(),
            size: self.size,
            media_type: self.media_type.clone(),
            last_modified: self.last_modified,
        }
    }
}
