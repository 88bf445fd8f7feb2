//! Whether a file that failed had a reason to: the faults that the world did to it.

use std::collections::BTreeMap;

use engine::{ErrorKind, FileId, HttpAnswer, Settings, TransportFailure};

use crate::disk::{Change, DiskFile};
use crate::lambda::REFUSED_TYPE;

/// The faults of one file's requests.
#[derive(Debug, Default)]
struct FileBlame {
    /// Answers that are worth another try, and requests without any.
    passing: u32,
    expired: u32,
    bad_digests: u32,
    /// The multipart upload was dropped, or had to start again.
    dropped: u32,
    /// S3 did not have a part as it was named.
    parts_differ: u32,
    taken: bool,
    refused: bool,
}

/// All faults so far.
#[derive(Debug, Default)]
pub(crate) struct Blame {
    files: BTreeMap<FileId, FileBlame>,
    /// Calls of the API without a good answer.
    api_passing: u32,
    /// Calls that the API refused, or answered with nonsense.
    api_refused: u32,
}

impl Blame {
    /// Counts what S3 answered.
    pub(crate) fn s3_answered(&mut self, file: FileId, answer: &Result<HttpAnswer, TransportFailure>) {
        let blame = self.files.entry(file).or_default();
        let Ok(answer) = answer else {
            blame.passing += 1;
            return;
        };
        let has = |texts: &[&str]| texts.iter().any(|text| answer.body.contains(text));
        match answer.status {
            _ if has(&["Request has expired", "ExpiredToken", "RequestTimeTooSkewed"]) => blame.expired += 1,
            _ if has(&["BadDigest"]) => blame.bad_digests += 1,
            _ if has(&["NoSuchUpload", "ConditionalRequestConflict"]) => blame.dropped += 1,
            _ if has(&["<Code>InvalidPart<"]) => {
                blame.passing += 1;
                blame.parts_differ += 1;
            }
            _ if has(&["RequestTimeout", "IncompleteBody"]) => blame.passing += 1,
            // The world says itself when it gave a key away.
            412 => {}
            408 | 429 | 500.. => blame.passing += 1,
            200 if has(&["<Error>", "<CompleteMultipartUpl"]) => blame.passing += 1,
            400.. => blame.refused = true,
            _ => {}
        }
    }

    /// Takes note that somebody else's object got this file's key.
    pub(crate) fn key_taken(&mut self, file: FileId) {
        self.files.entry(file).or_default().taken = true;
    }

    /// Counts a request that the engine gave up because nothing moved.
    pub(crate) fn s3_stalled(&mut self, file: FileId) {
        self.files.entry(file).or_default().passing += 1;
    }

    /// Counts what the API answered; nothing where the engine gave the call up.
    pub(crate) fn api_answered(&mut self, answer: Option<&HttpAnswer>) {
        match answer {
            None => self.api_passing += 1,
            Some(answer) if matches!(answer.status, 408 | 429 | 500..) => self.api_passing += 1,
            Some(answer) if answer.status != 200 || answer.body.contains(r#""serverTime":5,"#) => {
                self.api_refused += 1;
            }
            Some(answer) if !answer.body.starts_with('{') => self.api_refused += 1,
            Some(_) => {}
        }
    }

    /// How many calls of the API went wrong.
    pub(crate) const fn api_failures(&self) -> u32 {
        self.api_passing + self.api_refused
    }

    /// Whether the world gave this file a reason to fail like this.
    pub(crate) fn explains(
        &self,
        file: FileId,
        disk: &DiskFile,
        kind: ErrorKind,
        settings: &Settings,
    ) -> bool {
        const MOST_RESTARTS: u32 = 3;
        let nothing = FileBlame::default();
        let blame = self.files.get(&file).unwrap_or(&nothing);
        match kind {
            ErrorKind::FileMissing => disk.change == Some(Change::Vanished),
            ErrorKind::FileChanged => {
                matches!(disk.change, Some(Change::Noticed | Change::Unnoticed))
            }
            ErrorKind::AlreadyExists => blame.taken,
            ErrorKind::AccessDenied | ErrorKind::SignatureRefused => blame.refused,
            ErrorKind::S3Refused => {
                blame.refused || (blame.parts_differ > 0 && blame.passing >= settings.max_attempts)
            }
            ErrorKind::Corrupted => {
                blame.bad_digests >= 2 || blame.passing + blame.bad_digests >= settings.max_attempts
            }
            ErrorKind::Expired | ErrorKind::ClockSkewed => blame.expired > settings.max_resigns,
            ErrorKind::UploadGone => blame.dropped > MOST_RESTARTS,
            ErrorKind::S3Busy
            | ErrorKind::S3Unreachable
            | ErrorKind::S3UnexpectedAnswer
            | ErrorKind::Stalled => {
                blame.passing + blame.bad_digests >= settings.max_attempts || blame.dropped > MOST_RESTARTS
            }
            ErrorKind::ApiUnreachable | ErrorKind::ApiBusy => self.api_passing >= settings.max_attempts,
            ErrorKind::TypeNotAllowed => disk.description.media_type == REFUSED_TYPE,
            ErrorKind::ApiUnexpectedAnswer | ErrorKind::NotSignedIn | ErrorKind::ApiRefused => {
                self.api_refused > 0
            }
            ErrorKind::FileTooLarge | ErrorKind::EtagHidden => false,
        }
    }
}
