//! What is in flight: everything that was asked for and not answered yet.

use std::{collections::BTreeMap, time::Duration};

use wire::Endpoint;

use crate::{
    BodySource, CallId, Command, FileId, SaveId, Ticket,
    limits::{COMPLETE_PATIENCE, READ_TOGETHER_FILES, SAVE_PATIENCE, SMALLEST_SPEED_SAMPLE},
    measure::turns::{Class, PerClass},
    protocol::judge::Asked,
    upload::{abort::Abort, manifest::Manifest, transfer::Transfer},
};

/// What an answer is awaited for.
#[derive(Debug)]
pub(crate) enum Slot {
    /// A range is being hashed.
    Hash(Load),
    /// A file is read once more before it is completed.
    Check,
    /// A file that could not be read is taken anew.
    Reopen,
    /// The bytes of a transfer are on their way.
    Put {
        load: Load,
        body: BodySource,
    },
    Create,
    /// The CreateMultipartUpload of a file that was cancelled before S3 answered. It goes on: without its answer nobody
    /// would know which upload of this key to abort.
    OrphanedCreate {
        key: String,
    },
    List,
    Complete,
    Abort(Abort),
    /// The bytes of a manifest are on their way.
    Manifest {
        manifest: Manifest,
        body: BodySource,
    },
    Call(Call),
    /// The records of these files are being written.
    Save(Vec<FileId>),
}

/// What a hash or a PUT has to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// The part number; `None` for a whole file.
    pub(crate) part: Option<u32>,
    class: Class,
    bytes: u64,
    is_read_together: bool,
}

impl Load {
    pub(crate) const fn of(transfer: &Transfer) -> Self {
        Self {
            part: transfer.part,
            class: transfer.class(),
            bytes: transfer.size(),
            is_read_together: transfer.is_read_together(),
        }
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// A request to the Lambda's API, and how many bytes of JSON it has.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) purpose: CallPurpose,
    pub(crate) bytes: usize,
}

/// What a request to the Lambda's API is for.
#[derive(Debug)]
pub(crate) enum CallPurpose {
    /// `POST /uploads` for these files.
    Plan(Vec<FileId>),
    /// `POST /sign` for these requests of one file.
    Sign(FileId, Vec<SignTarget>),
    /// `POST /sign` for an abort.
    SignAbort(Abort),
    /// `POST /manifests`.
    SignManifest(Manifest),
}

/// What of a multipart upload a signature is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignTarget {
    Part(u32),
    List,
    Complete,
}

impl Slot {
    pub(crate) const fn is_hash(&self) -> bool {
        matches!(self, Self::Hash(_))
    }

    pub(crate) const fn is_check(&self) -> bool {
        matches!(self, Self::Check)
    }

    pub(crate) const fn is_reopen(&self) -> bool {
        matches!(self, Self::Reopen)
    }

    /// What a request to S3 asks for.
    pub(crate) const fn asked(&self) -> Asked {
        match self {
            Self::Put { .. } | Self::Manifest { .. } => Asked::Put,
            Self::Abort(_) => Asked::Abort,
            _ => Asked::Control,
        }
    }

    /// Whether it is a request to S3, which the budget counts.
    pub(crate) const fn is_s3_request(&self) -> bool {
        !matches!(
            self,
            Self::Hash(_) | Self::Check | Self::Reopen | Self::Call(_) | Self::Save(_)
        )
    }

    /// Whether it is a request to S3 that a file which goes on waits for.
    pub(crate) const fn is_files_request(&self) -> bool {
        matches!(
            self,
            Self::Put { .. } | Self::Create | Self::List | Self::Complete
        )
    }

    /// Whether a file that stops takes it along. Nobody could tell any more what became of a Create or a Complete,
    /// and an abort is not the file's any more.
    const fn stops_with_file(&self) -> bool {
        matches!(self, Self::Hash(_) | Self::Check | Self::Put { .. } | Self::List)
    }

