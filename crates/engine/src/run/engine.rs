//! The engine: the one way in and the one way out.

use std::{collections::BTreeMap, time::Duration, vec::Drain};

use wire::{BatchId, Sha256Digest};

use crate::{
    Command, CompletedPart, Event, FileDescription, FileFailure, FileId, FileView, HttpAnswer, Owner, SaveId,
    Selection, Settings, StoredObject, Ticket, Totals, TransportFailure, UploadError, UploadRecord,
    measure::{env::Env, roster::Roster, turns::Turns},
    protocol::{judge::judge, recovery::Recovery, s3_xml},
    upload::{
        abort::Aborts,
        batches::Batches,
        file::{File, Files, State},
        in_flight::{Attempt, InFlight, Slot},
        keys::Keys,
        manifest::Manifests,
        output::Output,
        status::Surroundings,
        tally::Tally,
        upload_mut::UploadMut,
    },
};

/// The pure upload state machine. See the crate's documentation.
#[derive(Debug)]
pub struct Engine {
    pub(super) files: Files,
    pub(super) roster: Roster,
    pub(super) in_flight: InFlight,
    pub(super) aborts: Aborts,
    /// What is kept of files that are off the list and that S3 may have, until that save is reported.
    pub(super) off_list: BTreeMap<FileId, (SaveId, UploadRecord)>,
    pub(super) keys: Keys,
    pub(super) batches: Batches,
    pub(super) manifests: Manifests,
    pub(super) env: Env,
    pub(super) totals: Tally,
    pub(super) output: Output,
    pub(super) hash_turns: Turns,
    pub(super) put_turns: Turns,
}

