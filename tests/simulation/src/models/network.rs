//! What becomes of each request: decided when it is sent, from the seed.

use std::time::Duration;

use engine::HttpAnswer;
use fastrand::Rng;
use wire::{Endpoint, MIN_PART_BYTES};

use crate::{
    models::{
        lambda::Operation,
        s3_answers::{CUT_OFF, answer, error, expired},
    },
    scenario::{BlockedEndpoint, Broken, Rates, Scenario},
};

/// What becomes of a request.
#[derive(Clone, Debug)]
pub(crate) struct Fate {
    pub(crate) outcome: Outcome,
    /// From the first byte of the request to the last.
    pub(crate) sending: Duration,
    /// From there to the answer.
    pub(crate) answering: Duration,
    /// Whether the answer comes twice.
    pub(crate) duplicated: bool,
    /// What something on the way removes from the answer.
    pub(crate) stripped: Stripped,
    /// For how many seconds S3 goes on with a Complete whose answer was lost.
    pub(crate) completing: u64,
}

/// Which headers of an answer are removed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stripped {
    pub(crate) etag: bool,
    pub(crate) request_id: bool,
}

impl Stripped {
    pub(crate) fn strip(self, answer: HttpAnswer) -> HttpAnswer {
        HttpAnswer {
            etag: answer.etag.filter(|_| !self.etag),
            request_id: answer.request_id.filter(|_| !self.request_id),
            ..answer
        }
    }
}

/// How a request ends.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// It is carried out and answered.
    Answered,
    /// It does not arrive.
    Lost { silent: bool },
    /// It is carried out; the answer does not arrive.
    AnswerLost { silent: bool },
    /// It is not carried out, and this is the answer.
    Refused(HttpAnswer),
    /// It is carried out, and this is the answer all the same.
    DoneButRefused(HttpAnswer),
    /// Somebody else's object has the key.
    KeyTaken,
}

/// The network, and the faults of what is behind it.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) rates: Rates,
    pub(crate) broken: Option<Broken>,
    pub(crate) blocked: Option<BlockedEndpoint>,
    /// The largest body in bytes that passes to S3, and to the API.
    pub(crate) max_body: Option<u64>,
    pub(crate) max_call: Option<usize>,
    pub(crate) up: bool,
}

