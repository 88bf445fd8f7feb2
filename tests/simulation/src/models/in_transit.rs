//! Requests to S3 and calls to the Lambda on their way.

use std::ops::Range;

use engine::{ApiRoute, BodySource, HttpAnswer, Ticket, TransportFailure};

use crate::models::{
    disk::Content,
    lambda::Grant,
    manifests::Manifest,
    network::{Fate, Outcome},
};

/// What comes of a request or a call.
pub(crate) type Answer = Result<HttpAnswer, TransportFailure>;

/// What a request to S3 carries.
#[derive(Clone, Debug)]
pub(crate) enum Payload {
    Range(Range<u64>),
    Manifest(Manifest),
    Text(String),
}

impl Payload {
    /// How many bytes it has, if the browser reports their progress.
    pub(crate) fn size(&self) -> Option<u64> {
        match self {
            Self::Range(range) => Some(range.end - range.start),
            Self::Manifest(manifest) => Some(manifest.size()),
            Self::Text(_) => None,
        }
    }
}

/// A request to S3 on its way.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) ticket: Ticket,
    pub(crate) grant: Grant,
    pub(crate) payload: Payload,
    pub(crate) body: BodySource,
    /// What was read into memory before it started.
    pub(crate) in_memory: Option<Content>,
    /// Whether the browser has reported that its whole body is out.
    pub(crate) is_out: bool,
    pub(crate) fate: Fate,
    /// When it started, in seconds of the servers' clock.
    pub(crate) started: u64,
    pub(crate) cancelled: bool,
    /// Whether its connection died while the machine slept.
    pub(crate) dead: bool,
    /// Whether it has reached S3, or got lost on its way.
    pub(crate) arrived: bool,
}

/// A call to the Lambda on its way.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) route: ApiRoute,
    pub(crate) body: String,
    pub(crate) fate: Fate,
    pub(crate) cancelled: bool,
    pub(crate) dead: bool,
}

impl Request {
    /// The bytes that it carries.
    pub(crate) fn size(&self) -> u64 {
        self.payload.size().unwrap_or(0)
    }

    /// Whether its body is out, and S3 is about to answer it.
    pub(crate) const fn is_being_forwarded(&self) -> bool {
        let may_fail = self.cancelled || self.dead || self.arrived;
        self.is_out && !may_fail && matches!(self.fate.outcome, Outcome::Answered)
    }
}