    /// How long it may show no progress; `None` if that is not watched, because no network is involved.
    fn patience(&self, stall: Duration) -> Option<Duration> {
        match self {
            Self::Hash(_) | Self::Check | Self::Reopen => None,
            Self::Complete => Some(stall + COMPLETE_PATIENCE),
            Self::Save(_) => Some(SAVE_PATIENCE),
            _ => Some(stall),
        }
    }
}

/// One thing that is in flight.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// `None` for a call and a save, which may be for many files.
    file: Option<FileId>,
    pub(crate) slot: Slot,
    /// Where it went, if it is a request to S3.
    pub(crate) endpoint: Endpoint,
    /// Whether it asks S3 to keep an object that is there.
    pub(crate) is_conditional: bool,
    pub(crate) started: Duration,
    /// When it is given up, unless it shows progress before.
    deadline: Option<Duration>,
    /// Bytes of its body that have left.
    sent: u64,
    /// Since when its whole body is out and its answer is awaited.
    out_since: Option<Duration>,
    /// How long that answer may take, and whether that is known from the speed of others.
    patience: Duration,
    is_patience_measured: bool,
    /// When its answer is given up, if that of a later body came first.
    overtaken_deadline: Option<Duration>,
}

impl Attempt {
    const fn put_bytes(&self) -> Option<u64> {
        match &self.slot {
            Slot::Put { load, .. } => Some(load.bytes),
            Slot::Manifest { manifest, .. } => Some(manifest.size),
            _ => None,
        }
    }

    /// Whether its whole body is out.
    pub(crate) const fn is_out(&self) -> bool {
        self.out_since.is_some()
    }

    /// Whether the browser has reported nothing of its body.
    pub(crate) const fn is_unseen(&self) -> bool {
        self.sent == 0
    }

    /// Whether its answer is late: a body at least as large has gone the same way since, and was answered.
    pub(crate) const fn is_overtaken(&self) -> bool {
        self.overtaken_deadline.is_some()
    }

    fn is_overtaken_by(&self, later: &Self) -> bool {
        self.is_out()
            && self.started < later.started
            && self.endpoint == later.endpoint
            && self.put_bytes() <= later.put_bytes()
    }

    /// If its whole body is out, nothing of it moves any more until it is answered, which may take as long as its
    /// patience, and as a stall in any case, but not longer than is left to it once it is overtaken.
    fn await_answer(&mut self, stall: Duration) {
        if let Some(since) = self.out_since {
            let deadline = since + self.patience.max(stall);
            let overtaken = self.overtaken_deadline.unwrap_or(deadline);
            self.deadline = Some(deadline.min(overtaken));
        }
    }
}

/// What showed no progress for too long.
#[derive(Debug)]
pub(crate) enum Stalled {
    Request(Ticket, Attempt),
    Call(CallId, Call),
    /// A storage that does not answer must not keep these files from being sent.
    Save(SaveId, Vec<FileId>),
}

/// What is being hashed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hashing {
    alone: usize,
    together: usize,
    pub(crate) bytes: u64,
    pub(crate) count: PerClass<usize>,
}

impl Hashing {
    pub(crate) const fn is_none(&self) -> bool {
        self.alone + self.together == 0
    }

    /// How many of the places for hashes are taken. Files that are read together share one.
    pub(crate) const fn places(&self) -> usize {
        self.alone + self.together / READ_TOGETHER_FILES
    }
}

/// The table of what is in flight, by attempt. It is short, however many files there are.
#[derive(Debug)]
pub(crate) struct InFlight {
    next: u64,
    stall: Duration,
    attempts: BTreeMap<u64, Attempt>,
    abandoned: Abandoned,
}

/// Bodies that were cancelled on their way: what has left may still be forwarded before what follows it.
#[derive(Debug)]
struct Abandoned {
    bytes: u64,
    last_started: Duration,
}

impl Abandoned {
    const NONE: Self = Self {
        bytes: 0,
        last_started: Duration::ZERO,
    };

