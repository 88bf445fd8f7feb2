//! The engine: the one way in, and the states of a file.

use std::time::Duration;

use wire::SMALL_FILE_MAX_BYTES;

use crate::{
    Command, Event, FileDescription, FileFailure, FileId, FileView, Mismatch, Settings, Ticket, Totals,
    UploadError,
    backoff::Attempts,
    budget::Budget,
    calls::Call,
    cleanup::Cleanups,
    conditions::Conditions,
    endpoints::Endpoints,
    error::ErrorKind,
    file::{File, Files, State, Work, can_go_on_after},
    multipart::{Errand, Finish, Multipart},
    pace::Pace,
    planted::{Bug, planted},
    progress::SpeedEstimator,
    queue::Queue,
    schedule::Turns,
    server_clock::ServerClock,
    transfer::{Stage, Then},
};

/// The pure upload state machine. See the crate's documentation.
#[derive(Debug)]
pub struct Engine {
    pub(crate) conditions: Conditions,
    pub(crate) files: Files,
    pub(crate) waiting_small: Queue,
    pub(crate) waiting_large: Queue,
    /// The files that were admitted: few, however many are queued.
    pub(crate) active: Vec<FileId>,
    /// Files that are not active and whose Create or Complete is still on its way.
    pub(crate) detached: Vec<FileId>,
    pub(crate) calls: Vec<Call>,
    /// The failures of the Lambda's API, which all files share.
    pub(crate) api: Attempts,
    pub(crate) cleanups: Cleanups,
    pub(crate) budget: Budget,
    pub(crate) endpoints: Endpoints,
    pub(crate) pace: Pace,
    pub(crate) clock: ServerClock,
    pub(crate) hash_turns: Turns,
    pub(crate) put_turns: Turns,
    pub(crate) totals: Totals,
    /// Bytes that nobody waits for: of files that failed or are paused.
    idle_bytes: u64,
    pub(crate) speed: SpeedEstimator,
    next_attempt: u64,
    pub(crate) next_call: u64,
    pub(crate) wake_at: Option<Duration>,
}

impl Engine {
    /// How fast the speed of all files together follows the network. Slower than a single file's,
    /// since the time left of the whole is computed from it.
    const SPEED_TIME_CONSTANT: Duration = Duration::from_secs(10);

    /// An engine without files. The seed is that of the back-off's jitter.
    pub fn new(settings: Settings, seed: u64) -> Self {
        let endpoints = Endpoints::new(settings.second_endpoint);
        let at_one = settings.parallel_requests.max(1);
        let budget = Budget::new(at_one, at_one * if settings.second_endpoint { 2 } else { 1 });
        Self {
            conditions: Conditions::new(settings, seed),
            files: Files::default(),
            waiting_small: Queue::default(),
            waiting_large: Queue::default(),
            active: Vec::new(),
            detached: Vec::new(),
            calls: Vec::new(),
            api: Attempts::default(),
            cleanups: Cleanups::default(),
            budget,
            endpoints,
            pace: Pace::default(),
            clock: ServerClock::default(),
            hash_turns: Turns::new(),
            put_turns: Turns::new(),
            totals: Totals::default(),
            idle_bytes: 0,
            speed: SpeedEstimator::new(Self::SPEED_TIME_CONSTANT),
            next_attempt: 1,
            next_call: 1,
            wake_at: None,
        }
    }

    /// Takes an event that happens at `now`, on a clock that never goes back and whose origin does
    /// not matter, and appends what is to be done about it.
    pub fn handle(&mut self, event: Event, now: Duration, commands: &mut Vec<Command>) {
        self.conditions.now = self.conditions.now.max(now);
        match event {
            Event::Progress { ticket, sent } => {
                if !self.progress(ticket, sent, commands) {
                    return;
                }
            }
            Event::FilesAdded(files) => self.add(files, commands),
            Event::Restored { records, owner } => self.restore(records, owner, commands),
            Event::Attached {
                id,
                description,
                attachment,
            } => self.attach(id, &description, attachment, commands),
            Event::TakenOver { id, record } => self.take_over(id, record, commands),
            Event::Hashed(hashed) => {
                for (ticket, result) in hashed {
                    self.hashed(ticket, result, commands);
                }
            }
            Event::Checked { ticket, result } => self.checked(ticket, result, commands),
            Event::CallAnswered { call, answer } => self.call_answered(call, answer, commands),
            Event::Answered { ticket, answer } => self.answered(ticket, answer, commands),
            Event::Tick => self.tick(commands),
            Event::Offline => self.went_offline(commands),
            Event::Online => self.came_online(commands),
            // What waits for the API waits, if for anything, for a sign-in that had ended.
            Event::SignedIn => self.api.reset(),
            Event::Woke => self.interrupt_all(commands),
            Event::Pause(selection) => self.each(selection, |engine, id| engine.pause(id, commands)),
            Event::Resume(selection) => {
                self.each_from_last(selection, |engine, id| engine.resume(id, commands))
            }
            Event::Cancel(selection) => self.each(selection, |engine, id| engine.cancel(id, commands)),
            Event::Retry(selection) => {
                self.each_from_last(selection, |engine, id| engine.retry(id, selection, commands));
            }
            Event::Remove(selection) => {
                self.each(selection, |engine, id| engine.remove(id, selection, commands));
            }
        }
        self.schedule(commands);
        self.ask_to_be_woken(commands);
    }

