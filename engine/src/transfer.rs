//! One range of a file on its way to S3: a whole small file, or one part of a large one.

use std::{ops::Range, time::Duration};

use wire::{SMALL_FILE_MAX_BYTES, Sha256Digest, SignedRequest};

use crate::{
    CallId,
    backoff::Attempts,
    endpoints::Endpoint,
    planted::{Bug, planted},
    schedule::READ_TOGETHER_BYTES,
};

/// What is known of a range that was hashed before and has to be hashed again.
#[derive(Clone, Debug)]
pub(crate) struct Earlier {
    pub(crate) digest: Sha256Digest,
    pub(crate) then: Then,
}

/// What follows once a range has the digest that it had before.
#[derive(Clone, Debug)]
pub(crate) enum Then {
    /// It has to be signed. A different digest means that the file changed.
    Sign,
    /// It may be sent with what was signed for that digest. A different one means that the file changed.
    Send(SignedRequest),
    /// S3 has it under this `ETag`, and this page's record says that it was sent. A different digest
    /// means that this is not the file.
    KeepRecorded { etag: String },
    /// S3 lists it under this `ETag`, and nobody knows who sent it. A different digest means that it
    /// has to be sent.
    KeepListed { etag: String },
}

impl Earlier {
    /// Whether the range is only compared with what S3 has of it since before an interruption.
    pub(crate) const fn is_of_interrupted(&self) -> bool {
        matches!(self.then, Then::KeepRecorded { .. } | Then::KeepListed { .. })
    }
}

/// How far a range has come.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    /// It has to be hashed, for the first time or again.
    Unhashed(Option<Earlier>),
    /// It is being hashed.
    Hashing { attempt: u64, earlier: Option<Earlier> },
    /// It has to be signed.
    Hashed(Sha256Digest),
    /// The Lambda was asked to sign it.
    Signing { call: CallId, digest: Sha256Digest },
    /// It may be sent.
    Signed {
        digest: Sha256Digest,
        request: SignedRequest,
    },
    /// It is on its way.
    Sending {
        attempt: u64,
        digest: Sha256Digest,
        request: SignedRequest,
        began: Duration,
        /// Bytes sent.
        sent: u64,
        /// When a byte last moved.
        moved_at: Duration,
    },
    /// All of a part's bytes were sent and the answer was lost: S3 is asked whether it has the part.
    Lost(Earlier),
}

/// One range of a file on its way to S3.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    /// The part number, from 1; nothing for a whole file.
    pub(crate) part: Option<u32>,
    pub(crate) range: Range<u64>,
    pub(crate) stage: Stage,
    /// Where it goes once it is being signed.
    pub(crate) endpoint: Endpoint,
    pub(crate) attempts: Attempts,
    /// Whether S3 may have carried out a request of which no answer came. That takes no byte to have
    /// been seen moving: progress is told a while after it was made.
    pub(crate) outcome_unknown: bool,
    /// The most bytes that any try has moved.
    furthest: u64,
}

impl Transfer {
    pub(crate) fn new(part: Option<u32>, range: Range<u64>) -> Self {
        Self {
            part,
            range,
            stage: Stage::Unhashed(None),
            endpoint: Endpoint::First,
            attempts: Attempts::default(),
            outcome_unknown: false,
            furthest: 0,
        }
    }

    /// A part that was sent before and has to be sent again.
    pub(crate) fn new_with_digest(part: u32, range: Range<u64>, digest: Sha256Digest) -> Self {
        Self::new_with_earlier(
            part,
            range,
            Earlier {
                digest,
                then: Then::Sign,
            },
        )
    }

    pub(crate) fn new_with_earlier(part: u32, range: Range<u64>, earlier: Earlier) -> Self {
        Self {
            stage: Stage::Unhashed(Some(earlier)),
            ..Self::new(Some(part), range)
        }
    }

    /// Counts bytes that the try under way has moved, and gives whether any did. Only a byte that no
    /// try has moved before forgives the failures so far: otherwise a server that takes the whole
    /// body and then refuses it would be tried for ever.
    pub(crate) const fn moved(&mut self, bytes: u64, now: Duration) -> bool {
        let size = self.size();
        let Stage::Sending { sent, moved_at, .. } = &mut self.stage else {
            return false;
        };
        if bytes <= *sent || bytes > size {
            return false;
        }
        *sent = bytes;
        *moved_at = now;
        if bytes > self.furthest {
            self.furthest = bytes;
            self.attempts.moved();
        }
        true
    }

    /// Takes note that S3 answered what is on its way, without storing it.
    pub(crate) fn was_refused(&mut self) {
        if let Stage::Sending { digest, .. } = self.stage {
            self.stage = Stage::Hashed(digest);
        }
    }

    pub(crate) const fn size(&self) -> u64 {
        self.range.end - self.range.start
    }

    pub(crate) const fn sent(&self) -> u64 {
        match self.stage {
            Stage::Sending { sent, .. } => sent,
            _ => 0,
        }
    }

    /// Whether it is a part, or a whole file that could also go up in parts.
    pub(crate) const fn is_large(&self) -> bool {
        self.part.is_some() || self.size() > SMALL_FILE_MAX_BYTES
    }

    /// Whether it is a file so small that many are read at once.
    pub(crate) const fn is_read_together(&self) -> bool {
        self.part.is_none() && self.size() <= READ_TOGETHER_BYTES
    }

    pub(crate) const fn is_sending(&self) -> bool {
        matches!(self.stage, Stage::Sending { .. })
    }

    /// Whether the Lambda was asked to sign it, and it is not sent yet.
    pub(crate) const fn is_signed_ahead(&self) -> bool {
        matches!(self.stage, Stage::Signing { .. } | Stage::Signed { .. })
    }

    pub(crate) const fn is_hashing(&self) -> bool {
        matches!(self.stage, Stage::Hashing { .. })
    }

    /// Whether it is compared with what S3 has of it.
    pub(crate) const fn is_comparing(&self) -> bool {
        match &self.stage {
            Stage::Unhashed(Some(earlier))
            | Stage::Hashing {
                earlier: Some(earlier),
                ..
            } => earlier.is_of_interrupted(),
            _ => false,
        }
    }

    /// Takes the range off the network or the disk, for a pause or a failure elsewhere, and gives
    /// the attempt to cancel.
    pub(crate) fn stop(&mut self) -> Option<u64> {
        let is_part = self.part.is_some();
        let stage = std::mem::replace(&mut self.stage, Stage::Unhashed(None));
        let (stage, attempt) = match stage {
            Stage::Hashing { attempt, earlier } => (Stage::Unhashed(earlier), Some(attempt)),
            Stage::Signing { digest, .. } => (Stage::Hashed(digest), None),
            Stage::Sending {
                attempt,
                digest,
                request,
                ..
            } => {
                self.outcome_unknown = !planted(Bug::OutcomeForgotten);
                // S3 may have a part of which the browser had not told yet that it was sent.
                let stage = if is_part {
                    Stage::Lost(Earlier {
                        digest,
                        then: Then::Send(request),
                    })
                } else {
                    Stage::Signed { digest, request }
                };
                (stage, Some(attempt))
            }
            rest => (rest, None),
        };
        self.stage = stage;
        attempt
    }
}
