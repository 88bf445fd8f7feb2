//! One range of a file on its way to S3: a whole file, or one part of a large one.

use std::{ops::Range, time::Duration};

use wire::{Endpoint, Sha256Digest, SignedRequest};

use crate::{
    CallId, ErrorKind, SaveId,
    limits::READ_TOGETHER_BYTES,
    measure::{
        backoff::{Attempts, Decision},
        conditions::Conditions,
        endpoints::Endpoints,
        server_clock::ServerClock,
        turns::Class,
    },
    protocol::recovery::Recovery,
};

/// What is known of a range that was hashed before and has to be hashed again.
#[derive(Clone, Debug)]
pub(crate) struct PriorHash {
    pub(crate) digest: Sha256Digest,
    pub(crate) on_match: OnMatch,
}

/// What follows once a range has the digest that it had before.
#[derive(Clone, Debug)]
pub(crate) enum OnMatch {
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

impl PriorHash {
    /// Whether the range is only compared with what S3 has of it since before an interruption.
    pub(crate) const fn is_of_interrupted(&self) -> bool {
        matches!(
            self.on_match,
            OnMatch::KeepRecorded { .. } | OnMatch::KeepListed { .. }
        )
    }
}

/// How far a range has come.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    /// It has to be hashed, for the first time or again.
    Unhashed(Option<PriorHash>),
    /// It is being hashed.
    Hashing(Option<PriorHash>),
    /// It has to be signed.
    Hashed(Sha256Digest),
    /// The Lambda was asked to sign it.
    Signing { call: CallId, digest: Sha256Digest },
    /// It may be sent once its record is on the disk.
    Recording {
        save: SaveId,
        digest: Sha256Digest,
        request: SignedRequest,
    },
    /// It may be sent.
    Signed {
        digest: Sha256Digest,
        request: SignedRequest,
    },
    /// It is on its way.
    Sending {
        digest: Sha256Digest,
        request: SignedRequest,
        /// Bytes sent.
        sent: u64,
    },
    /// A part was sent, and what became of it is not known: S3 is asked whether it has the part.
    Lost {
        prior: PriorHash,
        /// Whether S3 said that it has the part, so that only its `ETag` is missing.
        is_accepted: bool,
    },
}