    fn add(&mut self, attempt: &Attempt) {
        self.bytes += attempt.sent;
        self.last_started = self.last_started.max(attempt.started);
    }

    /// A body that started then was answered. All that left before it has arrived.
    fn on_answer(&mut self, started: Duration) {
        if started > self.last_started {
            self.bytes = 0;
        }
    }
}

impl InFlight {
    /// An empty table. What shows no progress for `stall` is given up.
    pub(crate) const fn new(stall: Duration) -> Self {
        Self {
            next: 1,
            stall,
            attempts: BTreeMap::new(),
            abandoned: Abandoned::NONE,
        }
    }

    pub(crate) fn start(&mut self, file: FileId, slot: Slot, now: Duration) -> Ticket {
        self.start_request(Endpoint::First, false, file, slot, now)
    }

    /// As [`Self::start`], for a request to this endpoint.
    pub(crate) fn start_request(
        &mut self,
        endpoint: Endpoint,
        is_conditional: bool,
        file: FileId,
        slot: Slot,
        now: Duration,
    ) -> Ticket {
        let attempt = self.next;
        self.next += 1;
        self.insert_at(attempt, endpoint, Some(file), slot, now);
        if let Some(started) = self.attempts.get_mut(&attempt) {
            started.is_conditional = is_conditional;
        }
        Ticket { file, attempt }
    }

    pub(crate) fn start_call(&mut self, id: CallId, call: Call, now: Duration) {
        self.insert_at(id.0, Endpoint::First, None, Slot::Call(call), now);
    }

    /// The id of the next call, which is for [`Self::start_call`].
    pub(crate) const fn new_call_id(&mut self) -> CallId {
        let id = CallId(self.next);
        self.next += 1;
        id
    }

    fn insert_at(
        &mut self,
        attempt: u64,
        endpoint: Endpoint,
        file: Option<FileId>,
        slot: Slot,
        now: Duration,
    ) {
        let deadline = slot.patience(self.stall).map(|patience| now + patience);
        let mut new = Attempt {
            file,
            endpoint,
            is_conditional: false,
            slot,
            started: now,
            deadline,
            sent: 0,
            out_since: None,
            patience: Duration::ZERO,
            is_patience_measured: false,
            overtaken_deadline: None,
        };
        // An empty body is out at once.
        new.out_since = (new.put_bytes() == Some(0)).then_some(now);
        self.attempts.insert(attempt, new);
    }

    /// Takes out what this ticket names, if it is awaited and of this kind.
    pub(crate) fn take(&mut self, ticket: Ticket, is_of_kind: fn(&Slot) -> bool) -> Option<Attempt> {
        let is_awaited = |attempt: &Attempt| attempt.file == Some(ticket.file) && is_of_kind(&attempt.slot);
        if !self.attempts.get(&ticket.attempt).is_some_and(is_awaited) {
            return None;
        }
        self.attempts.remove(&ticket.attempt)
    }

    /// Takes out a call, if it is awaited.
    pub(crate) fn take_call(&mut self, id: CallId) -> Option<Call> {
        let is_call = |attempt: &Attempt| matches!(attempt.slot, Slot::Call(_));
        if !self.attempts.get(&id.0).is_some_and(is_call) {
            return None;
        }
        match self.attempts.remove(&id.0)?.slot {
            Slot::Call(call) => Some(call),
            _ => None,
        }
    }

    /// Starts to wait until the records of these files are written. Returns the command that asks for the report.
    pub(crate) fn start_save(&mut self, id: SaveId, files: Vec<FileId>, now: Duration) -> Command {
        self.insert_at(id.0, Endpoint::First, None, Slot::Save(files), now);
        Command::ReportSaved(id)
    }

    /// The id of the next save, which is for [`Self::start_save`].
    pub(crate) const fn new_save_id(&mut self) -> SaveId {
        let id = SaveId(self.next);
        self.next += 1;
        id
    }

