//! What the function does to objects, apart from how.

use std::{collections::BTreeMap, ops::Range};

use thiserror::Error;

/// Tags by name.
pub type Tags = BTreeMap<String, String>;

/// One object, or one version of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectVersion {
    /// The key, decoded.
    pub key: String,
    /// The version, if the bucket keeps versions; else the object that has the key now.
    pub version_id: Option<String>,
}

/// What is known of an object without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its `Content-Type`.
    pub content_type: String,
    /// Its `Content-Encoding`, if it has one.
    pub content_encoding: Option<String>,
    /// Its size in bytes.
    pub size: u64,
    /// Its ETag without quotes.
    pub etag: String,
    /// Its SHA-256 in base64; of a multipart upload the composite one, with `-` and the number of parts.
    pub sha256: Option<String>,
}

/// Why a request to the store failed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The store refused.
    #[error("{operation} was answered {status} {code}")]
    Refused {
        /// The operation by its AWS name.
        operation: &'static str,
        /// The status of the answer.
        status: u16,
        /// S3's error code, empty if the answer had no body.
        code: String,
    },
    /// There was no answer, or one that makes no sense.
    #[error("{operation} failed: {reason}")]
    Failed {
        /// The operation by its AWS name.
        operation: &'static str,
        /// What happened.
        reason: String,
    },
}

/// Where objects are. Every method returns `None`, or does nothing, for an object that is not there any more.
pub trait ObjectStore: Send + Sync {
    /// What is known of an object (HeadObject).
    ///
    /// # Errors
    ///
    /// If the store refuses or does not answer.
    fn describe(&self, object: &ObjectVersion) -> Result<Option<Description>, StoreError>;

    /// These bytes of an object, which is not shorter (GetObject).
    ///
    /// # Errors
    ///
    /// As [`Self::describe`].
    fn bytes(&self, object: &ObjectVersion, range: Range<u64>) -> Result<Option<Vec<u8>>, StoreError>;

    /// The tags of an object (GetObjectTagging).
    ///
    /// # Errors
    ///
    /// As [`Self::describe`].
    fn tags(&self, object: &ObjectVersion) -> Result<Option<Tags>, StoreError>;

    /// Replaces the tags of an object by these (PutObjectTagging).
    ///
    /// # Errors
    ///
    /// As [`Self::describe`].
    fn set_tags(&self, object: &ObjectVersion, tags: &Tags) -> Result<(), StoreError>;
}
