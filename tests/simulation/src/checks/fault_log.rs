//! The faults that the world did to each file: a file may fail only for a reason among them.

use std::collections::BTreeMap;

use engine::{ErrorKind, FileId, HttpAnswer, Settings, TransportFailure};
use wire::MIN_PART_BYTES;

use crate::models::{
    disk::DiskFile,
    lambda::{Operation, REFUSED_TYPE},
    s3_answers::{CUT_OFF, error_code, says_stored},
};

/// The faults of one file's requests.
#[derive(Debug, Default)]
struct FileFaults {
    /// Answers that are worth another attempt, and requests without an answer.
    transient: u32,
    expired: u32,
    bad_digests: u32,
    /// How often the multipart upload was dropped, or had to start over.
    dropped: u32,
    /// How often S3 did not have a part as it was named.
    parts_differ: u32,
    /// How often something on the way refused a request because of its size.
    too_large: u32,
    /// How often somebody else's object had its key, so that it started over under another.
    taken: u32,
    refused: bool,
    /// Whether something on the way refused a request in place of S3.
    strange: bool,
    /// Whether the `ETag` of a success was hidden.
    hidden: bool,
}

/// Whether an answer may be one of something on the way, or lacks what has to be read of it.
fn is_doubtful(operation: &Operation, answer: &HttpAnswer) -> bool {
    match operation {
        Operation::PutObject { .. } | Operation::UploadPart { .. } => {
            answer.etag.is_none() || !says_stored(answer)
        }
        Operation::AbortMultipartUpload { .. } => answer.request_id.is_none(),
        _ => !answer.body.starts_with('<') || answer.body.starts_with("<html>"),
    }
}

/// All faults so far.
#[derive(Debug, Default)]
pub(crate) struct FaultLog {
    files: BTreeMap<FileId, FileFaults>,
    /// Calls of the API without a good answer.
    api_transient: u32,
    /// Calls that the API refused, or answered with nonsense.
    api_refused: u32,
    /// Whether anything came back from S3 in this page's life, and from the API.
    is_s3_reached: bool,
    is_api_reached: bool,
    /// The largest body in bytes that something on the way to S3 lets pass.
    pub(crate) max_body: Option<u64>,
    /// Whether something on the way answers as it likes.
    pub(crate) has_strangers: bool,
    /// Whether the service takes only parts of one size.
    pub(crate) has_constant_parts: bool,
}

impl FileFaults {
    /// Failures that count towards giving up, of whatever kind the last one is.
    const fn failures(&self) -> u32 {
        self.transient + self.bad_digests
    }
}

impl FaultLog {
    /// Takes note that another page begins.
    pub(crate) const fn on_tab_crash(&mut self) {
        self.is_s3_reached = false;
        self.is_api_reached = false;
    }

    /// Takes note that S3 took bytes of a request.
    pub(crate) const fn on_progress(&mut self) {
        self.is_s3_reached = true;
    }

    /// Counts an answer of S3.
    pub(crate) fn on_s3_answer(
        &mut self,
        file: FileId,
        operation: &Operation,
        answer: &Result<HttpAnswer, TransportFailure>,
    ) {
        let faults = self.files.entry(file).or_default();
        let Ok(answer) = answer else {
            faults.transient += 1;
            return;
        };
        self.is_s3_reached = true;
        match (answer.status, error_code(&answer.body).unwrap_or_default()) {
            (_, "ExpiredToken" | "ExpiredRequest" | "TokenRefreshRequired" | "RequestTimeTooSkewed") => {
                faults.expired += 1;
            }
            (_, "AccessDenied") if answer.body.to_lowercase().contains("expired") => faults.expired += 1,
            (_, "BadDigest") => faults.bad_digests += 1,
            (_, "NoSuchUpload" | "ConditionalRequestConflict") => faults.dropped += 1,
            (_, "InvalidPart") => {
                faults.transient += 1;
                faults.parts_differ += 1;
            }
            (_, "RequestTimeout" | "IncompleteBody" | "OperationAborted") => faults.transient += 1,
            // The world reports itself that it gave a key away: `on_key_taken`.
            (_, "PreconditionFailed") => {}
            (408 | 429 | 500.., _) => faults.transient += 1,
            (200, code) if !code.is_empty() || answer.body == CUT_OFF => faults.transient += 1,
            // Something on the way refuses a body because of its size.
            (413, _) => {
                faults.transient += 1;
                faults.too_large += 1;
            }
            (300.., "") => {
                faults.transient += 1;
                faults.strange = true;
            }
            (400.., _) => faults.refused = true,
            (200..300, _) if is_doubtful(operation, answer) => {
                faults.transient += 1;
                faults.hidden |= answer.etag.is_none();
            }
            _ => {}
        }
    }

    /// Takes note that somebody else's object has this file's key.
    pub(crate) fn on_key_taken(&mut self, file: FileId) {
        self.files.entry(file).or_default().taken += 1;
    }