impl Network {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        Self {
            rates: scenario.rates.clone(),
            broken: scenario.broken,
            blocked: scenario.blocked,
            max_body: scenario.max_body,
            max_call: scenario.max_call,
            up: true,
        }
    }

    /// Opens every way, so that whatever can be stored can be stored at once. A way that takes the smallest parts of S3
    /// is open enough.
    pub(crate) fn open(&mut self) {
        self.broken = None;
        self.blocked = None;
        self.max_body = self.max_body.filter(|bytes| *bytes >= MIN_PART_BYTES);
    }

    /// Ends all faults: from now on everything arrives, once and soon.
    pub(crate) fn heal(&mut self) {
        self.rates = Rates::default();
        self.up = true;
    }

    /// The fate of a request to S3. Only the first request that could make an object may find its key
    /// taken: nobody else knows the batch, so after a lost answer the object under it is one's own.
    pub(crate) fn s3_fate(&self, random: &mut Rng, operation: &Operation, may_be_taken: bool) -> Fate {
        let sending = match operation {
            Operation::PutObject { size, .. } | Operation::UploadPart { size, .. } => {
                Duration::from_millis(20 + size * random.u64(50..500) / (1024 * 1024))
            }
            _ => Duration::from_millis(random.u64(5..100)),
        };
        let outcome = self
            .broken(random, breaks(operation))
            .or_else(|| self.out_of_reach(random))
            .or_else(|| self.lost(random))
            .or_else(|| self.too_large(random, operation))
            .or_else(|| self.foreign(random))
            .or_else(|| self.refused(random, operation, may_be_taken))
            .unwrap_or(Outcome::Answered);
        self.fate(random, outcome, sending)
    }

    /// How requests to one of the bucket's endpoints get lost at this time; `None` if they do not.
    pub(crate) fn blocks(&self, endpoint: Endpoint, now: Duration) -> Option<Outcome> {
        let is_blocked = |blocked: &BlockedEndpoint| blocked.endpoint == endpoint && blocked.from <= now;
        let silent = self.blocked.filter(is_blocked)?.silent;
        Some(Outcome::Lost { silent })
    }

    /// The fate of a call to the Lambda.
    pub(crate) fn api_fate(&self, random: &mut Rng, bytes: usize) -> Fate {
        let is_too_large = self.max_call.is_some_and(|most| bytes > most);
        let outcome = if is_too_large {
            Outcome::Refused(answer(403, None, FIREWALL.to_owned()))
        } else if let Some(broken) = self.broken(random, Broken::Api) {
            broken
        } else if let Some(lost) = self.lost(random) {
            lost
        } else if chance(random, self.rates.api_busy) {
            Outcome::Refused(api_busy(random))
        } else if chance(random, self.rates.api_final) {
            Outcome::Refused(api_final(random))
        } else {
            Outcome::Answered
        };
        let sending = Duration::from_millis(random.u64(5..100));
        self.fate(random, outcome, sending)
    }

    fn fate(&self, random: &mut Rng, outcome: Outcome, sending: Duration) -> Fate {
        let delay = if chance(random, self.rates.delayed) {
            1000..60_000
        } else {
            5..100
        };
        Fate {
            outcome,
            sending,
            answering: Duration::from_millis(random.u64(delay)),
            duplicated: chance(random, self.rates.duplicated),
            stripped: self.stripped(random),
            completing: if chance(random, self.rates.slow_complete) {
                random.u64(1..120)
            } else {
                0
            },
        }
    }

    fn stripped(&self, random: &mut Rng) -> Stripped {
        if !chance(random, self.rates.stripped) {
            return Stripped::default();
        }
        let kind = random.u8(0..3);
        Stripped {
            etag: kind != 0,
            request_id: kind != 1,
        }
    }

    /// All of S3 is out of reach.
    fn out_of_reach(&self, random: &mut Rng) -> Option<Outcome> {
        (self.broken == Some(Broken::S3)).then(|| Outcome::Lost {
            silent: random.bool(),
        })
    }

    /// Something on the way refuses a body because of its size.
    fn too_large(&self, random: &mut Rng, operation: &Operation) -> Option<Outcome> {
        let (Operation::PutObject { size, .. } | Operation::UploadPart { size, .. }) = operation else {
            return None;
        };
        let most = self.max_body.filter(|most| size > most)?;
        // Only the smaller bodies that pass show that the size is the reason for a 403.
        let status = if most.is_multiple_of(2) || random.bool() {
            413
        } else {
            403
        };
        Some(Outcome::Refused(foreign_answer(status, FIREWALL)))
    }

    /// Something on the way answers in place of S3.
    fn foreign(&self, random: &mut Rng) -> Option<Outcome> {
        if !chance(random, self.rates.foreign) {
            return None;
        }
        let page = if random.bool() { "<html>Welcome</html>" } else { "" };
        let status = random.choice([200, 200, 200, 201, 204, 206, 302, 403, 404, 407, 412, 413, 451]);
        let answer = foreign_answer(status.unwrap_or(200), page);
        Some(if random.bool() {
            Outcome::Refused(answer)
        } else {
            Outcome::DoneButRefused(answer)
        })
    }

    /// What is broken fails in every way that is worth another attempt.
    fn broken(&self, random: &mut Rng, what: Broken) -> Option<Outcome> {
        (self.broken == Some(what)).then(|| match random.u8(0..3) {
            0 => Outcome::Lost {
                silent: random.bool(),
            },
            1 => Outcome::Refused(error(500, "InternalError", "We encountered an internal error")),
            _ => Outcome::Refused(answer(503, None, String::new())),
        })
    }

    fn lost(&self, random: &mut Rng) -> Option<Outcome> {
        let silent = chance(random, self.rates.silent);
        if chance(random, self.rates.lost) {
            Some(Outcome::Lost { silent })
        } else if chance(random, self.rates.answer_lost) {
            Some(Outcome::AnswerLost { silent })
        } else {
            None
        }
    }

    fn refused(&self, random: &mut Rng, operation: &Operation, may_be_taken: bool) -> Option<Outcome> {
        let rates = &self.rates;
        let has_bytes = matches!(
            operation,
            Operation::PutObject { .. } | Operation::UploadPart { .. }
        );
        let completes = matches!(operation, Operation::CompleteMultipartUpload { .. });
        let makes_object = completes || matches!(operation, Operation::PutObject { .. });
        if makes_object && may_be_taken && chance(random, rates.taken) {
            return Some(Outcome::KeyTaken);
        }
        if has_bytes && chance(random, rates.corrupted) {
            let bad_digest = error(400, "BadDigest", "The SHA256 you specified did not match");
            return Some(Outcome::Refused(bad_digest));
        }
        if completes && chance(random, rates.conflict) {
            let conflict = error(409, "ConditionalRequestConflict", "A conflicting operation");
            return Some(Outcome::Refused(conflict));
        }
        if chance(random, rates.expired) {
            return Some(Outcome::Refused(s3_expired(random)));
        }
        if chance(random, rates.s3_busy) {
            return Some(Outcome::Refused(s3_busy(random, has_bytes, completes)));
        }
        if chance(random, rates.s3_final) {
            return Some(Outcome::Refused(s3_final(random)));
        }
        let false_error = chance(random, rates.false_error);
        false_error.then(|| Outcome::DoneButRefused(s3_false_error(random, completes)))
    }
}

