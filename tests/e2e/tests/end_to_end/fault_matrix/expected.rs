//! What is expected of each fault at each phase.

use std::{
    fmt::{self, Display},
    time::Duration,
};

use axum::http::StatusCode;
use e2e::{Answer, Fault, Phase};

/// The rows of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    Delay,
    Cut,
    Reset,
    Throttle,
    Corrupt,
    Busy,
    Denied,
    Expired,
    Gone,
    LostAnswer,
    BlackHole,
}

/// How an upload has to go on that meets a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    /// It is stored, and the page says nothing of it.
    Unnoticed,
    /// The page says this and waits for as long as the fault lasts. Then it goes on by itself.
    Waits(&'static str),
    /// It is stored while the fault lasts, or comes once.
    Recovers,
    /// The page says this and gives up, and Retry works once the fault has ended.
    Fails(&'static str),
    /// It goes on after a person reloaded the page and picked the file again.
    Resumes,
    /// It was cancelled, and S3 keeps nothing of it once the fault has ended.
    CleansUp,
    /// It cannot be, or means nothing.
    Senseless(&'static str),
}

const API_UNREACHABLE: &str = "The upload service cannot be reached.";
const API_BUSY: &str = "The upload service has a problem.";
const API_REFUSED: &str = "The upload service refused this file.";
const S3_UNREACHABLE: &str = "The connection to the storage was lost.";
const S3_STALLED: &str = "The upload stopped making progress.";
const S3_BUSY: &str = "The storage is busy or has a problem.";
const S3_DENIED: &str = "The storage does not let this page write.";
const S3_REFUSED: &str = "The storage refused the upload.";
const CORRUPTED: &str = "The bytes arrived damaged.";

const NO_BODY: &str = "The request has no body that could be slowed down or damaged.";
const NOT_SIGNED: &str = "The request is not presigned, so S3 never calls it expired.";
const NO_UPLOAD: &str = "The request names no multipart upload that could be gone.";
const IS_DONE: &str = "S3 says so of an upload that is aborted already, and the page takes it for that.";
const NO_WORD: &str = "Whatever S3 says to an Abort that fails is taken alike: see the rows before.";

impl FaultKind {
    pub(crate) const ALL: [Self; 11] = [
        Self::Delay,
        Self::Cut,
        Self::Reset,
        Self::Throttle,
        Self::Corrupt,
        Self::Busy,
        Self::Denied,
        Self::Expired,
        Self::Gone,
        Self::LostAnswer,
        Self::BlackHole,
    ];

    /// What is done to a request of this phase.
    pub(crate) fn fault(self, phase: Phase) -> Fault {
        let is_body_large = matches!(phase, Phase::Put | Phase::Part);
        let is_api = matches!(phase, Phase::Plan | Phase::Sign);
        let half = if is_body_large { 512 << 10 } else { 60 };
        match self {
            Self::Delay => Fault::Delay(Duration::from_millis(700)),
            Self::Cut => Fault::Cut { after: half },
            Self::Reset => Fault::Reset { after: half },
            Self::Throttle => Fault::Throttle {
                bytes_per_second: if is_body_large { 8 << 20 } else { 1 << 10 },
            },
            Self::Corrupt => Fault::Corrupt {
                // The first byte of a document, without which it is none.
                at: if is_body_large { half } else { 0 },
            },
            Self::Busy if is_api => Fault::Answer(Answer::gateway(
                StatusCode::SERVICE_UNAVAILABLE,
                "Service Unavailable",
            )),
            Self::Denied if is_api => Fault::Answer(Answer::gateway(StatusCode::FORBIDDEN, "Forbidden")),
            Self::Busy => s3(
                StatusCode::SERVICE_UNAVAILABLE,
                "SlowDown",
                "Please reduce your request rate.",
            ),
            Self::Denied => s3(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied"),
            Self::Expired => s3(StatusCode::FORBIDDEN, "AccessDenied", "Request has expired"),
            Self::Gone => s3(
                StatusCode::NOT_FOUND,
                "NoSuchUpload",
                "The specified upload does not exist.",
            ),
            Self::LostAnswer => Fault::LoseAnswer,
            Self::BlackHole => Fault::BlackHole,
        }
    }

    /// How many requests meet it; it goes on until the test ends it where there is no number. A page gives up
    /// on URLs that are expired time after time, and on an upload that is gone time after time.
    pub(crate) const fn times(self) -> usize {
        match self {
            Self::Expired | Self::Gone => 1,
            _ => usize::MAX,
        }
    }
}

fn s3(status: StatusCode, code: &str, message: &str) -> Fault {
    Fault::Answer(Answer::s3(status, code, message))
}

impl Display for FaultKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Delay => "delay",
            Self::Cut => "cut in mid-request",
            Self::Reset => "reset",
            Self::Throttle => "throttle",
            Self::Corrupt => "corrupt a byte",
            Self::Busy => "503 SlowDown",
            Self::Denied => "403 AccessDenied",
            Self::Expired => "403 expired, once",
            Self::Gone => "404 NoSuchUpload, once",
            Self::LostAnswer => "lost answer",
            Self::BlackHole => "black hole",
        })
    }
}

/// What is expected of a fault at a phase.
pub(crate) fn course(kind: FaultKind, phase: Phase) -> Course {
    match phase {
        Phase::Plan | Phase::Sign => of_call(kind),
        Phase::Preflight => of_preflight(kind),
        Phase::Put | Phase::Part => of_bytes(kind, phase),
        Phase::Create => of_create(kind),
        Phase::Complete => of_complete(kind),
        Phase::List => of_list(kind),
        Phase::Abort => of_abort(kind),
    }
}

