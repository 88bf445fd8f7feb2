//! What is expected of each fault at each phase.

use std::{
    fmt::{self, Display},
    time::Duration,
};

use axum::http::StatusCode;
use e2e::{Answer, Fault, Phase, Rate};

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
    /// A portal or a proxy answers in place of the server.
    Foreign,
    /// A status that no table of S3's errors has.
    OddStatus,
    Aborted,
    OtherExpiry,
    /// Something on the way removes the headers by which an answer is known as S3's.
    Stripped,
    TooLarge,
    Withheld,
    Swallowed,
}

/// The course that an upload has to take when it meets a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    /// It is stored, and the page does not mention the fault.
    Unnoticed,
    /// The page says this and waits as long as the fault lasts. Then the upload continues by itself.
    Waits(&'static str),
    /// It is stored although the fault lasts or happened once.
    Recovers,
    /// The page gives up and says this, and Retry works once the fault has ended.
    Fails(&'static str),
    /// It continues after the user reloaded the page and picked the file again.
    Resumes,
    /// It was cancelled, and S3 keeps nothing of it once the fault has ended.
    CleansUp,
    /// The fault cannot happen at this phase, or has no meaning there.
    NotApplicable(&'static str),
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
const NO_HEADERS: &str = "The page reads no header of this answer.";
const IS_SMALL: &str = "The request is smaller than the limit.";
const NO_UPLOAD: &str = "The request names no multipart upload that could be gone.";
const IS_DONE: &str =
    "This is S3's answer for an upload that is aborted already, and the page takes it for that.";
const NO_SIGN_IN: &str = "Nobody signs in.";
const NO_WORD: &str = "The page treats every failed Abort alike: see the rows before.";

impl FaultKind {
    /// The fault that a request of this phase meets.
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
                // A document with another first byte is not a document.
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
            Self::Foreign => Fault::Answer(portal(StatusCode::OK)),
            Self::OddStatus => Fault::Answer(portal(odd_status())),
            Self::Aborted => s3(
                StatusCode::CONFLICT,
                "OperationAborted",
                "A conflicting conditional operation is currently in progress against this resource.",
            ),
            Self::OtherExpiry => s3(StatusCode::FORBIDDEN, "ExpiredRequest", "Request has expired"),
            Self::Stripped => Fault::StripHeaders(EVIDENCE),
            Self::TooLarge => Fault::RefuseAbove {
                bytes: 6 << 20,
                answer: portal(StatusCode::PAYLOAD_TOO_LARGE),
            },
            Self::Withheld => Fault::WithholdAnswer,
            Self::Swallowed => Fault::Swallow(Rate::of_wire(4 << 20)),
        }
    }

    /// Whether only the page's patience ends a request that meets it.
    pub(crate) const fn is_silent(self) -> bool {
        matches!(self, Self::BlackHole | Self::Withheld)
    }

    /// How many requests meet it; the test ends those without a number. The page gives up on URLs that expire again
    /// and again, and on an upload that is gone again and again.
    pub(crate) const fn times(self) -> usize {
        match self {
            Self::Expired | Self::Gone | Self::Withheld => 1,
            Self::Foreign | Self::OddStatus | Self::Aborted | Self::OtherExpiry => 1,
            _ => usize::MAX,
        }
    }
}

/// The headers of an answer that the page can read and that only S3 sends.
const EVIDENCE: &[&str] = &["etag", "x-amz-request-id", "x-amz-id-2", "x-amz-checksum-sha256"];

/// What something on the way answers that is neither S3 nor the API.
fn portal(status: StatusCode) -> Answer {
    Answer::foreign(status, "text/html", "<!doctype html><title>Welcome</title>")
}

/// What a content delivery network answers for a server that it does not understand.
fn odd_status() -> StatusCode {
    StatusCode::from_u16(520).unwrap_or(StatusCode::BAD_GATEWAY)
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
            Self::Foreign => "foreign 200, once",
            Self::OddStatus => "520, once",
            Self::Aborted => "409 aborted, once",
            Self::OtherExpiry => "403 ExpiredRequest, once",
            Self::Stripped => "headers stripped",
            Self::TooLarge => "413 above 6 MiB",
            Self::Withheld => "answer withheld, once",
            Self::Swallowed => "body swallowed",
        })
    }
}