    /// The settings that it was made with.
    pub const fn settings(&self) -> &Settings {
        &self.conditions.settings
    }

    /// The id that the first file of the next [`Event::FilesAdded`] gets; the others follow.
    pub fn next_file_id(&self) -> FileId {
        self.files.next_id()
    }

    /// A file as the page shows it; nothing once it was removed.
    pub fn view(&self, id: FileId) -> Option<FileView> {
        let file = self.files.get(id)?;
        Some(file.view(self.conditions.now, self.conditions.online, &self.api))
    }

    /// All files together.
    pub fn totals(&self) -> Totals {
        let left = self.totals.bytes - self.totals.sent - self.idle_bytes;
        Totals {
            bytes_per_second: self.speed.bytes_per_second().unwrap_or(0),
            time_left: self.speed.time_for(left),
            ..self.totals
        }
    }

    /// A ticket that no command had before.
    pub(crate) const fn ticket(&mut self, file: FileId) -> Ticket {
        let attempt = self.next_attempt;
        self.next_attempt += 1;
        Ticket { file, attempt }
    }

    fn add(&mut self, files: Vec<FileDescription>, commands: &mut Vec<Command>) {
        for description in files {
            let id = self.next_file_id();
            self.totals.files += 1;
            self.totals.bytes += description.size;
            self.files.push(File::new(description));
            self.enqueue_last(id);
            commands.extend([Command::Save(id), Command::Changed(id)]);
        }
    }

    pub(crate) fn enqueue_last(&mut self, id: FileId) {
        self.queue_of(id).push_last(id);
    }

    pub(crate) fn enqueue_first(&mut self, id: FileId) {
        self.queue_of(id).push_first(id);
    }

    fn queue_of(&mut self, id: FileId) -> &mut Queue {
        let is_large = self
            .files
            .get(id)
            .is_some_and(|file| file.size() > SMALL_FILE_MAX_BYTES);
        if is_large {
            &mut self.waiting_large
        } else {
            &mut self.waiting_small
        }
    }

    /// Gives a file up. What S3 has of it is kept for another try, unless none could use it.
    pub(crate) fn fail(&mut self, id: FileId, error: UploadError, commands: &mut Vec<Command>) {
        self.stop(id, commands);
        let worthless = !can_go_on_after(error.kind);
        if worthless {
            self.clean_up_after(id);
        }
        let Some(size) = self.files.get(id).map(File::size) else {
            return;
        };
        self.change_state(id, commands, |state| match state {
            State::Queued(_) | State::Active(_) | State::Paused(_) if worthless => {
                State::Failed(Work::new(size), error)
            }
            State::Queued(work) | State::Active(work) | State::Paused(work) => State::Failed(work, error),
            other => other,
        });
    }

    /// S3 said that it has the whole file.
    pub(crate) fn stored(&mut self, id: FileId, key: String, commands: &mut Vec<Command>) {
        let Some(file) = self.files.get_mut(id) else {
            return;
        };
        let rest = file.size() - file.shown;
        file.shown = file.size();
        if file.is_idle() {
            self.idle_bytes -= rest;
        }
        self.totals.sent += rest;
        self.speed.moved(rest, self.conditions.now);
        self.change_state(id, commands, |_| State::Stored { key });
    }