const fn of_call(kind: FaultKind) -> Course {
    match kind {
        FaultKind::Delay | FaultKind::Throttle => Course::Unnoticed,
        FaultKind::Cut | FaultKind::Reset | FaultKind::LostAnswer | FaultKind::BlackHole => {
            Course::Waits(API_UNREACHABLE)
        }
        FaultKind::Busy => Course::Waits(API_BUSY),
        FaultKind::Corrupt | FaultKind::Denied => Course::Fails(API_REFUSED),
        FaultKind::Expired => Course::Senseless(NOT_SIGNED),
        FaultKind::Gone => Course::Senseless(NO_UPLOAD),
    }
}

/// Browsers do not tell a page what became of a preflight: any that fails is a lost connection to it, and one
/// without an answer a request that stalls.
const fn of_preflight(kind: FaultKind) -> Course {
    match kind {
        FaultKind::Delay => Course::Unnoticed,
        FaultKind::Throttle | FaultKind::Corrupt => Course::Senseless(NO_BODY),
        FaultKind::Expired => Course::Senseless(NOT_SIGNED),
        FaultKind::Gone => Course::Senseless(NO_UPLOAD),
        FaultKind::Cut | FaultKind::Reset | FaultKind::Busy | FaultKind::Denied | FaultKind::LostAnswer => {
            Course::Waits(S3_UNREACHABLE)
        }
        FaultKind::BlackHole => Course::Waits(S3_STALLED),
    }
}

fn of_bytes(kind: FaultKind, phase: Phase) -> Course {
    match kind {
        FaultKind::Delay | FaultKind::Throttle => Course::Unnoticed,
        FaultKind::Cut | FaultKind::Reset => Course::Waits(S3_UNREACHABLE),
        FaultKind::BlackHole => Course::Waits(S3_STALLED),
        FaultKind::Busy => Course::Waits(S3_BUSY),
        FaultKind::Corrupt => Course::Fails(CORRUPTED),
        FaultKind::Denied => Course::Fails(S3_DENIED),
        FaultKind::Expired => Course::Recovers,
        FaultKind::Gone if phase == Phase::Put => Course::Senseless(NO_UPLOAD),
        // S3 has the part, and ListParts says so.
        FaultKind::Gone | FaultKind::LostAnswer if phase == Phase::Part => Course::Recovers,
        // S3 has the object, and answers 412 to the next try, whose answer is lost as well.
        FaultKind::Gone | FaultKind::LostAnswer => Course::Waits(S3_UNREACHABLE),
    }
}

const fn of_create(kind: FaultKind) -> Course {
    match kind {
        FaultKind::Delay => Course::Unnoticed,
        FaultKind::Throttle | FaultKind::Corrupt => Course::Senseless(NO_BODY),
        FaultKind::Cut | FaultKind::Reset | FaultKind::LostAnswer => Course::Waits(S3_UNREACHABLE),
        FaultKind::BlackHole => Course::Waits(S3_STALLED),
        FaultKind::Busy => Course::Waits(S3_BUSY),
        FaultKind::Denied => Course::Fails(S3_DENIED),
        FaultKind::Expired => Course::Recovers,
        FaultKind::Gone => Course::Senseless(NO_UPLOAD),
    }
}

const fn of_complete(kind: FaultKind) -> Course {
    match kind {
        FaultKind::Delay | FaultKind::Throttle => Course::Unnoticed,
        FaultKind::Cut | FaultKind::Reset => Course::Waits(S3_UNREACHABLE),
        FaultKind::Busy => Course::Waits(S3_BUSY),
        FaultKind::Corrupt => Course::Fails(S3_REFUSED),
        FaultKind::Denied => Course::Fails(S3_DENIED),
        FaultKind::Expired | FaultKind::Gone | FaultKind::LostAnswer => Course::Recovers,
        // S3 may put a large object together for minutes, so the page has five minutes' patience.
        FaultKind::BlackHole => Course::Resumes,
    }
}

/// The page asks after it has lost the answer to a part, of which it says something itself.
const fn of_list(kind: FaultKind) -> Course {
    match kind {
        FaultKind::Throttle | FaultKind::Corrupt => Course::Senseless(NO_BODY),
        FaultKind::Cut | FaultKind::Reset | FaultKind::LostAnswer => Course::Waits(S3_UNREACHABLE),
        FaultKind::BlackHole => Course::Waits(S3_STALLED),
        FaultKind::Busy => Course::Waits(S3_BUSY),
        FaultKind::Denied => Course::Fails(S3_DENIED),
        FaultKind::Delay | FaultKind::Expired | FaultKind::Gone => Course::Recovers,
    }
}

/// The row says that the file is cancelled at once; what follows is nothing to a person.
const fn of_abort(kind: FaultKind) -> Course {
    match kind {
        FaultKind::Throttle | FaultKind::Corrupt => Course::Senseless(NO_BODY),
        FaultKind::Gone => Course::Senseless(IS_DONE),
        FaultKind::Expired => Course::Senseless(NO_WORD),
        FaultKind::Delay
        | FaultKind::Cut
        | FaultKind::Reset
        | FaultKind::Busy
        | FaultKind::Denied
        | FaultKind::LostAnswer
        | FaultKind::BlackHole => Course::CleansUp,
    }
}