    /// Counts a request that the engine cancelled because it stalled.
    pub(crate) fn on_s3_stall(&mut self, file: FileId) {
        self.files.entry(file).or_default().transient += 1;
    }

    /// Counts an answer of the API; `None` if the engine cancelled the call.
    pub(crate) fn on_api_answer(&mut self, answer: Option<&HttpAnswer>) {
        match answer {
            None => self.api_transient += 1,
            Some(answer) if matches!(answer.status, 408 | 429 | 500..) => self.api_transient += 1,
            // A page of a stranger, in place of an answer.
            Some(answer) if answer.status == 200 && !answer.body.starts_with('{') => self.api_transient += 1,
            Some(answer) if answer.status == 403 && answer.body.starts_with("<html>") => {}
            Some(answer) if answer.status != 200 || answer.body.contains(r#""serverTime":5,"#) => {
                self.api_refused += 1;
            }
            Some(_) => self.is_api_reached = true,
        }
    }

    /// How many calls of the API went wrong.
    pub(crate) const fn api_failures(&self) -> u32 {
        self.api_transient + self.api_refused
    }

    /// Whether the world gave this file a reason to fail like this.
    pub(crate) fn explains(
        &self,
        file: FileId,
        disk: &DiskFile,
        kind: ErrorKind,
        settings: &Settings,
    ) -> bool {
        const MAX_RESTARTS: u32 = 3;
        let nothing = FileFaults::default();
        let faults = self.files.get(&file).unwrap_or(&nothing);
        let restarts = faults.dropped + faults.taken;
        match kind {
            ErrorKind::FileChanged => disk.has_changed,
            ErrorKind::AlreadyExists => faults.taken > 0,
            ErrorKind::SignatureRefused => faults.refused,
            ErrorKind::AccessDenied | ErrorKind::S3Refused
                // A stranger's refusal is only believed if it is the last of enough failures.
                if faults.strange && faults.failures() >= settings.max_attempts =>
            {
                true
            }
            ErrorKind::AccessDenied => faults.refused,
            ErrorKind::S3Refused => {
                faults.refused || (faults.parts_differ > 0 && faults.transient >= settings.max_attempts)
            }
            ErrorKind::Corrupted => {
                faults.bad_digests >= 2 || faults.failures() >= settings.max_attempts
            }
            ErrorKind::Expired | ErrorKind::ClockSkewed => faults.expired > settings.max_signature_refreshes,
            ErrorKind::UploadGone => restarts > MAX_RESTARTS,
            // Where S3 never answered, and the API did, the error has to say that it is blocked.
            ErrorKind::S3Unreachable | ErrorKind::Stalled if self.is_api_reached && !self.is_s3_reached => false,
            ErrorKind::S3Blocked if self.is_s3_reached || !self.is_api_reached => false,
            ErrorKind::S3Busy
            | ErrorKind::S3Unreachable
            | ErrorKind::S3Blocked
            | ErrorKind::S3UnexpectedAnswer
            | ErrorKind::Stalled => {
                faults.failures() >= settings.max_attempts || restarts > MAX_RESTARTS
            }
            // Nonsense in place of an answer counts, too, though the last failure is what the error names.
            ErrorKind::ApiUnreachable | ErrorKind::ApiBusy => {
                self.api_transient > 0 && self.api_failures() >= settings.max_attempts
            }
            ErrorKind::TypeNotAllowed => disk.description.media_type == REFUSED_TYPE,
            ErrorKind::ApiUnexpectedAnswer => {
                self.api_refused > 0 || self.api_transient >= settings.max_attempts
            }
            ErrorKind::NotSignedIn | ErrorKind::ApiRefused => self.api_refused > 0,
            ErrorKind::EtagHidden => {
                faults.hidden && (faults.refused || faults.transient >= settings.max_attempts)
            }
            ErrorKind::RequestTooLarge
                if faults.too_large > 0 && faults.failures() >= settings.max_attempts =>
            {
                true
            }
            // One such answer may be chance, and several only where something lets not even the smallest parts pass or
            // answers as it likes.
            ErrorKind::RequestTooLarge => {
                let most = self.max_body.filter(|most| *most < MIN_PART_BYTES);
                let is_too_large = most.is_some_and(|most| disk.description.size > most);
                let of_all = self.files.values().map(|faults| faults.too_large).sum::<u32>();
                let is_often = faults.too_large > 1 && (self.has_strangers || is_too_large);
                // Parts of one size start over when a request of any file was too large.
                is_often || (self.has_constant_parts && of_all > 0 && restarts + of_all > MAX_RESTARTS)
            }
            // No upload link is ever in use here.
            ErrorKind::FileTooLarge
            | ErrorKind::InvalidLink
            | ErrorKind::LinkNotYetValid
            | ErrorKind::LinkExpired
            | ErrorKind::LinkRevoked => false,
        }
    }
}