    /// S3 does not know the multipart upload any more, or wants it to begin again: so does the file.
    pub(crate) fn start_over(&mut self, id: FileId, error: UploadError, commands: &mut Vec<Command>) {
        const MOST_RESTARTS: u32 = 3;
        self.stop(id, commands);
        self.clean_up_after(id);
        let Some(file) = self.files.get_mut(id) else {
            return;
        };
        file.restarts += 1;
        file.notice = Some(crate::Notice::StartedOver);
        let (size, gives_up) = (file.size(), file.restarts > MOST_RESTARTS);
        if let Some(work) = file.work_mut() {
            *work = Work::new(size);
        }
        // Kept before all else: a later page that knew of an upload with all its parts, which this one
        // is about to abort, would take it for completed.
        commands.extend([Command::Save(id), Command::Changed(id)]);
        if gives_up {
            self.fail(id, error, commands);
        }
    }

    /// The only place where a file's state changes: it keeps the totals, the queues, the list of
    /// active files and what is kept of the file true.
    pub(crate) fn change_state(
        &mut self,
        id: FileId,
        commands: &mut Vec<Command>,
        change: impl FnOnce(State) -> State,
    ) {
        self.count_state(id, false);
        let Some(file) = self.files.get_mut(id) else {
            return;
        };
        let was_kept = file.is_kept();
        let state = std::mem::replace(&mut file.state, State::Cancelled);
        file.state = change(state);
        match (was_kept, file.is_kept()) {
            (true, false) => commands.push(Command::Forget(id)),
            (false, true) => commands.push(Command::Save(id)),
            (true, true) | (false, false) => {}
        }
        let is_active = matches!(file.state, State::Active(_));
        let is_queued = matches!(file.state, State::Queued(_));
        if !is_active {
            file.speed.stopped();
            self.active.retain(|active| *active != id);
        }
        if !is_queued {
            self.waiting_small.remove(id);
            self.waiting_large.remove(id);
        }
        self.count_state(id, true);
        commands.push(Command::Changed(id));
    }

    pub(crate) fn count_state(&mut self, id: FileId, add: bool) {
        let Some(file) = self.files.get(id) else {
            return;
        };
        let left = file.size() - file.shown;
        let step = |count: &mut usize| if add { *count += 1 } else { *count -= 1 };
        let step_bytes = |bytes: &mut u64| if add { *bytes += left } else { *bytes -= left };
        match file.state {
            State::Queued(_) | State::Active(_) => {}
            State::Paused(_) => {
                step(&mut self.totals.paused);
                step_bytes(&mut self.idle_bytes);
            }
            State::Failed(..) => {
                step(&mut self.totals.failed);
                step_bytes(&mut self.idle_bytes);
            }
            State::Interrupted(_) => {
                step(&mut self.totals.interrupted);
                step_bytes(&mut self.idle_bytes);
            }
            State::Elsewhere => {
                step(&mut self.totals.elsewhere);
                step_bytes(&mut self.idle_bytes);
            }
            State::Stored { .. } => step(&mut self.totals.stored),
            State::Cancelled => {
                step(&mut self.totals.cancelled);
                // What was never sent of a cancelled file is nobody's any more.
                if add {
                    self.totals.bytes -= left;
                } else {
                    self.totals.bytes += left;
                }
            }
        }
    }

    /// Takes a file off the network and the disk.
    pub(crate) fn stop(&mut self, id: FileId, commands: &mut Vec<Command>) {
        if let Some(work) = self.files.get_mut(id).and_then(File::work_mut) {
            let attempts = work.stop();
            commands.extend(attempts.into_iter().map(|attempt| Command::Cancel {
                ticket: Ticket { file: id, attempt },
            }));
        }
    }

    fn hashed(
        &mut self,
        ticket: Ticket,
        result: Result<wire::Sha256Digest, FileFailure>,
        commands: &mut Vec<Command>,
    ) {
        let Some(work) = self.files.get_mut(ticket.file).and_then(File::active_mut) else {
            return;
        };
        let transfer = work.transfers_mut().iter_mut().find(
            |transfer| matches!(transfer.stage, Stage::Hashing { attempt, .. } if attempt == ticket.attempt),
        );
        let Some(transfer) = transfer else { return };
        let Stage::Hashing { earlier, .. } = std::mem::replace(&mut transfer.stage, Stage::Unhashed(None))
        else {
            return;
        };
        match (result, earlier) {
            (Err(_), Some(earlier)) if earlier.is_of_interrupted() => {
                self.not_the_file(ticket.file, Mismatch::Unreadable, commands);
            }
            (Err(failure), _) => self.fail(ticket.file, file_error(failure), commands),
            (Ok(digest), None) => transfer.stage = Stage::Hashed(digest),
            (Ok(digest), Some(earlier)) => {
                let part = transfer.part;
                let is_same = earlier.digest == digest;
                match earlier.then {
                    Then::KeepRecorded { etag } | Then::KeepListed { etag } if is_same => {
                        self.part_matches(ticket.file, part, etag, digest, commands);
                    }
                    Then::KeepRecorded { etag } if planted(Bug::TrustDifferentFile) => {
                        self.part_matches(ticket.file, part, etag, earlier.digest, commands);
                    }
                    Then::KeepRecorded { .. } => {
                        self.not_the_file(ticket.file, Mismatch::Content, commands);
                    }
                    Then::KeepListed { .. } => self.part_differs(ticket.file, part),
                    Then::Sign | Then::Send(_) if !is_same => {
                        self.fail(ticket.file, UploadError::new(ErrorKind::FileChanged), commands);
                    }
                    Then::Sign => transfer.stage = Stage::Hashed(digest),
                    Then::Send(request) => transfer.stage = Stage::Signed { digest, request },
                }
            }
        }
        commands.push(Command::Changed(ticket.file));
    }

