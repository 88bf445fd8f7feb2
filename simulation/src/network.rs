//! What becomes of a request: decided when it is sent, from the seed.

use std::time::Duration;

use engine::HttpAnswer;
use fastrand::Rng;

use crate::{
    lambda::Operation,
    s3_answers::{answer, error, expired},
    scenario::{Broken, Rates, SecondBlocked},
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
    /// It is carried out, and this is the answer nonetheless.
    Mistaken(HttpAnswer),
    /// Somebody else's object has the key.
    Taken,
}

/// The network and the moods of what is behind it.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) rates: Rates,
    pub(crate) broken: Option<Broken>,
    pub(crate) second_blocked: Option<SecondBlocked>,
    pub(crate) up: bool,
}

impl Network {
    pub(crate) const fn new(
        rates: Rates,
        broken: Option<Broken>,
        second_blocked: Option<SecondBlocked>,
    ) -> Self {
        Self {
            rates,
            broken,
            second_blocked,
            up: true,
        }
    }

    /// Faults end: from now on everything arrives, once and soon.
    pub(crate) fn heal(&mut self) {
        self.rates = Rates::default();
        self.up = true;
    }

    /// The fate of a request to S3. Only the first request that could make an object may find its
    /// key taken: a key is a fresh UUID, so that after a lost answer the object is one's own.
    pub(crate) fn s3_fate(&self, random: &mut Rng, operation: &Operation, may_be_taken: bool) -> Fate {
        let sending = match operation {
            Operation::PutObject { size, .. } | Operation::UploadPart { size, .. } => {
                Duration::from_millis(20 + size * random.u64(50..500) / (1024 * 1024))
            }
            _ => Duration::from_millis(random.u64(5..100)),
        };
        let outcome = self
            .broken(random, breaks(operation))
            .or_else(|| self.lost(random))
            .or_else(|| self.refused(random, operation, may_be_taken))
            .unwrap_or(Outcome::Answered);
        self.fate(random, outcome, sending)
    }

    /// Whether requests to the bucket's second address get nowhere at this time, and if so how.
    pub(crate) fn blocks_second(&self, now: Duration) -> Option<Outcome> {
        let blocked = self.second_blocked.filter(|blocked| blocked.from <= now)?;
        let silent = blocked.silent;
        Some(Outcome::Lost { silent })
    }

    /// The fate of a call of the Lambda.
    pub(crate) fn api_fate(&self, random: &mut Rng) -> Fate {
        let outcome = if let Some(broken) = self.broken(random, Broken::Api) {
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
        }
    }

    /// What is broken fails in every way that a second try could mend.
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
            return Some(Outcome::Taken);
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
        let mistaken = chance(random, rates.mistaken);
        mistaken.then(|| Outcome::Mistaken(s3_mistaken(random, completes)))
    }
}

/// Whether something this likely happens.
pub(crate) fn chance(random: &mut Rng, likelihood: f64) -> bool {
    likelihood > 0.0 && random.f64() < likelihood
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
    match random.u8(0..3) {
        0 => expired(),
        1 => error(400, "ExpiredToken", "The provided token has expired."),
        _ => error(403, "RequestTimeTooSkewed", "The difference is too large"),
    }
}

fn s3_busy(random: &mut Rng, has_bytes: bool, completes: bool) -> HttpAnswer {
    match random.u8(0..10) {
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

fn s3_mistaken(random: &mut Rng, completes: bool) -> HttpAnswer {
    match random.u8(0..3) {
        0 if completes => answer(200, None, "<CompleteMultipartUpl".to_owned()),
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