impl Engine {
    /// An engine without files. The seed is that of the back-off's jitter: two engines with the same seed and the
    /// same events return the same commands.
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self {
            files: Files::default(),
            roster: Roster::default(),
            in_flight: InFlight::new(settings.stall),
            aborts: Aborts::default(),
            off_list: BTreeMap::new(),
            keys: Keys::default(),
            batches: Batches::default(),
            manifests: Manifests::default(),
            env: Env::new(settings, seed),
            totals: Tally::new(),
            output: Output::default(),
            hash_turns: Turns::new(),
            put_turns: Turns::new(),
        }
    }

    /// Takes an event that happens at `now`, on a clock that never goes back and whose origin does not matter.
    /// What is to be done about it is returned by [`Self::drain_commands`].
    pub fn handle(&mut self, event: Event, now: Duration) {
        let conditions = &mut self.env.conditions;
        conditions.now = conditions.now.max(now);
        let was_locked_out = self.env.api.locked_out();
        match event {
            Event::Progress { ticket, sent } => {
                if !self.on_progress(ticket, sent) {
                    return;
                }
            }
            Event::Hashed(hashed) => {
                for (ticket, result) in hashed {
                    self.on_hashed(ticket, result);
                }
            }
            Event::Checked { ticket, result } => self.on_checked(ticket, result),
            Event::Reopened { ticket, result } => self.on_reopened(ticket, result),
            Event::CallAnswered { call, answer } => self.on_call_answered(call, answer),
            Event::Answered { ticket, answer } => self.on_answered(ticket, answer),
            Event::Tick => self.on_tick(),
            Event::Offline => self.on_offline(),
            Event::Online => self.on_online(),
            Event::Woke => self.on_interruption(),
            // What waits for the API waits, if for anything, for a sign-in that had ended.
            Event::SignedIn => self.env.api.reset(),
            Event::FilesAdded { batch, files } => self.add(batch, files),
            Event::Saved(save) => self.on_save_reported(save),
            Event::Restored { records, owner } => self.restore(records, owner),
            Event::KeysTaken(keys) => keys.iter().for_each(|key| self.keys.mark_taken(key)),
            Event::BatchRestored { batch, manifest } => self.restore_batch(batch, manifest),
            Event::ManifestWritten {
                manifest,
                size,
                sha256,
            } => self.on_manifest_written(manifest, size, sha256),
            Event::ManifestNotWritten(manifest) => self.on_manifest_not_written(manifest),
            Event::Attached {
                id,
                description,
                attachment,
            } => self.with_upload(id, |upload| upload.attach(&description, attachment)),
            Event::TakenOver { id, record } => self.on_taken_over(id, record),
            Event::Pause(selection) => {
                self.each(selection, |upload| upload.pause());
                self.batches.pause(selection);
            }
            Event::Resume(selection) => {
                self.each_from_last(selection, |upload| upload.resume());
                self.batches.resume(selection);
            }
            Event::Cancel(selection) => self.each(selection, |upload| upload.cancel()),
            Event::Retry(selection) => {
                self.each_from_last(selection, |upload| upload.retry(selection));
                self.batches.retry();
            }
            Event::Remove(selection) => self.remove(selection),
        }
        self.schedule();
        if was_locked_out != self.env.api.locked_out() {
            self.show_active();
        }
        self.ask_to_be_woken();
    }

    /// Returns what is to be done because of the events handled so far, in order. Each command is returned once.
    pub fn drain_commands(&mut self) -> Drain<'_, Command> {
        self.output.drain()
    }

    /// The settings that it was made with.
    pub const fn settings(&self) -> &Settings {
        &self.env.conditions.settings
    }

    /// The id that the first file of the next [`Event::FilesAdded`] gets; the others follow.
    pub fn next_file_id(&self) -> FileId {
        self.files.next_id()
    }

    /// A file as the page shows it; `None` once it was removed.
    pub fn view(&self, id: FileId) -> Option<FileView> {
        let online = self.env.conditions.online;
        Some(self.files.get(id)?.view(&Surroundings {
            now: self.env.now(),
            is_cut_off: !online && !self.in_flight.has_s3_request(id),
            answered_speed: self.totals.answered.bytes_per_second(),
            api: &self.env.api,
        }))
    }

    /// All files together.
    pub fn totals(&self) -> Totals {
        Totals {
            is_closing: self.batches.is_closing(),
            ..self
                .totals
                .totals(self.in_flight.unanswered(), self.in_flight.is_confirming())
        }
    }

    /// All files of a batch together, without their speed; `None` if none of them is on the list.
    pub fn batch_totals(&self, batch: BatchId) -> Option<Totals> {
        self.totals.of_batch(batch)
    }

    /// A file on the list as it was picked, and its batch; no batch if it came back from another tab or an earlier version.
    pub fn listed(&self, id: FileId) -> Option<(&FileDescription, Option<BatchId>)> {
        let file = self.files.get(id)?;
        Some((&file.description, file.batch))
    }

    /// Whether a file is among those that a user means.
    pub fn is_selected(&self, id: FileId, selection: Selection) -> bool {
        match selection {
            Selection::File(selected) => id == selected,
            Selection::Batch(batch) => self.files.get(id).is_some_and(|file| file.batch == Some(batch)),
            Selection::All => true,
        }
    }

    /// Whether S3 has still to be asked to drop a multipart upload, or has not answered yet.
    pub fn is_aborting(&self) -> bool {
        !self.aborts.is_empty() || self.in_flight.is_aborting()
    }

    /// What has to be kept of a file; `None` if it has ended or another tab keeps it.
    pub fn record(&self, id: FileId) -> Option<UploadRecord> {
        match self.files.get(id) {
            Some(file) => file.record(),
            None => {
                let off_list = self.off_list.get(&id).map(|(_, record)| record.clone());
                off_list.or_else(|| self.manifests.record(id))
            }
        }
    }

    /// A part that S3 stored, of a file that has not ended.
    pub fn recorded_part(&self, id: FileId, number: u32) -> Option<&CompletedPart> {
        self.files.get(id)?.completed_part(number)
    }

    /// The object of a file that S3 has, and its batch; `None` if it is not stored, or off the list.
    pub fn stored(&self, id: FileId) -> Option<(&FileDescription, BatchId, &StoredObject)> {
        let file = self.files.get(id)?;
        match &file.state {
            State::Stored(stored) => Some((&file.description, file.batch?, stored)),
            _ => None,
        }
    }

    /// Whether a file of this batch is on the list that has not ended.
    pub fn is_unfinished(&self, batch: BatchId) -> bool {
        self.batches.is_unfinished(batch)
    }

    /// The files of a batch that are on the list and were given up or cancelled: with the reason, if they failed.
    pub fn not_stored(
        &self,
        batch: BatchId,
    ) -> impl Iterator<Item = (&FileDescription, Option<&UploadError>)> {
        let of_batch = self
            .files
            .iter()
            .filter(move |(_, file)| file.batch == Some(batch));
        of_batch.filter_map(|(_, file)| match &file.state {
            State::Failed(_, error) => Some((&file.description, Some(error))),
            State::Cancelled => Some((&file.description, None)),
            _ => None,
        })
    }

    /// Every upload whose file has to come back or cannot be read now, with what that file has to be.
    pub fn without_file(&self) -> impl Iterator<Item = (FileId, &FileDescription)> {
        self.described(|state| matches!(state, State::Interrupted(_) | State::Unreadable { .. }))
    }

    /// Every interrupted upload whose file has to come back, with what that file has to be.
    pub fn interrupted(&self) -> impl Iterator<Item = (FileId, &FileDescription)> {
        self.described(|state| matches!(state, State::Interrupted(_)))
    }

    fn described(&self, is_wanted: fn(&State) -> bool) -> impl Iterator<Item = (FileId, &FileDescription)> {
        self.files
            .iter()
            .filter(move |(_, file)| is_wanted(&file.state))
            .map(|(id, file)| (id, &file.description))
    }

    /// A file on the list, to be changed.
    pub(super) fn upload(&mut self, id: FileId) -> Option<UploadMut<'_>> {
        Some(UploadMut {
            id,
            file: self.files.get_mut(id)?,
            env: &mut self.env,
            in_flight: &mut self.in_flight,
            aborts: &mut self.aborts,
            keys: &mut self.keys,
            batches: &mut self.batches,
            roster: &mut self.roster,
            totals: &mut self.totals,
            output: &mut self.output,
        })
    }

    /// Changes a file, if it is on the list.
    pub(super) fn with_upload(&mut self, id: FileId, change: impl FnOnce(&mut UploadMut<'_>)) {
        if let Some(mut upload) = self.upload(id) {
            change(&mut upload);
        }
    }

    fn each(&mut self, selection: Selection, change: impl FnMut(&mut UploadMut<'_>)) {
        self.each_of(self.range_of(selection), selection, change);
    }

    /// As [`Self::each`], from the last file to the first: each is put first in its queue, so that in
    /// the end they stand there in order.
    fn each_from_last(&mut self, selection: Selection, change: impl FnMut(&mut UploadMut<'_>)) {
        self.each_of(self.range_of(selection).rev(), selection, change);
    }

    fn each_of(
        &mut self,
        ids: impl Iterator<Item = FileId>,
        selection: Selection,
        mut change: impl FnMut(&mut UploadMut<'_>),
    ) {
        for id in ids {
            if self.is_selected(id, selection) {
                self.with_upload(id, &mut change);
            }
        }
    }

    /// The ids among which the selected files are.
    fn range_of(&self, selection: Selection) -> impl DoubleEndedIterator<Item = FileId> + use<> {
        let ids = match selection {
            Selection::File(id) => id.0..id.0.saturating_add(1),
            Selection::Batch(_) | Selection::All => 0..self.next_file_id().0,
        };
        ids.map(FileId)
    }

    fn add(&mut self, batch: BatchId, files: Vec<FileDescription>) {
        let is_paused = self.batches.is_paused(batch);
        for description in files {
            let id = self.push(File::new(description, batch));
            self.with_upload(id, |upload| {
                upload.enqueue_last();
                if is_paused {
                    upload.pause();
                }
                upload.save();
                upload.changed();
            });
        }
    }

    fn restore(&mut self, records: Vec<UploadRecord>, owner: Owner) {
        for record in records {
            let id = self.push(File::restored(record, owner));
            self.with_upload(id, |upload| upload.claim_recorded_keys());
            self.output.changed(id);
        }
    }

    fn push(&mut self, file: File) -> FileId {
        let id = self.next_file_id();
        self.totals.add(&file);
        if let Some(batch) = file.batch {
            self.batches.add(batch, file.is_unfinished());
        }
        self.files.push(file);
        id
    }

    /// The tab that worked on an upload is gone: so is the upload if it had ended, and otherwise it is
    /// this page's to go on with.
    fn on_taken_over(&mut self, id: FileId, record: Option<Box<UploadRecord>>) {
        let file = self.files.get(id);
        if file.is_some_and(|file| matches!(file.state, State::Elsewhere)) {
            match record {
                Some(record) => self.with_upload(id, |upload| upload.take_over(*record)),
                None => self.take_off(id),
            }
        }
    }

    fn remove(&mut self, selection: Selection) {
        for id in self.range_of(selection) {
            if self.is_selected(id, selection)
                && self.upload(id).is_some_and(|mut upload| upload.remove(selection))
            {
                self.take_off(id);
            }
        }
    }

    /// Other files of the batch must not take the key of this one for theirs, if S3 may have it.
    fn keep_key(&mut self, id: FileId, file: &File) {
        let is_stored = matches!(file.state, State::Stored(_));
        let record = file.ended_record().filter(|_| !is_stored);
        let needs_key = |record: &UploadRecord| record.batch.is_some_and(|batch| self.batches.has(batch));
        if let Some(record) = record.filter(needs_key) {
            let save = self.in_flight.new_save_id();
            self.off_list.insert(id, (save, record));
            self.output.push(Command::Save(id));
            self.await_save(save, Vec::new());
        }
    }

    /// Takes a file off the list.
    fn take_off(&mut self, id: FileId) {
        self.with_upload(id, |upload| {
            if !matches!(upload.file.state, State::Stored(_)) {
                if upload.file.is_unfinished() {
                    upload.finish_in_batch();
                }
                upload.leave_batch();
            }
        });
        if let Some(file) = self.files.remove(id) {
            self.keep_key(id, &file);
            self.totals.remove(&file);
            self.output.push(Command::Removed(id));
        }
    }

    fn on_hashed(&mut self, ticket: Ticket, result: Result<Sha256Digest, FileFailure>) {
        if let Some(Attempt {
            slot: Slot::Hash(load),
            ..
        }) = self.in_flight.take(ticket, Slot::is_hash)
        {
            self.with_upload(ticket.file, |upload| upload.on_hashed(load.part, result));
        }
    }

    fn on_checked(&mut self, ticket: Ticket, result: Result<(), FileFailure>) {
        if self.in_flight.take(ticket, Slot::is_check).is_some() {
            self.with_upload(ticket.file, |upload| upload.on_checked(result));
        }
    }

    fn on_reopened(&mut self, ticket: Ticket, result: Result<FileDescription, FileFailure>) {
        if self.in_flight.take(ticket, Slot::is_reopen).is_some() {
            self.with_upload(ticket.file, |upload| upload.on_reopened(result));
        }
    }

    /// Returns whether more requests may start because of it.
    fn on_progress(&mut self, ticket: Ticket, sent: u64) -> bool {
        if let Some(endpoint) = self.in_flight.manifest(ticket).filter(|_| sent > 0) {
            self.in_flight.record_progress(ticket, sent, self.env.now());
            return self.env.endpoints.record_reached(endpoint);
        }
        let Some((part, endpoint)) = self.in_flight.put(ticket) else {
            return false;
        };
        let moved = self
            .upload(ticket.file)
            .is_some_and(|mut upload| upload.on_progress(part, sent));
        if moved {
            self.in_flight.record_progress(ticket, sent, self.env.now());
            self.allow_answers();
        }
        moved && self.env.endpoints.record_reached(endpoint)
    }

    /// Lets the answers to the bodies in flight take as long as they may by now.
    pub(super) fn allow_answers(&mut self) {
        let patience = self.env.patience.for_bytes(self.in_flight.bytes_on_the_way());
        self.in_flight.allow(patience, self.env.patience.is_measured());
    }

    /// Learns from the end of a PUT how fast bodies are answered, and whether they are as the browser was given them.
    fn on_put_ended(&mut self, request: &Attempt, failure: Option<TransportFailure>, is_stored: bool) {
        let (load, body) = match &request.slot {
            Slot::Put { load, body } => (Some(load), body),
            Slot::Manifest { body, .. } => (None, body),
            _ => return,
        };
        let now = self.env.now();
        match failure {
            None => {
                self.env.bodies.record_answer(*body);
                if let Some(load) = load.filter(|_| is_stored) {
                    let took = now.saturating_sub(request.started);
                    self.env.patience.record_answer(load.bytes(), took);
                    self.totals.answered.record(load.bytes(), now);
                    self.in_flight.record_answer(request, now);
                    self.allow_answers();
                }
            }
            Some(failure) => {
                let has_stalled = failure == TransportFailure::Stalled;
                // A browser that withholds answers may withhold progress, too.
                let was_nothing_seen = request.is_unseen() && !self.env.bodies.was_slice_answered();
                if request.is_out() || has_stalled && was_nothing_seen {
                    self.env.bodies.record_silence(*body, has_stalled);
                }
                // What never got through to the second endpoint says nothing of the network.
                if has_stalled && self.env.endpoints.is_open(request.endpoint) {
                    // An overtaken one was lost, and says nothing of how slow the way is.
                    if !request.is_overtaken() {
                        self.env.patience.record_stall();
                    }
                    self.env.budget.record_throttling(now);
                }
            }
        }
    }

    fn on_answered(&mut self, ticket: Ticket, answer: Result<HttpAnswer, TransportFailure>) {
        if let Some(request) = self.in_flight.take(ticket, Slot::is_s3_request) {
            self.on_response(ticket.file, request, answer);
        }
    }

    /// S3 answered a request, or it was lost.
    pub(super) fn on_response(
        &mut self,
        file: FileId,
        request: Attempt,
        answer: Result<HttpAnswer, TransportFailure>,
    ) {
        match &answer {
            Ok(_) => self.env.record_answer_from(request.endpoint),
            Err(_) => self.env.record_loss_at(request.endpoint, request.started),
        }
        let failure = answer.as_ref().err().copied();
        let mut judged = judge(request.slot.asked(), answer);
        if !request.is_conditional {
            judged = judged.map_err(Recovery::of_unconditional_request);
        }
        self.on_put_ended(&request, failure, judged.is_ok());
        match request.slot {
            Slot::Manifest { manifest, .. } => self.on_manifest_answered(manifest, judged),
            Slot::Abort(abort) => self.aborts.on_answered(abort, judged, &mut self.env.conditions),
            Slot::OrphanedCreate { key } => {
                let created = judged.ok();
                let upload_id = created.and_then(|answer| s3_xml::parse_create_result(&answer.body).ok());
                if let Some(upload_id) = upload_id {
                    self.aborts.add(file, key, upload_id);
                }
            }
            _ => self.with_upload(file, |upload| upload.on_response(&request, judged)),
        }
    }
}