/// The course that is expected of a fault at a phase.
pub(crate) fn course(kind: FaultKind, phase: Phase) -> Course {
    match phase {
        Phase::Plan | Phase::Sign => of_call(kind),
        Phase::Preflight => of_preflight(kind),
        Phase::Put | Phase::Part => of_bytes(kind, phase),
        Phase::Create => of_create(kind),
        Phase::Complete => of_complete(kind),
        Phase::List => of_list(kind),
        Phase::Abort => of_abort(kind),
        Phase::Token => Course::NotApplicable(NO_SIGN_IN),
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
        FaultKind::Foreign | FaultKind::OddStatus | FaultKind::Withheld => Course::Recovers,
        FaultKind::Expired | FaultKind::OtherExpiry | FaultKind::Aborted => Course::NotApplicable(NOT_SIGNED),
        FaultKind::Stripped => Course::NotApplicable(NO_HEADERS),
        FaultKind::TooLarge | FaultKind::Swallowed => Course::NotApplicable(IS_SMALL),
        FaultKind::Gone => Course::NotApplicable(NO_UPLOAD),
    }
}

/// Browsers do not tell a page what happened to a preflight: any that fails looks like a lost connection, and one
/// without an answer like a request that stalls.
const fn of_preflight(kind: FaultKind) -> Course {
    match kind {
        FaultKind::Delay => Course::Unnoticed,
        FaultKind::Throttle | FaultKind::Corrupt | FaultKind::TooLarge | FaultKind::Swallowed => {
            Course::NotApplicable(NO_BODY)
        }
        FaultKind::Expired | FaultKind::OtherExpiry | FaultKind::Aborted => Course::NotApplicable(NOT_SIGNED),
        FaultKind::Gone => Course::NotApplicable(NO_UPLOAD),
        FaultKind::Stripped => Course::NotApplicable(NO_HEADERS),
        FaultKind::Foreign | FaultKind::OddStatus | FaultKind::Withheld => Course::Recovers,
        FaultKind::Cut | FaultKind::Reset | FaultKind::Busy | FaultKind::Denied | FaultKind::LostAnswer => {
            Course::Waits(S3_UNREACHABLE)
        }
        FaultKind::BlackHole => Course::Waits(S3_STALLED),
    }
}

fn of_bytes(kind: FaultKind, phase: Phase) -> Course {
    match kind {
        FaultKind::Delay | FaultKind::Throttle | FaultKind::Swallowed => Course::Unnoticed,
        FaultKind::Cut | FaultKind::Reset => Course::Waits(S3_UNREACHABLE),
        // Something may have swallowed the parts to forward them slowly, so the page waits more than a minute.
        FaultKind::BlackHole if phase == Phase::Part => Course::Resumes,
        FaultKind::BlackHole => Course::Waits(S3_STALLED),
        FaultKind::Busy => Course::Waits(S3_BUSY),
        FaultKind::Corrupt => Course::Fails(CORRUPTED),
        FaultKind::Denied => Course::Fails(S3_DENIED),
        FaultKind::Expired | FaultKind::OtherExpiry | FaultKind::Aborted => Course::Recovers,
        FaultKind::Foreign | FaultKind::OddStatus | FaultKind::Stripped => Course::Recovers,
        // S3 has the bytes: ListParts or a 412 says so.
        FaultKind::Withheld => Course::Recovers,
        FaultKind::TooLarge if phase == Phase::Put => Course::NotApplicable(IS_SMALL),
        FaultKind::TooLarge => Course::Recovers,
        FaultKind::Gone if phase == Phase::Put => Course::NotApplicable(NO_UPLOAD),
        // S3 has the part, and ListParts says so.
        FaultKind::Gone | FaultKind::LostAnswer if phase == Phase::Part => Course::Recovers,
        // S3 has the object, and answers 412 to the next attempt, whose answer is lost as well.
        FaultKind::Gone | FaultKind::LostAnswer => Course::Waits(S3_UNREACHABLE),
    }
}

