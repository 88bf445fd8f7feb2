//! The contract between the page and the Lambdas: serde types, error codes, limits and the names of headers, nothing
//! else.
//!
//! Every type is JSON in camelCase. Requests refuse unknown fields, so that a misspelt field is an error and is not
//! silently ignored; answers tolerate them, so that a newer Lambda can serve an older page. The Lambdas read the
//! request types, and the page the response types, so that neither has a second copy of the contract.
//!
//! | route | request | answer |
//! |---|---|---|
//! | `GET /presign?key=K`, where files are limited with `&contentType=T&contentLength=N` | | [`PresignResponse`] |
//! | `POST /uploads` | [`UploadsRequest`] | [`UploadsResponse`] |
//! | `POST /sign` | [`SignRequest`] | [`SignResponse`] |
//! | `POST /manifests` | [`ManifestRequest`] | [`ManifestResponse`] |
//! | `POST /verdicts` | [`VerdictsRequest`] | [`VerdictsResponse`] |
//! | `POST /links` | [`LinkRequest`] | [`LinkResponse`] |
//! | `GET /link`, with an upload link | | [`LinkTerms`] |
//!
//! `POST /link/uploads`, `/link/sign`, `/link/manifests` and `/link/verdicts` are the same for who has an upload link:
//! a [`Link`] as a signed token in the header `Authorization: Bearer …`.
//!
//! A refusal of any of them is an [`ErrorBody`] with the status of its [`ErrorCode`].

#![warn(missing_docs)]

mod digest;
mod endpoint;
mod error;
mod headers;
mod ids;
mod link;
mod manifests;
mod sign;
mod signed_request;
mod text;
mod uploads;
mod verdicts;

pub use digest::{InvalidSha256, Sha256Digest};
pub use endpoint::Endpoint;
pub use error::{ApiError, ErrorBody, ErrorCode};
pub use headers::{
    CHECKSUM_ALGORITHM, ETAG, EXPOSED_HEADERS, IF_NONE_MATCH, REQUEST_ID, SIGNED_HEADERS, STORAGE_HEADERS,
};
pub use ids::{BatchId, InvalidBatchId, InvalidLinkId, LinkId};
pub use link::{
    LINKS_FOLDER, Link, LinkRequest, LinkResponse, LinkTerms, MAX_LINK_BYTES, MAX_LINK_FOLDER_BYTES,
    MAX_LINK_SECONDS,
};
pub use manifests::{
    Checksum, ChecksumAlgorithm, ChecksumType, Fields, MANIFEST_SUFFIX, MANIFEST_TYPE, MANIFEST_VERSION,
    MAX_MANIFEST_BYTES, MAX_MANIFEST_EDITION, Manifest, ManifestFile, ManifestRequest, ManifestResponse,
    ManifestStatus, has_manifest_suffix, is_manifest_name, manifest_name,
};
pub use sign::{MultipartOperation, OperationOutcome, SignRequest, SignResponse};
pub use signed_request::{HttpMethod, SignedRequest};
pub use uploads::{FilePlan, FileToUpload, PartSizes, PlanOutcome, UploadsRequest, UploadsResponse};
pub use verdicts::{Verdict, VerdictOutcome, VerdictsRequest, VerdictsResponse};

use serde::{Deserialize, Serialize};

/// The most files in one `POST /uploads`, operations in one `POST /sign` and keys in one `POST /verdicts`.
pub const MAX_BATCH: usize = 100;

/// The largest file, in bytes, that is always sent as one PutObject.
pub const SMALL_FILE_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The largest file, in bytes, that may be sent as one PutObject: it is if its SHA-256 is given. Every larger one is a
/// multipart upload.
pub const SINGLE_PUT_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// The smallest planned size in bytes of every part but the last, as long as [`MAX_PARTS`] of them hold the file.
pub const DEFAULT_PART_BYTES: u64 = 8 * 1024 * 1024;

/// Size in bytes up to which a client may make parts larger than planned if its network is fast.
pub const GROWN_PART_MAX_BYTES: u64 = 32 * 1024 * 1024;

/// The most parts of one multipart upload (Amazon S3 multipart upload limits).
pub const MAX_PARTS: u64 = 10_000;

/// The smallest part in bytes, but for the last one: 5 MiB (Amazon S3 multipart upload limits).
pub const MIN_PART_BYTES: u64 = 5 * 1024 * 1024;

/// The largest part in bytes: 5 GiB (Amazon S3 multipart upload limits).
pub const MAX_PART_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// The longest object key in bytes of UTF-8 (Amazon S3 User Guide, "Naming Amazon S3 objects").
pub const MAX_KEY_BYTES: usize = 1024;

/// The answer to `GET /presign?key=K`: the published contract, usable with `curl -T FILE "$uploadURL"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresignResponse {
    /// Where to PUT the object, once, before the URL expires. No special header is needed, but where files are limited
    /// the `Content-Type` that was asked for.
    #[serde(rename = "uploadURL")]
    pub upload_url: String,
    /// The key as it was asked for; the object lies below the deployment's prefix.
    pub key: String,
}
