//! The multipart uploads that S3 has to be asked to throw away: those of files that were cancelled.

use std::time::Duration;

use wire::{Endpoint, MultipartOperation, SignRequest, SignedRequest};

use crate::{
    ErrorKind, FileId, HttpAnswer, SaveId, UploadError,
    measure::{
        backoff::{Attempts, Decision},
        conditions::Conditions,
        endpoints::{Endpoints, PerEndpoint},
        server_clock::ServerClock,
    },
    protocol::recovery::Recovery,
};

/// A multipart upload to abort.
#[derive(Debug)]
pub(crate) struct Abort {
    /// The file that it was for; it may be off the list by now.
    pub(crate) file: FileId,
    key: String,
    upload_id: String,
    record: Record,
    /// The signed request, once there is one.
    request: Option<SignedRequest>,
    /// Where that goes.
    endpoint: Endpoint,
    attempts: Attempts,
}

/// What is on record of an upload that is to be aborted. A page that still had it there after a crash could not tell an
/// upload that was aborted from one that was completed: S3 knows neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Record {
    /// Perhaps that it goes on.
    Outdated,
    /// That it does not, once this save is reported.
    Saving(SaveId),
    /// That it does not.
    Saved,
}

impl Abort {
    /// What to ask the API for, so that it can be sent to this endpoint.
    pub(crate) fn sign_request(&mut self, endpoint: Endpoint) -> SignRequest {
        self.endpoint = endpoint;
        SignRequest {
            key: self.key.clone(),
            upload_id: self.upload_id.clone(),
            endpoint,
            operations: vec![MultipartOperation::AbortMultipartUpload],
        }
    }
}

/// What is to be aborted and waits for its turn; an abort in flight is in the table of what is in flight. Each one
/// that fails is repeated, up to the settings' limit; what is left then, the bucket's lifecycle rule removes.
#[derive(Debug, Default)]
pub(crate) struct Aborts(Vec<Abort>);

impl Aborts {
    pub(crate) fn add(&mut self, file: FileId, key: String, upload_id: String) {
        self.0.push(Abort {
            file,
            key,
            upload_id,
            record: Record::Outdated,
            request: None,
            endpoint: Endpoint::First,
            attempts: Attempts::default(),
        });
    }

    /// Whether the records of some have to be saved first.
    pub(crate) fn has_outdated_record(&self) -> bool {
        self.0.iter().any(|abort| abort.record == Record::Outdated)
    }

    /// Those of them wait for this save.
    pub(crate) fn wait_for(&mut self, save: SaveId) {
        for abort in &mut self.0 {
            if abort.record == Record::Outdated {
                abort.record = Record::Saving(save);
            }
        }
    }

    /// The records are on the disk.
    pub(crate) fn on_saved(&mut self, save: SaveId) {
        for abort in &mut self.0 {
            if abort.record == Record::Saving(save) {
                abort.record = Record::Saved;
            }
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes out the next one that has to be signed.
    pub(crate) fn take_unsigned(&mut self, now: Duration) -> Option<Abort> {
        let is_next = |abort: &Abort| {
            abort.record == Record::Saved && abort.request.is_none() && abort.attempts.not_before <= now
        };
        let index = self.0.iter().position(is_next)?;
        Some(self.0.remove(index))
    }

    /// Takes out the next one that may be sent, with its request and where that goes. One whose time is over, or whose
    /// endpoint has to be left, has to be signed again.
    pub(crate) fn take_signed(
        &mut self,
        clock: &ServerClock,
        endpoints: &Endpoints,
        has_capacity: PerEndpoint<bool>,
        now: Duration,
    ) -> Option<(Abort, Endpoint, SignedRequest)> {
        loop {
            let is_next = |abort: &Abort| {
                let may_go = has_capacity[abort.endpoint] || endpoints.is_to_be_left(abort.endpoint);
                abort.request.is_some() && may_go
            };
            let index = self.0.iter().position(is_next)?;
            let endpoint = self.0[index].endpoint;
            if let Some(request) = self.0[index].request.take()
                && clock.is_fresh(&request, now)
                && !endpoints.is_to_be_left(endpoint)
            {
                return Some((self.0.remove(index), endpoint, request));
            }
        }
    }

    /// The call for a signature was given up, as nobody's failure.
    pub(crate) fn put_back(&mut self, abort: Abort) {
        self.0.push(abort);
    }

    pub(crate) fn on_signed(&mut self, abort: Abort, request: SignedRequest) {
        self.0.push(Abort {
            request: Some(request),
            ..abort
        });
    }

    /// The Lambda would not, or could not, sign one.
    pub(crate) fn on_not_signed(
        &mut self,
        mut abort: Abort,
        error: UploadError,
        conditions: &mut Conditions,
    ) {
        let decision = if conditions.online {
            abort.attempts.record_failure(error, conditions)
        } else {
            abort.attempts.record_interruption(error.kind, conditions.now)
        };
        self.decide(abort, decision);
    }

    pub(crate) fn on_answered(
        &mut self,
        mut abort: Abort,
        judged: Result<HttpAnswer, Recovery>,
        conditions: &mut Conditions,
    ) {
        let decision = match judged {
            Ok(_) | Err(Recovery::UploadGone(_)) => return,
            Err(Recovery::SignAgain(error)) => abort.attempts.record_signature_refresh(error, conditions),
            Err(Recovery::Ambiguous(error)) => abort.attempts.record_no_answer(error, conditions),
            Err(
                Recovery::Retry(error)
                | Recovery::Throttled(error)
                | Recovery::HashAgain(error)
                | Recovery::TooLarge(error)
                | Recovery::Refused(error)
                | Recovery::Conflict(error)
                | Recovery::PartsDiffer(error)
                | Recovery::AlreadyExists(error)
                | Recovery::Final(error),
            ) => abort.attempts.record_failure(error, conditions),
        };
        self.decide(abort, decision);
    }

    fn decide(&mut self, abort: Abort, decision: Decision) {
        match decision {
            Decision::Again => self.0.push(abort),
            Decision::GiveUp(_) => {}
        }
    }

    /// The network or the machine was away: every abort starts again at once. Nobody knows how old a signature is
    /// by now; a new one brings the servers' time with it.
    pub(crate) fn on_interruption(&mut self, now: Duration) {
        for abort in &mut self.0 {
            abort.request = None;
            abort.attempts.record_interruption(ErrorKind::S3Unreachable, now);
        }
    }

    /// When each that has to be signed may be tried again.
    pub(crate) fn retry_times(&self) -> impl Iterator<Item = Duration> {
        let waiting = self.0.iter().filter(|abort| abort.request.is_none());
        waiting.map(|abort| abort.attempts.not_before)
    }
}
