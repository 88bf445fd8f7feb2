//! Sending a request, with or without being told how much of it was sent.

mod fetch;
mod xhr;

use engine::{HttpAnswer, TransportFailure};
use web_sys::Blob;
use wire::SignedRequest;

use super::in_flight::InFlight;

pub(crate) use fetch::Fetch;
pub(crate) use xhr::Xhr;

/// What a request carries.
pub(crate) enum Body {
    /// Nothing.
    Empty,
    /// A small text.
    Text(String),
    /// Bytes of a file, which the browser streams from the disk.
    Blob(Blob),
}

/// What is told of a request.
pub(crate) enum Told {
    /// So many bytes of the body were sent.
    Progress(u64),
    /// It ended.
    Ended(Result<HttpAnswer, TransportFailure>),
}

/// One way to send a request.
pub(crate) trait Transport {
    /// Sends the request and tells of it until it ends or the guard is dropped. `tell` is never
    /// called before this returns.
    fn send(&self, request: &SignedRequest, body: Body, tell: impl Fn(Told) + 'static) -> InFlight;
}
