//! What the outside reports of a request or a file, before any judgement.

/// An HTTP answer, read to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status code (RFC 9110, section 15).
    pub status: u16,
    /// `ETag`, if the bucket's CORS configuration exposes it.
    pub etag: Option<String>,
    /// `x-amz-request-id`, if it is exposed.
    pub request_id: Option<String>,
    /// The body as text.
    pub body: String,
}

/// A request that ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportFailure {
    /// The browser could not connect, lost the connection, or withheld the answer because CORS did
    /// not allow it; it does not distinguish these. The request may still have been carried out.
    NoAnswer,
    /// Nothing moved for [`Settings::stall`](crate::Settings::stall), so that the request was given up.
    /// It may still have been carried out.
    Stalled,
}

/// A file that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFailure {
    /// The file is not there any more (`NotFoundError`, W3C File API).
    Missing,
    /// The file changed since it was picked, or may not be read (`NotReadableError`, W3C File API).
    Unreadable,
}