const fn of_create(kind: FaultKind) -> Course {
    match kind {
        FaultKind::Delay => Course::Unnoticed,
        FaultKind::Throttle | FaultKind::Corrupt | FaultKind::TooLarge | FaultKind::Swallowed => {
            Course::NotApplicable(NO_BODY)
        }
        FaultKind::Cut | FaultKind::Reset | FaultKind::LostAnswer => Course::Waits(S3_UNREACHABLE),
        FaultKind::BlackHole => Course::Waits(S3_STALLED),
        FaultKind::Busy => Course::Waits(S3_BUSY),
        FaultKind::Denied => Course::Fails(S3_DENIED),
        FaultKind::Expired | FaultKind::OtherExpiry | FaultKind::Aborted => Course::Recovers,
        FaultKind::Foreign | FaultKind::OddStatus | FaultKind::Withheld => Course::Recovers,
        FaultKind::Stripped => Course::Unnoticed,
        FaultKind::Gone => Course::NotApplicable(NO_UPLOAD),
    }
}

const fn of_complete(kind: FaultKind) -> Course {
    match kind {
        FaultKind::Delay | FaultKind::Throttle | FaultKind::Stripped => Course::Unnoticed,
        FaultKind::Cut | FaultKind::Reset => Course::Waits(S3_UNREACHABLE),
        FaultKind::Busy => Course::Waits(S3_BUSY),
        FaultKind::Corrupt => Course::Fails(S3_REFUSED),
        FaultKind::Denied => Course::Fails(S3_DENIED),
        FaultKind::Expired | FaultKind::Gone | FaultKind::LostAnswer => Course::Recovers,
        FaultKind::OtherExpiry | FaultKind::Aborted => Course::Recovers,
        FaultKind::Foreign | FaultKind::OddStatus => Course::Recovers,
        FaultKind::TooLarge | FaultKind::Swallowed => Course::NotApplicable(IS_SMALL),
        // S3 may take minutes to put a large object together, so the page waits five minutes.
        FaultKind::BlackHole | FaultKind::Withheld => Course::Resumes,
    }
}

/// The page lists parts after it lost the answer to one, which it mentions by itself.
const fn of_list(kind: FaultKind) -> Course {
    match kind {
        FaultKind::Throttle | FaultKind::Corrupt | FaultKind::TooLarge | FaultKind::Swallowed => {
            Course::NotApplicable(NO_BODY)
        }
        FaultKind::Cut | FaultKind::Reset | FaultKind::LostAnswer => Course::Waits(S3_UNREACHABLE),
        FaultKind::BlackHole => Course::Waits(S3_STALLED),
        FaultKind::Busy => Course::Waits(S3_BUSY),
        FaultKind::Denied => Course::Fails(S3_DENIED),
        FaultKind::Delay | FaultKind::Expired | FaultKind::Gone => Course::Recovers,
        FaultKind::OtherExpiry | FaultKind::Aborted | FaultKind::Stripped => Course::Recovers,
        FaultKind::Foreign | FaultKind::OddStatus | FaultKind::Withheld => Course::Recovers,
    }
}

/// The row says at once that the file is cancelled; what follows does not concern the user.
const fn of_abort(kind: FaultKind) -> Course {
    match kind {
        FaultKind::Throttle | FaultKind::Corrupt | FaultKind::TooLarge | FaultKind::Swallowed => {
            Course::NotApplicable(NO_BODY)
        }
        FaultKind::Gone => Course::NotApplicable(IS_DONE),
        FaultKind::Expired | FaultKind::OtherExpiry | FaultKind::Aborted => Course::NotApplicable(NO_WORD),
        FaultKind::Stripped => Course::NotApplicable(NO_HEADERS),
        FaultKind::Delay
        | FaultKind::Cut
        | FaultKind::Reset
        | FaultKind::Busy
        | FaultKind::Denied
        | FaultKind::LostAnswer
        | FaultKind::BlackHole
        | FaultKind::Foreign
        | FaultKind::OddStatus
        | FaultKind::Withheld => Course::CleansUp,
    }
}