/// What a firewall answers.
const FIREWALL: &str = "<html>Request blocked</html>";

/// An answer with nothing in it that only S3 has.
fn foreign_answer(status: u16, page: &str) -> HttpAnswer {
    HttpAnswer {
        status,
        body: page.to_owned(),
        ..HttpAnswer::default()
    }
}

/// Whether something with this probability happens.
pub(crate) fn chance(random: &mut Rng, probability: f64) -> bool {
    probability > 0.0 && random.f64() < probability
}

const fn breaks(operation: &Operation) -> Broken {
    match operation {
        Operation::PutObject { .. } => Broken::PutObject,
        Operation::CreateMultipartUpload { .. } => Broken::Create,
        Operation::UploadPart { .. } => Broken::UploadPart,
        Operation::ListParts { .. } => Broken::ListParts,
        Operation::CompleteMultipartUpload { .. } => Broken::Complete,
        Operation::AbortMultipartUpload { .. } => Broken::Abort,
    }
}

fn s3_expired(random: &mut Rng) -> HttpAnswer {
    match random.u8(0..6) {
        0 => expired(),
        1 => error(400, "ExpiredToken", "The provided token has expired."),
        2 => error(403, "ExpiredRequest", "Request has expired"),
        3 => error(
            400,
            "TokenRefreshRequired",
            "The provided token must be refreshed.",
        ),
        4 => error(403, "AccessDenied", "request has EXPIRED."),
        _ => error(403, "RequestTimeTooSkewed", "The difference is too large"),
    }
}

fn s3_busy(random: &mut Rng, has_bytes: bool, completes: bool) -> HttpAnswer {
    match random.u8(0..13) {
        10 => answer(random.u16(505..600), None, "<html>".to_owned()),
        11 => error(409, "OperationAborted", "A conflicting operation is in progress"),
        12 => answer(520, None, String::new()),
        0 if has_bytes => error(400, "RequestTimeout", "Your socket connection was idle"),
        1 if has_bytes => error(400, "IncompleteBody", "You did not provide the number of bytes"),
        0..=2 if completes => error(200, "InternalError", "We encountered an internal error"),
        0..=3 => error(500, "InternalError", "We encountered an internal error"),
        4 => answer(502, None, "<html>Bad Gateway</html>".to_owned()),
        5 => answer(504, None, String::new()),
        6 => answer(408, None, String::new()),
        7 => error(429, "TooManyRequests", "Please reduce your request rate"),
        _ => error(503, "SlowDown", "Please reduce your request rate."),
    }
}

fn s3_false_error(random: &mut Rng, completes: bool) -> HttpAnswer {
    match random.u8(0..3) {
        0 if completes => answer(200, None, CUT_OFF.to_owned()),
        1 if completes => error(200, "InternalError", "We encountered an internal error"),
        0 | 1 => error(500, "InternalError", "We encountered an internal error"),
        _ => answer(504, None, String::new()),
    }
}

fn s3_final(random: &mut Rng) -> HttpAnswer {
    match random.u8(0..4) {
        0 => error(403, "AccessDenied", "Access Denied"),
        1 => error(
            403,
            "SignatureDoesNotMatch",
            "The request signature does not match",
        ),
        2 => error(400, "InvalidRequest", "Invalid Request"),
        _ => error(411, "MissingContentLength", "You must provide the Content-Length"),
    }
}

fn api_busy(random: &mut Rng) -> HttpAnswer {
    let (status, body) = match random.u8(0..4) {
        0 => (
            500,
            r#"{"error":{"code":"InternalError","message":"it is in the log"}}"#,
        ),
        1 => (503, r#"{"message":"Service Unavailable"}"#),
        2 => (429, r#"{"message":"Too Many Requests"}"#),
        _ => (504, ""),
    };
    answer(status, None, body.to_owned())
}

fn api_final(random: &mut Rng) -> HttpAnswer {
    let (status, body) = match random.u8(0..6) {
        0 => (401, r#"{"message":"Unauthorized"}"#),
        1 => (403, r#"{"message":"Forbidden"}"#),
        2 => (
            400,
            r#"{"error":{"code":"InvalidRequest","message":"unknown field"}}"#,
        ),
        3 => (200, "<html>Welcome to the hotel's network</html>"),
        4 => (200, r#"{"serverTime":5,"files":[]}"#),
        _ => (200, r#"{"serverTime":5,"requests":[]}"#),
    };
    answer(status, None, body.to_owned())
}
