//! The settings of the engine, which whoever deploys the page can change.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wire::MAX_BATCH;

/// The settings of the engine. [`Settings::default`] has those of a page that configures nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// How many S3 requests may be in flight at once to one endpoint of the bucket, over all files and parts. 0 counts
    /// as 1.
    pub parallel_requests: usize,
    /// Whether the bucket has a second endpoint, which takes as many.
    pub second_endpoint: bool,
    /// How many hashes may be in flight at once; 0 counts as 1. Each holds one part or one file in memory, or
    /// [`READ_TOGETHER_FILES`](crate::READ_TOGETHER_FILES) of at most
    /// [`READ_TOGETHER_BYTES`](crate::READ_TOGETHER_BYTES).
    pub parallel_hashes: usize,
    /// Failures in a row, without a byte moved between them, after which a file is given up. At least 1.
    pub max_attempts: u32,
    /// How often in a row a request is signed again because S3 called it expired or its clock wrong.
    pub max_signature_refreshes: u32,
    /// The first back-off; each further one is twice as long.
    pub backoff_base: Duration,
    /// The longest back-off.
    pub backoff_limit: Duration,
    /// How long a request may show no progress before it is given up and sent again.
    pub stall: Duration,
    /// Whether every body is read into memory before it is sent ([`BodySource::Bytes`](crate::BodySource::Bytes)),
    /// for browsers that do not send slices of files reliably.
    pub bodies_as_bytes: bool,
    /// The largest body of one request in bytes, for devices with little memory; `None` for no bound but S3's. A
    /// part that is not the last is never smaller than S3 allows (5 MiB).
    pub max_request_bytes: Option<u64>,
    /// How many files one call may plan, at least 1: an upload link may allow fewer than the API.
    pub files_per_plan: usize,
    /// Whether a manifest is stored for each batch that has ended.
    pub manifests: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            parallel_requests: 6,
            second_endpoint: false,
            parallel_hashes: 3,
            max_attempts: 8,
            max_signature_refreshes: 3,
            backoff_base: Duration::from_secs(1),
            backoff_limit: Duration::from_secs(60),
            stall: Duration::from_secs(30),
            bodies_as_bytes: false,
            max_request_bytes: None,
            files_per_plan: MAX_BATCH,
            manifests: false,
        }
    }
}
