//! What the page says of the upload link that it was opened with.

use serde::{Deserialize, Serialize};

/// What an upload link allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkTerms {
    /// The link's title, and then what its maker says to whoever has it: lines, each of which may be missing.
    pub words: String,
    /// Until when it is valid, in seconds since 1970-01-01T00:00:00Z.
    pub expires_at: u64,
    /// As [`crate::Limits::accept`].
    pub accept: String,
    /// As [`crate::Limits::max_file_bytes`].
    pub max_file_bytes: u64,
}
