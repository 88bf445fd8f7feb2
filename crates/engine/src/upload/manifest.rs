//! The manifests: of each batch that has ended, an object that names what it consists of.

use std::time::Duration;

use wire::{BatchId, Endpoint, ManifestRequest, SignedRequest};

use crate::{
    ErrorKind, FileId, HttpAnswer, ManifestRecord, ObjectRecord, SaveId, UploadError, UploadRecord,
    measure::{
        backoff::{Attempts, Decision},
        conditions::Conditions,
        endpoints::{Endpoints, PerEndpoint},
        server_clock::ServerClock,
    },
    protocol::recovery::Recovery,
};

/// A manifest that was written, on its way to S3.
#[derive(Debug)]
pub(crate) struct Manifest {
    /// What the page holds its bytes under.
    pub(crate) id: FileId,
    pub(crate) batch: BatchId,
    pub(crate) size: u64,
    pub(crate) record: ManifestRecord,
    /// Its key, once it is signed.
    pub(crate) key: String,
    /// Whether S3 may have carried out a request for this edition.
    outcome_unknown: bool,
    /// Whether this edition is on record.
    is_recorded: bool,
    stage: Stage,
    /// Where it goes once it is being signed.
    endpoint: Endpoint,
    attempts: Attempts,
}

/// How far a manifest has come that is not in flight.
#[derive(Debug)]
enum Stage {
    Unsigned,
    /// It may be sent once its record is on the disk.
    Recording(SaveId, SignedRequest),
    Signed(SignedRequest),
}

/// What follows an answer of S3 to a manifest.
pub(crate) enum Answered {
    /// S3 has it.
    Stored(Manifest),
    /// It is tried again.
    Again,
    /// Its key is somebody else's.
    KeyTaken(Manifest),
    /// No further try would change anything.
    GivenUp(Manifest),
}

impl Manifest {
    pub(crate) fn new(
        id: FileId,
        batch: BatchId,
        size: u64,
        record: ManifestRecord,
        may_be_stored: bool,
    ) -> Self {
        Self {
            id,
            batch,
            size,
            record,
            key: String::new(),
            outcome_unknown: may_be_stored,
            is_recorded: may_be_stored,
            stage: Stage::Unsigned,
            endpoint: Endpoint::First,
            attempts: Attempts::default(),
        }
    }

    /// What to ask the API for, so that it can be sent to this endpoint.
    pub(crate) const fn sign_request(&mut self, endpoint: Endpoint) -> ManifestRequest {
        self.endpoint = endpoint;
        ManifestRequest {
            batch: self.batch,
            edition: self.record.edition,
            size: self.size,
            sha256: self.record.sha256,
            endpoint,
        }
    }

    /// It becomes another edition.
    pub(crate) fn renumber(&mut self, edition: u32) {
        self.record.edition = edition;
        self.outcome_unknown = false;
        self.is_recorded = false;
        self.stage = Stage::Unsigned;
    }

    /// What is kept of it, so that a later page knows which edition S3 may have.
    fn upload_record(&self) -> UploadRecord {
        UploadRecord {
            name: String::new(),
            size: self.size,
            media_type: String::new(),
            last_modified: 0,
            batch: Some(self.batch),
            copy: 0,
            has_ended: true,
            stored: None,
            manifest: Some(self.record),
            fields: Default::default(),
            object: Some(ObjectRecord {
                key: self.key.clone(),
                sha256: Some(self.record.sha256),
                last_modified: 0,
                upload: None,
            }),
            multipart: None,
        }
    }
}

/// The manifests that wait for their turn; what is in flight is in the table of what is in flight.
#[derive(Debug, Default)]
pub(crate) struct Manifests {
    waiting: Vec<Manifest>,
    /// Those that the page is writing, and their batches.
    writing: Vec<(FileId, BatchId)>,
    /// How many there have been.
    count: u32,
}

impl Manifests {
    /// A manifest of this batch is being written. Returns its id: they count down, as those of files count up.
    pub(crate) fn start_writing(&mut self, batch: BatchId) -> FileId {
        let id = FileId(u32::MAX - self.count);
        self.count += 1;
        self.writing.push((id, batch));
        id
    }

    /// It is written. Returns its batch, if it is awaited.
    pub(crate) fn on_written(&mut self, id: FileId) -> Option<BatchId> {
        let index = self.writing.iter().position(|(writing, _)| *writing == id)?;
        Some(self.writing.swap_remove(index).1)
    }

    pub(crate) fn push(&mut self, manifest: Manifest) {
        self.waiting.push(manifest);
    }

    /// What is kept of one that waits for that.
    pub(crate) fn record(&self, id: FileId) -> Option<UploadRecord> {
        let manifest = self.waiting.iter().find(|manifest| manifest.id == id)?;
        Some(manifest.upload_record())
    }

    /// Takes out the next one that has to be signed.
    pub(crate) fn take_unsigned(&mut self, now: Duration) -> Option<Manifest> {
        let is_next = |manifest: &Manifest| {
            matches!(manifest.stage, Stage::Unsigned) && manifest.attempts.not_before <= now
        };
        let index = self.waiting.iter().position(is_next)?;
        Some(self.waiting.remove(index))
    }

