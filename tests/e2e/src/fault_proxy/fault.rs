//! What can happen to a request.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

/// What happens to a request on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is passed on after this time.
    Delay(Duration),
    /// The first so many bytes of its body are passed on, and then both connections are closed. Where the
    /// body is shorter, nothing is passed on.
    Cut {
        /// Bytes of the body.
        after: u64,
    },
    /// So many bytes of its body are read and nothing is passed on. Then the browser's connection is reset
    /// (TCP RST, by `SO_LINGER` of 0 seconds, socket(7)).
    Reset {
        /// Bytes of the body.
        after: u64,
    },
    /// Its body is passed on no faster than this.
    Throttle {
        /// Bytes a second; more than 0.
        bytes_per_second: u64,
    },
    /// One byte of its body is changed.
    Corrupt {
        /// Which one, from 0.
        at: u64,
    },
    /// It is read to its end, answered so, and not passed on.
    Answer(Answer),
    /// It is passed on and carried out, and its connection is closed in place of the answer.
    LoseAnswer,
    /// It is read to its end, and nothing follows for a minute; then its connection is closed, as servers and
    /// routers do with one that is silent. Chromium keeps the connection of a preflight that has no answer even
    /// after its request was aborted, and six of them would keep the page from S3 for ever.
    BlackHole,
}

/// An answer that nobody but the proxy gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
}

impl Answer {
    /// An error of S3 (Amazon S3 API Reference, "Error responses"). A status of 200 gives a success with
    /// `<Error>` in its body, as CompleteMultipartUpload can have it.
    pub fn s3(status: StatusCode, code: &str, message: &str) -> Self {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
             <RequestId>FAULTPROXY</RequestId><HostId>proxy</HostId></Error>"
        );
        Self {
            status,
            content_type: "application/xml",
            body: body.into(),
        }
    }

    /// An error of API Gateway itself, which has the form `{"message": …}`.
    pub fn gateway(status: StatusCode, message: &str) -> Self {
        Self {
            status,
            content_type: "application/json",
            body: format!("{{\"message\":\"{message}\"}}").into(),
        }
    }
}