/// One range of a file on its way to S3.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    /// The part number, from 1; `None` for a whole file.
    pub(crate) part: Option<u32>,
    pub(crate) range: Range<u64>,
    pub(crate) stage: Stage,
    /// Where it goes once it is being signed.
    pub(crate) endpoint: Endpoint,
    pub(crate) attempts: Attempts,
    /// Whether S3 may have carried out a request of which no answer came. That does not take a byte to have
    /// been seen moving: browsers report progress late.
    pub(crate) outcome_unknown: bool,
    /// The most bytes that any attempt has sent.
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

    /// A part that was hashed before.
    pub(crate) fn with_prior_hash(part: u32, range: Range<u64>, prior: PriorHash) -> Self {
        Self {
            stage: Stage::Unhashed(Some(prior)),
            ..Self::new(Some(part), range)
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

    /// The class whose turn it takes. A part is of a large file, however small the part.
    pub(crate) const fn class(&self) -> Class {
        match self.part {
            Some(_) => Class::Large,
            None => Class::of_size(self.size()),
        }
    }

    /// Whether it is a file so small that many are read at once.
    pub(crate) const fn is_read_together(&self) -> bool {
        self.part.is_none() && self.size() <= READ_TOGETHER_BYTES
    }

    pub(crate) const fn is_sending(&self) -> bool {
        matches!(self.stage, Stage::Sending { .. })
    }

    /// Whether its next step waits for a back-off or for its turn.
    pub(crate) const fn is_waiting(&self) -> bool {
        matches!(
            self.stage,
            Stage::Unhashed(_) | Stage::Hashed(_) | Stage::Signed { .. }
        )
    }

    /// Whether the Lambda was asked to sign it, and it is not sent yet.
    pub(crate) const fn is_signed_ahead(&self) -> bool {
        matches!(
            self.stage,
            Stage::Signing { .. } | Stage::Recording { .. } | Stage::Signed { .. }
        )
    }

    /// Whether it is compared with what S3 has of it.
    pub(crate) const fn is_comparing(&self) -> bool {
        match &self.stage {
            Stage::Unhashed(Some(prior)) | Stage::Hashing(Some(prior)) => prior.is_of_interrupted(),
            _ => false,
        }
    }

    /// Whether it was signed for an endpoint that cannot be reached and has to be signed for the other one.
    pub(crate) fn must_leave_endpoint(&self, endpoints: &Endpoints) -> bool {
        endpoints.is_to_be_left(self.endpoint) && matches!(self.stage, Stage::Signed { .. })
    }

    /// Starts to hash it. Returns whether it had to be hashed.
    pub(crate) fn start_hash(&mut self) -> bool {
        let Stage::Unhashed(prior) = &mut self.stage else {
            return false;
        };
        self.stage = Stage::Hashing(prior.take());
        true
    }

    /// Returns the request to send, if it is signed. If its time is over, it has to be signed again.
    pub(crate) fn start_put(&mut self, clock: &ServerClock, now: Duration) -> Option<SignedRequest> {
        let Stage::Signed { digest, request } = &self.stage else {
            return None;
        };
        if !clock.is_fresh(request, now) {
            self.unsign();
            return None;
        }
        let (digest, request) = (*digest, request.clone());
        self.stage = Stage::Sending {
            digest,
            request: request.clone(),
            sent: 0,
        };
        Some(request)
    }

    /// Puts it back to be signed, if the Lambda was asked to sign it or has signed it.
    pub(crate) fn unsign(&mut self) {
        if let Stage::Signing { digest, .. }
        | Stage::Recording { digest, .. }
        | Stage::Signed { digest, .. } = self.stage
        {
            self.stage = Stage::Hashed(digest);
        }
    }

    /// Its record is on the disk, if it waits for that. Returns whether it may be sent now.
    pub(crate) fn on_saved(&mut self, saved: SaveId) -> bool {
        let stage = std::mem::replace(&mut self.stage, Stage::Unhashed(None));
        let is_saved = matches!(stage, Stage::Recording { save, .. } if save == saved);
        self.stage = match stage {
            Stage::Recording { digest, request, .. } if is_saved => Stage::Signed { digest, request },
            other => other,
        };
        is_saved
    }

    /// Counts bytes that the attempt in flight has sent; returns whether it sent any. Only a byte that no
    /// attempt has sent before forgives the failures so far: otherwise a server that takes the whole body and
    /// then refuses it would be tried forever.
    pub(crate) const fn record_progress(&mut self, bytes: u64) -> bool {
        let size = self.size();
        let Stage::Sending { sent, .. } = &mut self.stage else {
            return false;
        };
        if bytes <= *sent || bytes > size {
            return false;
        }
        *sent = bytes;
        if bytes > self.furthest {
            self.furthest = bytes;
            self.attempts.record_progress();
        }
        true
    }

    /// S3 stored a part, but the `ETag` of its answer cannot be read.
    pub(crate) fn mark_accepted(&mut self) {
        self.stop();
        if let Stage::Lost { is_accepted, .. } = &mut self.stage {
            *is_accepted = true;
        }
    }

    /// S3 answered what is on its way, without storing it.
    pub(crate) fn mark_refused(&mut self) {
        if let Stage::Sending { digest, .. } = self.stage {
            self.stage = Stage::Hashed(digest);
        }
    }

    /// How the last attempt failed, if one did since bytes were stored.
    pub(crate) fn last_failure(&self) -> Option<ErrorKind> {
        self.attempts.last.as_ref().map(|last| last.kind)
    }

    /// Decides what follows a failed request, and whether it is tried again.
    pub(crate) fn on_failure(&mut self, recovery: Recovery, conditions: &mut Conditions) -> Decision {
        let stage = std::mem::replace(&mut self.stage, Stage::Unhashed(None));
        let Stage::Sending { digest, request, .. } = stage else {
            return Decision::Again;
        };
        let hash_and_send = |request| PriorHash {
            digest,
            on_match: OnMatch::Send(request),
        };
        match recovery {
            Recovery::Ambiguous(error) => {
                self.outcome_unknown = true;
                // What is behind a lost connection may be a file that changed, so it is hashed again. Browsers
                // report late how much was sent, so S3 may have a part of which they reported nothing.
                let prior = hash_and_send(request);
                self.stage = match self.part {
                    Some(_) => Stage::Lost {
                        prior,
                        is_accepted: false,
                    },
                    None => Stage::Unhashed(Some(prior)),
                };
                self.attempts.record_no_answer(error, conditions)
            }
            Recovery::Retry(error) | Recovery::Throttled(error) | Recovery::Refused(error) => {
                self.outcome_unknown = true;
                self.stage = Stage::Signed { digest, request };
                self.attempts.record_failure(error, conditions)
            }
            // S3 says that this one stored nothing.
            Recovery::Conflict(error) => {
                self.stage = Stage::Signed { digest, request };
                self.attempts.record_failure(error, conditions)
            }
            Recovery::HashAgain(error) => {
                let before = self.last_failure();
                self.stage = Stage::Unhashed(Some(hash_and_send(request)));
                if before == Some(ErrorKind::Corrupted) {
                    return Decision::GiveUp(error);
                }
                self.attempts.record_failure(error, conditions)
            }
            Recovery::SignAgain(error) => {
                self.stage = Stage::Hashed(digest);
                self.attempts.record_signature_refresh(error, conditions)
            }
            Recovery::TooLarge(error)
            | Recovery::UploadGone(error)
            | Recovery::PartsDiffer(error)
            | Recovery::AlreadyExists(error)
            | Recovery::Final(error) => {
                self.stage = Stage::Hashed(digest);
                Decision::GiveUp(error)
            }
        }
    }

    /// Takes the range off the disk and lets go of a signature that was asked for. A request goes on.
    pub(crate) fn hold(&mut self) {
        match &mut self.stage {
            Stage::Hashing(prior) => self.stage = Stage::Unhashed(prior.take()),
            Stage::Signing { digest, .. } | Stage::Recording { digest, .. } => {
                self.stage = Stage::Hashed(*digest);
            }
            _ => {}
        }
    }

    /// Takes the range off the network and the disk, for a pause or a failure elsewhere.
    pub(crate) fn stop(&mut self) {
        self.hold();
        let stage = std::mem::replace(&mut self.stage, Stage::Unhashed(None));
        self.stage = match stage {
            Stage::Sending { digest, request, .. } => {
                self.outcome_unknown = true;
                // S3 may have a part of which the browser had not reported yet that it was sent.
                match self.part {
                    Some(_) => Stage::Lost {
                        prior: PriorHash {
                            digest,
                            on_match: OnMatch::Send(request),
                        },
                        is_accepted: false,
                    },
                    None => Stage::Signed { digest, request },
                }
            }
            other => other,
        };
    }
}
