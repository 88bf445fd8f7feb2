//! The endpoints of one bucket.

use serde::{Deserialize, Serialize};

/// Which of a bucket's endpoints a request is signed for. In JSON it is a flag: whether it is the second one.
///
/// A browser opens at most six connections to one host, so that a bucket with a second address (for Amazon S3
/// its dual-stack endpoint: Amazon S3 User Guide, "Using Amazon S3 dual-stack endpoints") takes twice as many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub enum Endpoint {
    /// The regional one, which every bucket has.
    #[default]
    First,
    /// The second one, if the bucket has one.
    Second,
}

impl Endpoint {
    /// Whether it is the one that every bucket has.
    pub const fn is_first(&self) -> bool {
        matches!(self, Self::First)
    }
}

impl From<bool> for Endpoint {
    fn from(is_second: bool) -> Self {
        if is_second { Self::Second } else { Self::First }
    }
}

impl From<Endpoint> for bool {
    fn from(endpoint: Endpoint) -> Self {
        !endpoint.is_first()
    }
}