    /// One is signed. Returns whether its record has to be written before it is sent.
    pub(crate) fn on_signed(
        &mut self,
        mut manifest: Manifest,
        key: String,
        request: SignedRequest,
        save: SaveId,
    ) -> bool {
        manifest.key = key;
        let is_new = !std::mem::replace(&mut manifest.is_recorded, true);
        manifest.stage = match is_new {
            true => Stage::Recording(save, request),
            false => Stage::Signed(request),
        };
        self.waiting.push(manifest);
        is_new
    }

    /// The records are on the disk.
    pub(crate) fn on_saved(&mut self, saved: SaveId) {
        for manifest in &mut self.waiting {
            if let Stage::Recording(save, request) = &manifest.stage
                && *save == saved
            {
                manifest.stage = Stage::Signed(request.clone());
            }
        }
    }

    /// Takes out the next one that may be sent, with its request and where that goes. One whose time is over, or whose
    /// endpoint has to be left, has to be signed again.
    pub(crate) fn take_signed(
        &mut self,
        clock: &ServerClock,
        endpoints: &Endpoints,
        has_capacity: PerEndpoint<bool>,
        room: u64,
        now: Duration,
    ) -> Option<(Manifest, Endpoint, SignedRequest)> {
        for index in 0..self.waiting.len() {
            let manifest = &mut self.waiting[index];
            let Stage::Signed(request) = &manifest.stage else {
                continue;
            };
            let endpoint = manifest.endpoint;
            if !clock.is_fresh(request, now) || endpoints.is_to_be_left(endpoint) {
                manifest.stage = Stage::Unsigned;
            } else if has_capacity[endpoint] && manifest.size <= room && manifest.attempts.not_before <= now {
                let request = request.clone();
                return Some((self.waiting.remove(index), endpoint, request));
            }
        }
        None
    }

    /// Nobody knows what became of a request, which is nobody's failure.
    pub(crate) fn put_back_sent(&mut self, manifest: Manifest) {
        self.waiting.push(Manifest {
            outcome_unknown: true,
            stage: Stage::Unsigned,
            ..manifest
        });
    }

    /// The Lambda signed one too late for it to be sent.
    pub(crate) fn on_dead_on_arrival(&mut self, manifest: Manifest, conditions: &mut Conditions) -> Answered {
        let error = UploadError::new(ErrorKind::Expired);
        self.decide(manifest, |attempts| {
            attempts.record_signature_refresh(error, conditions)
        })
    }

    /// S3 answered one, or it was lost.
    pub(crate) fn on_answered(
        &mut self,
        mut manifest: Manifest,
        judged: Result<HttpAnswer, Recovery>,
        conditions: &mut Conditions,
    ) -> Answered {
        manifest.stage = Stage::Unsigned;
        let recovery = match judged.map_err(Recovery::of_control_request) {
            Ok(_) => return Answered::Stored(manifest),
            Err(recovery) => recovery,
        };
        let was_outcome_unknown = std::mem::replace(&mut manifest.outcome_unknown, true);
        match recovery {
            // The key is this batch's alone and the URL is bound to its bytes: an earlier request has stored them, whatever
            // its answer was.
            Recovery::AlreadyExists(_) if was_outcome_unknown => Answered::Stored(manifest),
            Recovery::AlreadyExists(_) => Answered::KeyTaken(manifest),
            Recovery::SignAgain(error) => self.decide(manifest, |attempts| {
                attempts.record_signature_refresh(error, conditions)
            }),
            Recovery::Ambiguous(error) => {
                self.decide(manifest, |attempts| attempts.record_no_answer(error, conditions))
            }
            Recovery::Retry(error)
            | Recovery::Throttled(error)
            | Recovery::Refused(error)
            | Recovery::Conflict(error)
            | Recovery::HashAgain(error) => {
                self.decide(manifest, |attempts| attempts.record_failure(error, conditions))
            }
            Recovery::TooLarge(_)
            | Recovery::UploadGone(_)
            | Recovery::PartsDiffer(_)
            | Recovery::Final(_) => Answered::GivenUp(manifest),
        }
    }

    fn decide(&mut self, mut manifest: Manifest, record: impl FnOnce(&mut Attempts) -> Decision) -> Answered {
        match record(&mut manifest.attempts) {
            Decision::Again => {
                self.waiting.push(manifest);
                Answered::Again
            }
            Decision::GiveUp(_) => Answered::GivenUp(manifest),
        }
    }

    /// The network or the machine was away: nobody knows how old a signature is by now.
    pub(crate) fn on_interruption(&mut self, now: Duration) {
        for manifest in &mut self.waiting {
            if !matches!(manifest.stage, Stage::Recording(..)) {
                manifest.stage = Stage::Unsigned;
            }
            manifest
                .attempts
                .record_interruption(ErrorKind::S3Unreachable, now);
        }
    }

    /// When each may be tried again.
    pub(crate) fn retry_times(&self) -> impl Iterator<Item = Duration> {
        self.waiting.iter().map(|manifest| manifest.attempts.not_before)
    }
}