    /// Takes out a save, if it is awaited, and returns the files that wait for it.
    pub(crate) fn take_save(&mut self, id: SaveId) -> Option<Vec<FileId>> {
        let is_save = |attempt: &Attempt| matches!(attempt.slot, Slot::Save(_));
        if !self.attempts.get(&id.0).is_some_and(is_save) {
            return None;
        }
        match self.attempts.remove(&id.0)?.slot {
            Slot::Save(files) => Some(files),
            _ => None,
        }
    }

    /// Takes out every call.
    pub(crate) fn take_calls(&mut self) -> Vec<(CallId, Call)> {
        let is_call = |attempt: &Attempt| matches!(attempt.slot, Slot::Call(_));
        let calls: Vec<CallId> = self.numbers(is_call).map(CallId).collect();
        calls
            .into_iter()
            .filter_map(|id| Some((id, self.take_call(id)?)))
            .collect()
    }

    /// Whether an abort is in flight, or a request that may have to be aborted.
    pub(crate) fn is_aborting(&self) -> bool {
        self.slots().any(|slot| match slot {
            Slot::Abort(_) | Slot::OrphanedCreate { .. } => true,
            Slot::Call(call) => matches!(call.purpose, CallPurpose::SignAbort(_)),
            _ => false,
        })
    }

    /// Takes out what S3 is answering that no file waits for: aborts and manifests.
    pub(crate) fn take_aborts_and_manifests(&mut self) -> Vec<(Ticket, Slot)> {
        let attempts: Vec<u64> = self
            .numbers(|attempt| matches!(attempt.slot, Slot::Abort(_) | Slot::Manifest { .. }))
            .collect();
        let take = |attempt| {
            let Attempt { file, slot, .. } = self.attempts.remove(&attempt)?;
            Some((Ticket { file: file?, attempt }, slot))
        };
        attempts.into_iter().filter_map(take).collect()
    }

    /// Where the manifest went that this ticket names, if its answer is awaited.
    pub(crate) fn manifest(&self, ticket: Ticket) -> Option<Endpoint> {
        let attempt = self.attempts.get(&ticket.attempt)?;
        let is_it = attempt.file == Some(ticket.file) && matches!(attempt.slot, Slot::Manifest { .. });
        is_it.then_some(attempt.endpoint)
    }

    /// Takes out what a file that stops takes along.
    pub(crate) fn stop(&mut self, file: FileId) -> Vec<Ticket> {
        self.take_of(file, Slot::stops_with_file)
    }

    /// Takes out what reads a file.
    pub(crate) fn stop_reading(&mut self, file: FileId) -> Vec<Ticket> {
        self.take_of(file, |slot| slot.is_hash() || slot.is_check())
    }

    /// Takes out what takes a file anew.
    pub(crate) fn stop_reopening(&mut self, file: FileId) -> Vec<Ticket> {
        self.take_of(file, Slot::is_reopen)
    }

    /// How many files are being taken anew.
    pub(crate) fn reopens(&self) -> usize {
        self.slots().filter(|slot| slot.is_reopen()).count()
    }

    /// Takes out the CompleteMultipartUpload of a file.
    pub(crate) fn stop_complete(&mut self, file: FileId) -> Vec<Ticket> {
        self.take_of(file, |slot| matches!(slot, Slot::Complete))
    }

    /// Takes out what is being done for the parts of a file from this number on.
    pub(crate) fn stop_parts(&mut self, file: FileId, first: u32) -> Vec<Ticket> {
        self.take_of(file, |slot| match slot {
            Slot::Hash(load) | Slot::Put { load, .. } => load.part >= Some(first),
            _ => false,
        })
    }

    fn take_of(&mut self, file: FileId, is_of_kind: impl Fn(&Slot) -> bool) -> Vec<Ticket> {
        let tickets: Vec<Ticket> = self
            .numbers(|attempt| attempt.file == Some(file) && is_of_kind(&attempt.slot))
            .map(|attempt| Ticket { file, attempt })
            .collect();
        for ticket in &tickets {
            if let Some(attempt) = self.attempts.remove(&ticket.attempt) {
                self.abandoned.add(&attempt);
            }
        }
        tickets
    }

