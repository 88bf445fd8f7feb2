//! What can go wrong with a request.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use super::phase::Phase;
use crate::relay::Rate;

/// What goes wrong with a request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It is passed on after this time.
    Delay(Duration),
    /// `after` bytes of its body are passed on, and then both connections are closed. If the
    /// body is shorter, nothing is passed on.
    Cut { after: u64 },
    /// `after` bytes of its body are read and nothing is passed on. Then the browser's connection is reset
    /// (TCP RST, by `SO_LINGER` of 0 seconds, socket(7)).
    Reset { after: u64 },
    /// Its body is passed on no faster than this, which is more than 0.
    Throttle { bytes_per_second: u64 },
    /// Its body is read as fast as the browser sends it, and passed on at this rate, also after the browser gave up:
    /// so do virus scanners and other middleboxes.
    Swallow(Rate),
    /// The byte of its body at this offset is changed.
    Corrupt { at: u64 },
    /// It is read to its end, answered like this, and not passed on.
    Answer(Answer),
    /// If its body is larger than this, it is answered like that; else it is passed on.
    RefuseAbove { bytes: u64, answer: Answer },
    /// It is passed on, and its answer loses these headers.
    StripHeaders(&'static [&'static str]),
    /// It is passed on and carried out, and its connection is closed in place of the answer.
    LoseAnswer,
    /// It is passed on and carried out, and nothing follows on the connection, which stays open for longer than the
    /// page is patient. Then that is closed.
    WithholdAnswer,
    /// It is read to its end, and nothing follows for a minute; then its connection is closed, as servers and
    /// routers do with one that is silent. Chromium keeps the connection of an unanswered preflight even
    /// after its request was aborted, and six of them would keep the page from S3 forever.
    BlackHole,
}

/// A line of a plan: which requests meet a fault, and how many of them.
#[derive(Clone, Debug)]
pub struct Rule {
    fault: Fault,
    phases: Vec<Phase>,
    left: usize,
}

impl Fault {
    /// The rule that every request of these phases meets it.
    pub fn at(self, phases: &[Phase]) -> Rule {
        Rule {
            fault: self,
            phases: phases.to_vec(),
            left: usize::MAX,
        }
    }
}

impl Rule {
    /// The same for the first request alone.
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// The same for this many requests, and none after them.
    pub fn times(self, times: usize) -> Self {
        Self { left: times, ..self }
    }

    /// The fault, if a request of this phase meets it; it then counts as met.
    pub(super) fn meet(&mut self, phase: Phase) -> Option<Fault> {
        let is_met = self.left > 0 && self.phases.contains(&phase);
        is_met.then(|| {
            self.left -= 1;
            self.fault.clone()
        })
    }
}

/// An answer that comes from the proxy itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
}

impl Answer {
    /// An answer of something that is neither S3 nor the API, such as a portal, a proxy or a firewall. Its CORS headers
    /// let the page read it.
    pub fn foreign(status: StatusCode, content_type: &'static str, body: &'static str) -> Self {
        Self {
            status,
            content_type,
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    /// An error of S3 (Amazon S3 API Reference, "Error responses"). With status 200 it is a success that has
    /// `<Error>` in its body, as CompleteMultipartUpload can answer.
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
