//! What a person who deploys the page can set about the engine.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The engine's numbers. [`Settings::default`] has those of the design.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Most S3 requests under way at once to one address of the bucket, over all files and parts. At least 1.
    pub parallel_requests: usize,
    /// Whether the bucket has a second address, which takes as many.
    pub second_endpoint: bool,
    /// Most hashes under way at once, at least 1. Each holds one part or one file in memory, or
    /// [`READ_TOGETHER_FILES`](crate::READ_TOGETHER_FILES) of at most
    /// [`READ_TOGETHER_BYTES`](crate::READ_TOGETHER_BYTES).
    pub parallel_hashes: usize,
    /// Failures in a row, without a byte moved between them, after which a file is given up. At least 1.
    pub max_attempts: u32,
    /// How often a request is signed anew in a row because S3 called it expired or its clock wrong.
    pub max_resigns: u32,
    /// The first back-off; each further one is twice as long.
    pub backoff_base: Duration,
    /// The longest back-off.
    pub backoff_limit: Duration,
    /// How long a request may show no progress before it is given up and sent again.
    pub stall: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            parallel_requests: 6,
            second_endpoint: false,
            parallel_hashes: 3,
            max_attempts: 8,
            max_resigns: 3,
            backoff_base: Duration::from_secs(1),
            backoff_limit: Duration::from_secs(60),
            stall: Duration::from_secs(30),
        }
    }
}
