//! What the page and the Lambda say to each other: serde types and error codes, nothing else.
//!
//! Every type is JSON in camelCase. Requests refuse unknown fields, so that a misspelt field is
//! an error and not a silently ignored wish; answers tolerate them, so that a newer Lambda can
//! serve an older page.

mod digest;
mod error;
mod sign;
mod signed_request;
mod uploads;
mod verdicts;

pub use digest::{InvalidSha256, Sha256Digest};
pub use error::{ApiError, ErrorBody, ErrorCode};
pub use sign::{MultipartOperation, OperationOutcome, SignRequest, SignResponse};
pub use signed_request::{HttpMethod, SignedRequest};
pub use uploads::{FilePlan, FileToUpload, PlanOutcome, UploadsRequest, UploadsResponse};
pub use verdicts::{Verdict, VerdictOutcome, VerdictsRequest, VerdictsResponse};

use serde::{Deserialize, Serialize};

/// Most files in one `POST /uploads`, operations in one `POST /sign` and keys in one `POST /verdicts`.
pub const MAX_BATCH: usize = 100;

/// Largest file, in bytes, that always travels as one PutObject.
pub const SMALL_FILE_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Largest file, in bytes, that may travel as one PutObject: it does if its SHA-256 is given. Every larger one
/// is a multipart upload.
pub const SINGLE_PUT_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Smallest planned size in bytes of every part but the last, as long as [`MAX_PARTS`] of them hold the file.
pub const DEFAULT_PART_BYTES: u64 = 8 * 1024 * 1024;

/// Size in bytes up to which a client may make parts larger than planned, where its network is fast.
pub const GROWN_PART_MAX_BYTES: u64 = 32 * 1024 * 1024;

/// Most parts of one multipart upload (Amazon S3 multipart upload limits).
pub const MAX_PARTS: u64 = 10_000;

/// Largest part in bytes: 5 GiB (Amazon S3 multipart upload limits).
pub const MAX_PART_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// Longest object key in bytes of UTF-8 (Amazon S3 User Guide, "Naming Amazon S3 objects").
pub const MAX_KEY_BYTES: usize = 1024;

/// The answer to `GET /presign?key=K`: the published contract, usable with `curl -T FILE "$uploadURL"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresignResponse {
    /// Where to PUT the object, once, before the URL expires; no special header is needed.
    #[serde(rename = "uploadURL")]
    pub upload_url: String,
    /// The object's key as it was asked for.
    pub key: String,
}
