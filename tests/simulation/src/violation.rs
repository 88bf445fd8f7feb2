//! The invariants, each with the facts of a run that broke it.

use std::fmt;

use engine::{ErrorKind, FileId, Totals};
use serde::{Deserialize, Serialize};
use wire::BatchId;

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Violation {
    /// Every request has a signature of the Lambda.
    NeverSigned,
    /// No two commands have the same attempt.
    AttemptReused {
        /// The file that the second command is for.
        file: FileId,
        /// The attempt of both.
        attempt: u64,
    },
    /// No two calls have the same id.
    CallReused {
        /// The id of both.
        call: u64,
    },
    /// Only what is in flight is cancelled.
    CancelledInVain {
        /// What was cancelled.
        what: String,
    },
    /// Requests only go to endpoints that the bucket has.
    NoSuchEndpoint,
    /// No more requests than the budget are in flight to one endpoint.
    BudgetExceeded {
        /// The requests in flight to one endpoint.
        in_flight: usize,
        /// How many there may be.
        budget: usize,
    },
    /// Hashing holds a bounded number of bytes in memory.
    HashingUnbounded {
        /// The ranges that are being hashed.
        ranges: usize,
        /// Their bytes.
        bytes: u64,
    },
    /// Bodies in memory are bounded.
    BodiesUnbounded {
        /// The bodies in flight that were read into memory.
        bodies: usize,
        /// Their bytes.
        bytes: u64,
    },
    /// No body is larger than the settings permit.
    BodyTooLarge {
        /// The file.
        file: FileId,
        /// The bytes of the body.
        bytes: u64,
        /// How many there may be.
        limit: u64,
    },
    /// A body that is out is waited for as long as something on the way may take to forward it.
    GivenUpTooSoon {
        /// The file.
        file: FileId,
        /// The bytes of the request.
        bytes: u64,
    },
    /// Where only bytes are answered, no more slices are sent.
    SliceTriedAgain {
        /// The file.
        file: FileId,
    },
    /// An endpoint that never answers is not tried without a reason.
    UnreachableRetried {
        /// How many requests went there.
        requests: u64,
        /// How many there was a reason for.
        allowed: u64,
    },
    /// What is stored is not sent again.
    SentAgain {
        /// The object's key, or the multipart upload.
        target: String,
        /// The part's number; 0 for a whole object.
        part: u32,
    },
    /// A file is checked after its last part was stored, before its upload is completed.
    CompletedUnchecked {
        /// The file.
        file: FileId,
    },
    /// S3 has no cause to call a request malformed, or its parts wrong.
    RequestMalformed {
        /// What S3 calls it.
        code: Malformation,
        /// The whole answer.
        answer: String,
    },
    /// An object is one version of one file, whole and in order.
    ObjectScrambled {
        /// The object's key.
        key: String,
        /// What it is made of.
        contents: String,
    },
    /// A file is shown as stored only if S3 has it.
    StoredWithoutObject {
        /// The file.
        file: FileId,
        /// What S3 has under the file's key.
        found: Found,
    },
    /// A file that the page knows to have changed is not shown as stored as it was before.
    StoredAsItWas {
        /// The file.
        file: FileId,
    },
    /// No file is stored twice, whatever happens.
    StoredTwice {
        /// The file.
        file: FileId,
        /// The keys under which S3 has the same bytes of it.
        keys: Vec<String>,
    },
    /// A manifest is called stored only if S3 has it.
    ManifestWithoutObject {
        /// The key that it was said to have.
        key: String,
    },
    /// Once all of a batch has ended, a manifest names every file of it that is stored.
    NotInManifest {
        /// The keys that one manifest should name.
        keys: Vec<String>,
    },
    /// A manifest names only what is stored of its batch.
    ManifestWrong {
        /// A key that it names.
        key: String,
    },
    /// No manifest is stored twice.
    ManifestTwice {
        /// The batch.
        batch: BatchId,
    },
    /// A file does not start over while S3 may still be completing its upload.
    StartedOverWhileCompleting {
        /// The file.
        file: FileId,
    },
    /// A file fails only if a fault gave it a reason to.
    FailedWithoutReason {
        /// The file.
        file: FileId,
        /// How it failed.
        kind: ErrorKind,
        /// The whole error.
        error: String,
    },
    /// No more bytes are shown as sent than a file has.
    SentTooMuch {
        /// The file.
        file: FileId,
        /// The bytes that it has.
        size: u64,
        /// The bytes shown as sent.
        sent: u64,
    },
    /// Progress never goes back.
    ProgressWentBack {
        /// The file.
        file: FileId,
        /// The bytes shown as sent before.
        from: u64,
        /// The bytes shown as sent now.
        to: u64,
    },
    /// The page is informed of every change of what it shows.
    ViewOutdated {
        /// The file.
        file: FileId,
        /// The view that the page last read.
        shown: String,
        /// The view as it is now; `None` if the file is no longer on the list.
        current: Option<String>,
    },
    /// The totals are the sums over all files.
    TotalsWrong {
        /// The engine's totals.
        totals: Box<Totals>,
        /// The sums.
        expected: Box<Totals>,
    },
    /// While files are unfinished, something is in flight or a wake-up is due.
    WaitsForNothing {
        /// How many files are unfinished.
        files: usize,
    },
    /// After the faults have stopped, the world comes to rest in bounded time.
    NeverAtRest,
    /// The engine does not go round in circles.
    EndlessLoop,
    /// At rest, every file has ended or waits for the user.
    StuckAtRest {
        /// The file.
        file: FileId,
        /// How it is shown.
        status: String,
    },
    /// Without faults, every file that can be stored is stored.
    NotStored {
        /// The file.
        file: FileId,
        /// How it is shown.
        status: String,
    },
    /// A multipart upload that nobody needs is aborted.
    NeverAborted {
        /// S3's id of the upload.
        upload_id: String,
        /// The file.
        file: FileId,
    },
    /// Only files that were picked are on the list.
    UnknownFile {
        /// The file.
        file: FileId,
    },
    /// The engine does not panic.
    Panicked {
        /// What it panicked with.
        message: String,
    },
}

