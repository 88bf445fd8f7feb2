//! One file while it is changed, with all that such a change touches.

use std::time::Duration;

use wire::BatchId;

use crate::{
    Command, ErrorKind, FileId, Notice, StoredObject, UploadError,
    limits::MAX_RESTARTS,
    measure::{backoff::Decision, env::Env, roster::Roster},
    upload::{
        abort::Aborts,
        batches::Batches,
        file::{File, Leftover, State, Work, can_go_on_after},
        in_flight::InFlight,
        keys::Keys,
        output::Output,
        tally::Tally,
    },
};

/// One file while it is changed. It is made where an event enters, by one lookup, and lives no longer than the change.
pub(crate) struct UploadMut<'a> {
    pub(crate) id: FileId,
    pub(crate) file: &'a mut File,
    pub(crate) env: &'a mut Env,
    pub(crate) in_flight: &'a mut InFlight,
    pub(crate) aborts: &'a mut Aborts,
    pub(crate) keys: &'a mut Keys,
    pub(crate) batches: &'a mut Batches,
    pub(crate) roster: &'a mut Roster,
    pub(crate) totals: &'a mut Tally,
    pub(crate) output: &'a mut Output,
}

impl UploadMut<'_> {
    /// The page has to look at it again.
    pub(crate) fn changed(&mut self) {
        self.output.changed(self.id);
    }

    pub(crate) fn save(&mut self) {
        self.output.push(Command::Save(self.id));
    }

    pub(crate) fn save_part(&mut self, number: u32) {
        self.output.push(Command::SavePart(self.id, number));
    }

    /// The only place where a file's state changes: it keeps the totals, the queues, the list of active files and
    /// what is kept of the file true.
    pub(crate) fn change_state(&mut self, change: impl FnOnce(State) -> State) {
        self.totals.uncount(self.file);
        let was_kept = self.file.is_kept();
        let was_unfinished = self.file.is_unfinished();
        let state = std::mem::replace(&mut self.file.state, State::Cancelled);
        if let State::Unreadable { until, .. } = state {
            self.leave_unreadable(until);
        }
        self.file.state = change(state);
        match (was_unfinished, self.file.is_unfinished()) {
            (true, false) => self.finish_in_batch(),
            (false, true) => self.reopen_batch(),
            (true, true) | (false, false) => {}
        }
        match (was_kept, self.file.is_kept()) {
            (true, false) if self.file.ended_record().is_some() => self.save(),
            (true, false) => self.output.push(Command::Forget(self.id)),
            (false, true) => self.save(),
            (true, true) | (false, false) => {}
        }
        if let State::Unreadable {
            until: Some(until), ..
        } = self.file.state
        {
            self.roster.unreadable.insert((until, self.id));
        }
        if !matches!(self.file.state, State::Active(_)) {
            self.file.speed.mark_idle();
            self.roster.remove_active(self.id);
        }
        if !matches!(self.file.state, State::Queued(_)) {
            self.roster.waiting[self.file.class()].remove(self.id);
        }
        self.totals.count(self.file);
        self.changed();
    }

    /// It does not wait to be taken anew any more, or is not being taken.
    fn leave_unreadable(&mut self, until: Option<Duration>) {
        match until {
            Some(until) => {
                self.roster.unreadable.remove(&(until, self.id));
            }
            None => self.output.cancel(self.in_flight.stop_reopening(self.id)),
        }
    }

    /// Puts it last in its queue.
    pub(crate) fn enqueue_last(&mut self) {
        self.roster.waiting[self.file.class()].push_last(self.id);
    }

    /// Puts it first in its queue.
    pub(crate) fn enqueue_first(&mut self) {
        self.roster.waiting[self.file.class()].push_first(self.id);
    }

    /// Takes it off the network and the disk.
    pub(crate) fn stop(&mut self) {
        if let Some(work) = self.file.work_mut() {
            work.stop();
        }
        self.output.cancel(self.in_flight.stop(self.id));
    }

    /// Marks it as failed. What S3 has of it is kept for another try, unless none could use it.
    pub(crate) fn fail(&mut self, error: UploadError) {
        self.stop();
        let is_worthless = !can_go_on_after(error.kind);
        if is_worthless {
            self.file.record_object_of_parts();
            self.clean_up();
        }
        let all_work = self.file.all_work();
        self.change_state(|state| match state {
            State::Queued(_) | State::Active(_) | State::Unreadable { .. } | State::Paused(_)
                if is_worthless =>
            {
                State::Failed(all_work, error)
            }
            State::Queued(work)
            | State::Active(work)
            | State::Unreadable { work, .. }
            | State::Paused(work) => State::Failed(work, error),
            other => other,
        });
    }

    /// Marks it as failed if no further attempt is to be made.
    pub(crate) fn decide(&mut self, decision: Decision) {
        if let Decision::GiveUp(error) = decision {
            self.fail(self.blame_block(error));
        }
    }

    /// Where the API answers and S3 never did, something between the browser and S3 blocks it.
    fn blame_block(&self, error: UploadError) -> UploadError {
        let is_lost = matches!(error.kind, ErrorKind::S3Unreachable | ErrorKind::Stalled);
        let is_api_there = self.env.server_seconds().is_some();
        match self.env.endpoints.silent_host() {
            Some(host) if is_lost && is_api_there => UploadError {
                host: Some(host.to_owned()),
                ..UploadError::new(ErrorKind::S3Blocked)
            },
            _ => error,
        }
    }

    /// S3 does not know the multipart upload any more, or wants it to start again: so does the file.
    pub(crate) fn start_over(&mut self, error: UploadError) {
        self.file.record_object_of_parts();
        self.file.restarts += 1;
        self.file.notice = Some(Notice::StartedOver);
        self.replace_work(self.file.all_work());
        if self.file.restarts > MAX_RESTARTS {
            self.fail(error);
        }
    }

    /// Gives up what is done of it, and does this.
    pub(crate) fn replace_work(&mut self, replacement: Work) {
        self.stop();
        self.clean_up();
        if let Some(work) = self.file.work_mut() {
            *work = replacement;
        }
        // Kept before all else: a later page that knew of an upload with all its parts, which this one
        // is about to abort, would take it for completed.
        self.save();
        self.changed();
    }

    /// Remembers what S3 has to be asked to throw away.
    pub(crate) fn clean_up(&mut self) {
        match self.file.take_leftover() {
            Some(Leftover::Upload { key, upload_id }) => self.aborts.add(self.id, key, upload_id),
            Some(Leftover::Creating { key }) => self.in_flight.orphan_create(self.id, &key),
            None => {}
        }
    }

    /// S3 said that it has the whole file.
    pub(crate) fn mark_stored(&mut self, stored: StoredObject) {
        self.file.object = None;
        self.show_sent(self.file.size() - self.file.shown);
        if let Some(batch) = self.file.batch {
            if self.env.conditions.settings.manifests {
                self.batches.note_news(batch);
            }
            self.output.push(Command::Stored(self.id));
        }
        self.change_state(|_| State::Stored(Box::new(stored)));
        self.leave_batch();
    }

    /// Its batch does not go on because of it any more, if it did.
    pub(crate) fn finish_in_batch(&mut self) {
        if let Some(batch) = self.file.batch {
            self.batches.finish(batch);
        }
    }

    fn reopen_batch(&mut self) {
        if let Some(batch) = self.file.batch {
            self.batches.reopen(batch);
        }
    }

    /// It was stored, or is off the list.
    pub(crate) fn leave_batch(&mut self) {
        if let Some(batch) = self.file.batch
            && self.batches.remove(batch)
        {
            self.output.push(Command::ForgetBatch(batch));
        }
    }

    /// It belongs to this batch from now on.
    pub(crate) fn join_batch(&mut self, batch: BatchId) {
        if self.file.batch.is_none() {
            self.totals.remove(self.file);
            self.file.batch = Some(batch);
            self.totals.add(self.file);
            self.batches.add(batch, self.file.is_unfinished());
        }
    }

    /// Bytes of a transfer were sent. Returns whether they are news.
    pub(crate) fn on_progress(&mut self, part: Option<u32>, sent: u64) -> bool {
        let transfer = self.file.work_mut().and_then(|work| work.transfer_mut(part));
        let has_moved = transfer.is_some_and(|transfer| transfer.record_progress(sent));
        if has_moved {
            self.show_progress();
            // Its last byte may have left, whatever was shown as sent before.
            self.changed();
        }
        has_moved
    }

    /// Shows what was sent of it, if it is more than was shown before.
    pub(crate) fn show_progress(&mut self) {
        let sent = self.file.work().map_or(0, Work::sent);
        let more = sent.saturating_sub(self.file.shown);
        if more > 0 {
            self.file.read_failures = 0;
            self.file.speed.record(more, self.env.now());
            self.show_sent(more);
            self.changed();
        }
    }

    fn show_sent(&mut self, more: u64) {
        self.file.shown += more;
        self.totals.record_sent(self.file, more, self.env.now());
    }
}