    fn numbers(&self, is_wanted: impl Fn(&Attempt) -> bool) -> impl Iterator<Item = u64> {
        self.attempts
            .iter()
            .filter(move |(_, attempt)| is_wanted(attempt))
            .map(|(number, _)| *number)
    }

    /// The file was cancelled while S3 was asked to create an upload of this key.
    pub(crate) fn orphan_create(&mut self, file: FileId, key: &str) {
        for attempt in self.attempts.values_mut() {
            if attempt.file == Some(file) && matches!(attempt.slot, Slot::Create) {
                attempt.slot = Slot::OrphanedCreate { key: key.to_owned() };
            }
        }
    }

    /// The PUT that this ticket names, if it is awaited.
    pub(crate) fn put(&self, ticket: Ticket) -> Option<(Option<u32>, Endpoint)> {
        match self.attempts.get(&ticket.attempt)? {
            Attempt {
                file: Some(file),
                slot: Slot::Put { load, .. },
                endpoint,
                ..
            } if *file == ticket.file => Some((load.part, *endpoint)),
            _ => None,
        }
    }

    /// Its bytes move, so that it is not given up for another while.
    pub(crate) fn record_progress(&mut self, ticket: Ticket, sent: u64, now: Duration) {
        if let Some(attempt) = self.attempts.get_mut(&ticket.attempt) {
            attempt.deadline = attempt.slot.patience(self.stall).map(|patience| now + patience);
            attempt.sent = sent;
            if attempt.put_bytes() == Some(sent) {
                attempt.out_since = Some(now);
                attempt.await_answer(self.stall);
            }
        }
    }

    /// The answer to any body in flight may take this long. Only what was a guess gets shorter: what is measured later
    /// has fewer bytes in flight, but the body still waits behind those that were there when it started.
    pub(crate) fn allow(&mut self, patience: Duration, is_measured: bool) {
        for attempt in self.attempts.values_mut() {
            if attempt.put_bytes().is_some() {
                let was_guess = is_measured && !attempt.is_patience_measured;
                attempt.patience = match was_guess {
                    true => patience,
                    false => attempt.patience.max(patience),
                };
                attempt.is_patience_measured |= is_measured;
                attempt.await_answer(self.stall);
            }
        }
    }

    /// A body was answered: those behind it have come closer, and one that it has overtaken is hardly held up on the way.
    pub(crate) fn record_answer(&mut self, answered: &Attempt, now: Duration) {
        self.abandoned.on_answer(answered.started);
        for attempt in self.attempts.values_mut() {
            if attempt.is_out() && attempt.started >= answered.started {
                attempt.out_since = Some(now);
            } else if attempt.is_overtaken_by(answered) {
                let took = now.saturating_sub(answered.started);
                attempt
                    .overtaken_deadline
                    .get_or_insert(now + took.max(self.stall));
            }
            attempt.await_answer(self.stall);
        }
    }

    /// Bytes of all bodies in flight.
    pub(crate) fn bytes_in_flight(&self) -> u64 {
        self.attempts.values().filter_map(Attempt::put_bytes).sum()
    }

    /// Bytes that an answer may have to wait for: of all bodies in flight, and what has left of cancelled ones.
    pub(crate) fn bytes_on_the_way(&self) -> u64 {
        self.bytes_in_flight() + self.abandoned.bytes
    }

    /// Bytes of files that have left and were not answered.
    pub(crate) fn unanswered(&self) -> u64 {
        let puts = self.attempts.values();
        let puts = puts.filter(|attempt| matches!(attempt.slot, Slot::Put { .. }));
        puts.map(|attempt| attempt.sent).sum()
    }