    fn checked(&mut self, ticket: Ticket, result: Result<(), FileFailure>, commands: &mut Vec<Command>) {
        let parts = self
            .files
            .get_mut(ticket.file)
            .and_then(File::active_mut)
            .and_then(Work::parts_mut);
        let Some(parts) = parts else { return };
        if !matches!(parts.finish, Finish::Checking { attempt } if attempt == ticket.attempt) {
            return;
        }
        match result {
            Ok(()) => parts.finish = Finish::Completing(Errand::Unsigned),
            Err(failure) => {
                parts.finish = Finish::Open;
                self.fail(ticket.file, file_error(failure), commands);
            }
        }
        commands.push(Command::Changed(ticket.file));
    }

    /// Gives whether more requests may begin because of it.
    fn progress(&mut self, ticket: Ticket, sent: u64, commands: &mut Vec<Command>) -> bool {
        let now = self.conditions.now;
        let transfer = self
            .files
            .get_mut(ticket.file)
            .and_then(File::active_mut)
            .and_then(|work| {
                work.transfers_mut().iter_mut().find(
                    |transfer| matches!(transfer.stage, Stage::Sending { attempt, .. } if attempt == ticket.attempt),
                )
            });
        let Some(transfer) = transfer else { return false };
        if !transfer.moved(sent, now) {
            return false;
        }
        let opens_an_endpoint = self.endpoints.reached(transfer.endpoint);
        self.show_progress(ticket.file, commands);
        opens_an_endpoint
    }

    /// Shows what was sent of a file, if it is more than was shown before.
    pub(crate) fn show_progress(&mut self, id: FileId, commands: &mut Vec<Command>) {
        let now = self.conditions.now;
        let Some(file) = self.files.get_mut(id) else {
            return;
        };
        let sent = file.work().map_or(0, Work::sent);
        let more = sent.saturating_sub(file.shown);
        if more > 0 {
            file.shown = sent;
            file.speed.moved(more, now);
            if file.is_idle() {
                self.idle_bytes -= more;
            }
            self.totals.sent += if planted(Bug::ProgressCountedTwice) {
                2 * more
            } else {
                more
            };
            self.speed.moved(more, now);
            commands.push(Command::Changed(id));
        }
    }

    /// Remembers what S3 has to be asked to throw away.
    pub(crate) fn clean_up_after(&mut self, id: FileId) {
        let file = self.files.get_mut(id);
        if let Some(State::Interrupted(interrupted)) = file.map(|file| &file.state) {
            if let Some(multipart) = interrupted.record.multipart.clone() {
                self.cleanups.abort(id, multipart.key, multipart.upload_id);
            }
            return;
        }
        let Some(Work::Multipart(work)) = self.files.get_mut(id).and_then(File::work_mut) else {
            return;
        };
        match std::mem::replace(&mut work.stage, Multipart::Unplanned) {
            Multipart::Uploading(parts) => self.cleanups.abort(id, parts.key, parts.upload_id),
            Multipart::Creating {
                key, attempt, since, ..
            } => {
                self.cleanups.abort_once_created(id, key, attempt, since);
            }
            Multipart::Unplanned | Multipart::Planning(_) | Multipart::Planned { .. } => {}
        }
    }
}

fn file_error(failure: FileFailure) -> UploadError {
    UploadError::new(match failure {
        FileFailure::Missing => ErrorKind::FileMissing,
        FileFailure::Unreadable => ErrorKind::FileChanged,
    })
}