/// The codes with which S3 refuses a request that only a broken client makes (Amazon S3 API reference,
/// "Error responses").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Malformation {
    /// A part was not found, or its `ETag` differs.
    InvalidPart,
    /// The parts are not in ascending order.
    InvalidPartOrder,
    /// A part that is not the last is too small.
    EntityTooSmall,
    /// The service takes only parts of one size.
    UnequalParts,
    /// The XML does not follow the published schema.
    MalformedXml,
}

/// What S3 has under a key, in place of the file that is shown as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Found {
    /// No object.
    Nothing,
    /// Somebody else's object.
    ForeignObject,
    /// Another of the user's files.
    AnotherFile,
}

impl fmt::Display for Violation {
    /// The sentence for whoever reads a failed run.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverSigned => write!(formatter, "a request was never signed"),
            Self::AttemptReused { file, attempt } => {
                write!(formatter, "attempt {attempt} of file {} was used before", file.0)
            }
            Self::CallReused { call } => write!(formatter, "call {call} was used before"),
            Self::CancelledInVain { what } => write!(formatter, "{what} is cancelled and not in flight"),
            Self::NoSuchEndpoint => {
                write!(
                    formatter,
                    "a request goes to an endpoint that the bucket does not have"
                )
            }
            Self::BudgetExceeded { in_flight, budget } => write!(
                formatter,
                "{in_flight} requests to one endpoint are in flight and the budget is {budget}"
            ),
            Self::HashingUnbounded { ranges, bytes } => {
                write!(formatter, "{ranges} hashes hold {bytes} bytes in memory")
            }
            Self::BodiesUnbounded { bodies, bytes } => {
                write!(formatter, "{bodies} bodies hold {bytes} bytes in memory")
            }
            Self::BodyTooLarge { file, bytes, limit } => write!(
                formatter,
                "file {} is sent in a request of {bytes} bytes where {limit} are permitted",
                file.0
            ),
            Self::GivenUpTooSoon { file, bytes } => write!(
                formatter,
                "a request of file {} with {bytes} bytes is given up while it is forwarded",
                file.0
            ),
            Self::SliceTriedAgain { file } => write!(
                formatter,
                "a slice of file {} is sent where only bytes are answered",
                file.0
            ),
            Self::UnreachableRetried { requests, allowed } => write!(
                formatter,
                "{requests} requests went to an endpoint that never answers, not {allowed}"
            ),
            Self::SentAgain { target, part: 0 } => write!(formatter, "{target} is stored and is sent again"),
            Self::SentAgain { target, part } => {
                write!(formatter, "part {part} of {target} is stored and is sent again")
            }
            Self::CompletedUnchecked { file } => {
                write!(
                    formatter,
                    "file {} was not checked before it is completed",
                    file.0
                )
            }
            Self::RequestMalformed { answer, .. } => {
                write!(formatter, "S3 had to refuse a request: {answer}")
            }
            Self::ObjectScrambled { key, contents } => {
                write!(formatter, "the object {key} is not one file: {contents}")
            }
            Self::StoredTwice { file, keys } => {
                write!(formatter, "file {} is stored twice, as {keys:?}", file.0)
            }
            Self::StoredWithoutObject { file, found } => {
                let found = match found {
                    Found::Nothing => "nothing",
                    Found::ForeignObject => "somebody else's object",
                    Found::AnotherFile => "another file",
                };
                write!(formatter, "file {} is shown as stored and S3 has {found}", file.0)
            }
            Self::ManifestWithoutObject { key } => {
                write!(
                    formatter,
                    "the manifest {key} is called stored and S3 does not have it"
                )
            }
            Self::NotInManifest { keys } => write!(formatter, "no manifest names all of {keys:?}"),
            Self::ManifestWrong { key } => {
                write!(
                    formatter,
                    "a manifest names {key}, which is not stored or not of its batch"
                )
            }
            Self::ManifestTwice { batch } => write!(formatter, "batch {batch} has one manifest twice"),
            Self::StoredAsItWas { file } => write!(
                formatter,
                "file {} is shown as stored and S3 has it as it was before it changed",
                file.0
            ),
            Self::StartedOverWhileCompleting { file } => write!(
                formatter,
                "file {} starts over while S3 puts its parts together",
                file.0
            ),
            Self::FailedWithoutReason { file, error, .. } => {
                write!(formatter, "file {} failed for no reason: {error}", file.0)
            }
            Self::SentTooMuch { file, size, sent } => {
                write!(formatter, "file {} of {size} bytes has sent {sent}", file.0)
            }
            Self::ProgressWentBack { file, from, to } => {
                write!(
                    formatter,
                    "progress of file {} goes back from {from} to {to}",
                    file.0
                )
            }
            Self::ViewOutdated { file, shown, current } => {
                let current = current.as_deref().unwrap_or("no longer on the list");
                write!(
                    formatter,
                    "the page shows {shown} and file {} is {current}",
                    file.0
                )
            }
            Self::TotalsWrong { totals, expected } => {
                write!(
                    formatter,
                    "the totals are {totals:?} and the files add up to {expected:?}"
                )
            }
            Self::WaitsForNothing { files } => write!(formatter, "{files} files wait for nothing"),
            Self::NeverAtRest => write!(formatter, "the world does not come to rest in time"),
            Self::EndlessLoop => write!(formatter, "the engine goes round in circles"),
            Self::StuckAtRest { file, status } => write!(formatter, "file {} is at rest as {status}", file.0),
            Self::NotStored { file, status } => {
                write!(
                    formatter,
                    "with all faults gone, file {} ends as {status}",
                    file.0
                )
            }
            Self::NeverAborted { upload_id, file } => {
                write!(formatter, "{upload_id} of file {} was never aborted", file.0)
            }
            Self::UnknownFile { file } => write!(formatter, "nobody picked file {}", file.0),
            Self::Panicked { message } => write!(formatter, "it panicked: {message}"),
        }
    }
}