    /// Whether bodies are in flight and every one of them is out.
    pub(crate) fn is_confirming(&self) -> bool {
        let mut puts = self
            .attempts
            .values()
            .filter(|attempt| attempt.put_bytes().is_some())
            .peekable();
        puts.peek().is_some() && puts.all(Attempt::is_out)
    }

    /// Bytes of the bodies in flight that are in memory.
    pub(crate) fn bodies_in_memory(&self) -> u64 {
        let bytes = |slot: &Slot| match slot {
            Slot::Put {
                load,
                body: BodySource::Bytes,
                ..
            } => load.bytes,
            Slot::Manifest {
                manifest,
                body: BodySource::Bytes,
            } => manifest.size,
            _ => 0,
        };
        self.slots().map(bytes).sum()
    }

    /// Takes out the next attempt whose time is over.
    pub(crate) fn take_stalled(&mut self, now: Duration) -> Option<Stalled> {
        let is_over = |attempt: &Attempt| attempt.deadline.is_some_and(|deadline| deadline <= now);
        let number = self.numbers(is_over).next()?;
        let attempt = self.attempts.remove(&number)?;
        match (attempt.slot, attempt.file) {
            (Slot::Call(call), _) => Some(Stalled::Call(CallId(number), call)),
            (Slot::Save(files), _) => Some(Stalled::Save(SaveId(number), files)),
            (slot, Some(file)) => {
                let ticket = Ticket {
                    file,
                    attempt: number,
                };
                Some(Stalled::Request(ticket, Attempt { slot, ..attempt }))
            }
            (_, None) => None,
        }
    }

    /// When the next attempt is given up.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.attempts
            .values()
            .filter_map(|attempt| attempt.deadline)
            .min()
    }

    /// How many requests S3 is answering.
    pub(crate) fn s3_requests(&self) -> usize {
        self.slots().filter(|slot| slot.is_s3_request()).count()
    }

    /// Whether S3 is answering any request of this file.
    pub(crate) fn has_s3_request(&self, file: FileId) -> bool {
        self.attempts
            .values()
            .any(|attempt| attempt.file == Some(file) && attempt.slot.is_files_request())
    }

    /// How many calls the API is answering.
    pub(crate) fn calls(&self) -> usize {
        self.slots().filter(|slot| matches!(slot, Slot::Call(_))).count()
    }

    /// How many requests S3 is answering at one of its endpoints.
    pub(crate) fn s3_requests_to(&self, endpoint: Endpoint) -> usize {
        let mut requests = 0;
        for attempt in self.attempts.values() {
            requests += usize::from(attempt.slot.is_s3_request() && attempt.endpoint == endpoint);
        }
        requests
    }

    /// How many PUTs of each class S3 is answering.
    pub(crate) fn puts(&self) -> PerClass<usize> {
        let mut count = PerClass::default();
        for slot in self.slots() {
            if let Slot::Put { load, .. } = slot {
                count[load.class] += 1;
            }
        }
        count
    }

    /// The bodies in flight that measure a speed: their bytes, and when they were started.
    pub(crate) fn speed_samples(&self) -> impl Iterator<Item = (u64, Duration)> {
        let sample = |attempt: &Attempt| Some((attempt.put_bytes()?, attempt.started));
        let samples = self.attempts.values().filter_map(sample);
        samples.filter(|(bytes, _)| *bytes >= SMALLEST_SPEED_SAMPLE)
    }

    pub(crate) fn hashing(&self) -> Hashing {
        let mut hashing = Hashing::default();
        for slot in self.slots() {
            if let Slot::Hash(load) = slot {
                if load.is_read_together {
                    hashing.together += 1;
                } else {
                    hashing.alone += 1;
                }
                hashing.bytes += load.bytes;
                hashing.count[load.class] += 1;
            }
        }
        hashing
    }

    /// The files of which something is in flight, each as often as it has something.
    pub(crate) fn files(&self) -> impl Iterator<Item = FileId> {
        self.attempts.values().filter_map(|attempt| attempt.file)
    }

    fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.attempts.values().map(|attempt| &attempt.slot)
    }
}
