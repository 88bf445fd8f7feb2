//! The invariants, checked after every event.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use engine::{
    Command, Engine, ErrorKind, Event, FileId, FileStatus, FileView, Selection, Settings, Ticket, Totals,
    parse_create_result,
};

use crate::{
    blame::Blame,
    disk::DiskFile,
    lambda::{Grant, Lambda, Operation, REFUSED_TYPE},
    s3::{Object, S3},
    tab::Kept,
    under_way::UnderWay,
    world::Answer,
};

/// Views are compared with what the page last showed at every event where there are few files, and
/// once in so many events where there are many.
const MANY_FILES: usize = 20;
const COMPARE_EVERY: usize = 32;

/// What the checker knows.
#[derive(Debug)]
pub(crate) struct Checker {
    settings: Settings,
    pub(crate) under_way: UnderWay,
    pub(crate) blame: Blame,
    /// Every file on the list as the page last showed it.
    shown: BTreeMap<FileId, FileView>,
    /// Parts and objects that the engine was told are stored.
    finished: BTreeSet<(String, u32)>,
    /// The multipart uploads that the engine was told of, and for which file.
    known_uploads: BTreeMap<String, FileId>,
    /// How often an abort of an upload went wrong.
    failed_aborts: BTreeMap<String, u32>,
    /// Multipart uploads that a dead tab knew and nobody has on record: the bucket's lifecycle rule is
    /// all that remains to remove them.
    abandoned: BTreeSet<String>,
    /// Files of which a part was stored since they were last looked at.
    unchecked: BTreeSet<FileId>,
    online: bool,
    events: usize,
}

impl Checker {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            under_way: UnderWay::new(settings.clone()),
            settings,
            blame: Blame::default(),
            shown: BTreeMap::new(),
            finished: BTreeSet::new(),
            known_uploads: BTreeMap::new(),
            failed_aborts: BTreeMap::new(),
            abandoned: BTreeSet::new(),
            unchecked: BTreeSet::new(),
            online: true,
            events: 0,
        }
    }

    /// Takes note that the tab died and these records are left.
    pub(crate) fn tab_died(&mut self, kept: &Kept) {
        let on_record: BTreeSet<&String> = kept
            .values()
            .filter_map(|record| Some(&record.multipart.as_ref()?.upload_id))
            .collect();
        let lost = self
            .known_uploads
            .keys()
            .filter(|upload| !on_record.contains(upload));
        self.abandoned.extend(lost.cloned());
        self.under_way = UnderWay::new(self.settings.clone());
        self.shown.clear();
        self.online = true;
    }

    /// Takes note of what the engine is about to be told.
    pub(crate) fn before(&mut self, event: &Event) {
        match event {
            Event::Hashed(hashed) => {
                for (ticket, _) in hashed {
                    self.under_way.hash_ended(*ticket);
                }
            }
            Event::Checked { ticket, result } => self.checked(*ticket, result.is_ok()),
            Event::CallAnswered { call, answer } if self.under_way.call_ended(*call) => {
                self.blame.api_answered(answer.as_ref().ok());
            }
            Event::Answered { ticket, answer } => self.answered(*ticket, answer),
            Event::Tick => self.under_way.wake_at = None,
            Event::Offline => self.online = false,
            Event::Online => self.online = true,
            _ => {}
        }
    }

    fn checked(&mut self, ticket: Ticket, is_good: bool) {
        if self.under_way.check_ended(ticket) && is_good {
            self.unchecked.remove(&ticket.file);
        }
    }

    fn answered(&mut self, ticket: Ticket, answer: &Answer) {
        let Some(grant) = self.under_way.request_ended(ticket) else {
            return;
        };
        self.blame.s3_answered(ticket.file, answer);
        match answer {
            Ok(answer) if answer.status < 300 => self.succeeded(ticket.file, &grant, &answer.body),
            Ok(answer) if answer.body.contains("InvalidPart") => self.parts_differ(&grant),
            _ => self.failed(&grant),
        }
    }

    fn succeeded(&mut self, file: FileId, grant: &Grant, body: &str) {
        match &grant.operation {
            Operation::PutObject { .. } => {
                self.finished.insert((grant.key.clone(), 0));
            }
            Operation::UploadPart {
                upload_id, number, ..
            } => {
                self.finished.insert((upload_id.clone(), *number));
                self.unchecked.insert(file);
            }
            Operation::CreateMultipartUpload { .. } => {
                if let Ok(upload_id) = parse_create_result(body) {
                    self.known_uploads.insert(upload_id, file);
                }
            }
            _ => {}
        }
    }

    /// The engine was told that S3 does not have every part any more.
    fn parts_differ(&mut self, grant: &Grant) {
        if let Operation::CompleteMultipartUpload { upload_id, .. } = &grant.operation {
            self.finished.retain(|(name, _)| name != upload_id);
        }
    }

    fn failed(&mut self, grant: &Grant) {
        if let Operation::AbortMultipartUpload { upload_id } = &grant.operation {
            *self.failed_aborts.entry(upload_id.clone()).or_default() += 1;
        }
    }

    /// Checks everything that can be said after an event.
    pub(crate) fn after(
        &mut self,
        event: &Event,
        commands: &[Command],
        engine: &Engine,
        world: &Facts<'_>,
    ) -> Result<(), String> {
        self.events += 1;
        for command in commands {
            self.check_command(event, command, world)?;
        }
        for command in commands {
            if let Command::Changed(id) | Command::Removed(id) = command {
                self.show(event, *id, engine, world)?;
            }
        }
        if self.shown.len() <= MANY_FILES || self.events.is_multiple_of(COMPARE_EVERY) {
            self.compare_views(engine, world.now)?;
        }
        self.check_totals(engine.totals())?;
        let unfinished = engine.totals().unfinished();
        if self.online && unfinished > 0 && self.under_way.is_at_rest() {
            return Err(format!("{unfinished} files wait for nothing"));
        }
        Ok(())
    }

    fn check_command(&mut self, event: &Event, command: &Command, world: &Facts<'_>) -> Result<(), String> {
        let lambda = world.lambda;
        let cancelled = self.under_way.enter(command, lambda)?;
        match (command, event) {
            (Command::Put { request, .. }, _) => {
                let grant = lambda.grant(request).ok_or("a request that nobody signed")?;
                self.check_not_finished(grant, world.s3)
            }
            (Command::Send { ticket, request, .. }, _) => {
                let grant = lambda.grant(request).ok_or("a request that nobody signed")?;
                let completes = matches!(grant.operation, Operation::CompleteMultipartUpload { .. });
                if completes && self.unchecked.contains(&ticket.file) {
                    return Err(format!("file {} was not looked at again", ticket.file.0));
                }
                Ok(())
            }
            (Command::Cancel { ticket }, Event::Tick) => {
                if let Some(grant) = cancelled {
                    self.blame.s3_stalled(ticket.file);
                    self.failed(&grant);
                }
                Ok(())
            }
            (Command::CancelCall { .. }, Event::Tick) => {
                self.blame.api_answered(None);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What is stored is not sent again, unless S3 has it no more as it was sent.
    fn check_not_finished(&self, grant: &Grant, s3: &S3) -> Result<(), String> {
        let is_there = match &grant.operation {
            Operation::UploadPart {
                upload_id,
                number,
                sha256,
                ..
            } => s3.has_part(upload_id, *number, sha256),
            _ => true,
        };
        let name = match &grant.operation {
            Operation::UploadPart {
                upload_id, number, ..
            } => (upload_id.clone(), *number),
            _ => (grant.key.clone(), 0),
        };
        if self.finished.contains(&name) && is_there {
            return Err(format!("{name:?} is stored and is sent again"));
        }
        Ok(())
    }

    /// Shows a file as the page would, and checks what it shows.
    fn show(&mut self, event: &Event, id: FileId, engine: &Engine, world: &Facts<'_>) -> Result<(), String> {
        let Some(view) = engine.view(id) else {
            self.shown.remove(&id);
            return Ok(());
        };
        if view.sent > view.size {
            return Err(format!(
                "file {} of {} bytes has sent {}",
                id.0, view.size, view.sent
            ));
        }
        let before = self.shown.get(&id);
        let tried_again = matches!(event, Event::Retry(Selection::File(_)))
            && before.is_some_and(|before| before.status == FileStatus::Cancelled);
        if let Some(before) = before
            && before.sent > view.sent
            && !tried_again
        {
            return Err(format!(
                "progress of file {} goes back from {} to {}",
                id.0, before.sent, view.sent
            ));
        }
        let status_is_new = before.is_none_or(|before| before.status != view.status);
        if status_is_new {
            self.check_status(id, &view, world)?;
        }
        self.shown.insert(id, view);
        Ok(())
    }

    fn check_status(&self, id: FileId, view: &FileView, world: &Facts<'_>) -> Result<(), String> {
        match &view.status {
            FileStatus::Stored => {
                let key = view.key.as_deref().unwrap_or_default();
                match world.s3.objects.get(key) {
                    Some(Object::Uploaded(contents)) if contents.iter().all(|content| content.file == id) => {
                        Ok(())
                    }
                    other => Err(format!("file {} is shown as stored and S3 has {other:?}", id.0)),
                }
            }
            FileStatus::Failed(error) => {
                let disk = world.disk.get(id.0 as usize).ok_or("a file that nobody picked")?;
                if self.blame.explains(id, disk, error.kind, &self.settings) {
                    return Ok(());
                }
                Err(format!("file {} failed for no reason: {error:?}", id.0))
            }
            _ => Ok(()),
        }
    }

    /// What the page last showed has to be what it would show now, but for a wait that is over.
    fn compare_views(&self, engine: &Engine, now: Duration) -> Result<(), String> {
        for (id, shown) in &self.shown {
            let view = engine.view(*id).ok_or("a file vanished without a word")?;
            let wait_is_over = matches!(shown.status, FileStatus::Waiting { until, .. } if until <= now);
            let same = shown.sent == view.sent
                && shown.key == view.key
                && shown.notice == view.notice
                && (shown.status == view.status || wait_is_over);
            if !same {
                return Err(format!("the page shows {shown:?} and file {} is {view:?}", id.0));
            }
        }
        Ok(())
    }

    fn check_totals(&self, totals: Totals) -> Result<(), String> {
        let mut expected = Totals {
            bytes_per_second: totals.bytes_per_second,
            time_left: totals.time_left,
            ..Totals::default()
        };
        for view in self.shown.values() {
            expected.files += 1;
            expected.sent += view.sent;
            expected.bytes += match view.status {
                FileStatus::Cancelled => view.sent,
                _ => view.size,
            };
            match view.status {
                FileStatus::Stored => expected.stored += 1,
                FileStatus::Failed(_) => expected.failed += 1,
                FileStatus::Cancelled => expected.cancelled += 1,
                FileStatus::Paused => expected.paused += 1,
                FileStatus::Interrupted(_) => expected.interrupted += 1,
                FileStatus::Elsewhere => expected.elsewhere += 1,
                _ => {}
            }
        }
        if totals == expected {
            Ok(())
        } else {
            Err(format!(
                "the totals are {totals:?} and the files add up to {expected:?}"
            ))
        }
    }

    /// Checks a bucket object that a request has just made or found: it is one version of one file.
    pub(crate) fn check_object(&self, key: &str, world: &Facts<'_>) -> Result<(), String> {
        let Some(Object::Uploaded(contents)) = world.s3.objects.get(key) else {
            return Ok(());
        };
        let mut end = 0;
        let whole = contents.iter().all(|content| {
            let follows = content.range.start == end && content.version == contents[0].version;
            end = content.range.end;
            follows && content.file == contents[0].file
        });
        let size = world
            .disk
            .get(contents[0].file.0 as usize)
            .map(|disk| disk.description.size);
        if whole && Some(end) == size {
            Ok(())
        } else {
            Err(format!("the object {key} is not one file: {contents:?}"))
        }
    }

    /// Checks an answer of S3 that no correct client could get. It may name a part as it no longer is
    /// where a late copy replaced it.
    pub(crate) fn check_answer(&self, grant: &Grant, body: &str, s3: &S3) -> Result<(), String> {
        let replaced = match &grant.operation {
            Operation::CompleteMultipartUpload { upload_id, .. } => {
                s3.uploads.get(upload_id).is_some_and(|upload| upload.replaced)
            }
            _ => false,
        };
        let is_wrong = ["InvalidPartOrder", "EntityTooSmall", "MalformedXML"]
            .iter()
            .any(|code| body.contains(code))
            || (body.contains("<Code>InvalidPart<") && !replaced);
        if is_wrong {
            return Err(format!("S3 had to refuse a request: {body}"));
        }
        Ok(())
    }

    /// Checks that a world without faults came to its end: every file that could be stored is.
    pub(crate) fn check_all_stored(&self, world: &Facts<'_>) -> Result<(), String> {
        for (id, view) in &self.shown {
            let disk = world.disk.get(id.0 as usize).ok_or("a file that nobody picked")?;
            let is_good = match &view.status {
                FileStatus::Stored | FileStatus::Cancelled => true,
                FileStatus::Failed(error) => {
                    disk.change.is_some()
                        || disk.description.media_type == REFUSED_TYPE
                        || error.kind == ErrorKind::AlreadyExists
                }
                FileStatus::Interrupted(_) => disk.change.is_some(),
                _ => false,
            };
            if !is_good {
                return Err(format!(
                    "with all faults gone, file {} ends as {:?}",
                    id.0, view.status
                ));
            }
        }
        Ok(())
    }

    /// Checks that the engine came to rest.
    pub(crate) fn check_rest(&self, disk: &[DiskFile]) -> Result<(), String> {
        let unsettled = self.shown.iter().find(|(id, view)| match view.status {
            FileStatus::Stored | FileStatus::Failed(_) | FileStatus::Cancelled | FileStatus::Paused => false,
            // A file that changed never comes back.
            FileStatus::Interrupted(_) => disk.get(id.0 as usize).is_none_or(|file| file.change.is_none()),
            _ => true,
        });
        match unsettled {
            Some((id, view)) => Err(format!("file {} is at rest as {:?}", id.0, view.status)),
            None => Ok(()),
        }
    }

    /// Checks that S3 keeps no multipart upload that the engine knew and nobody needs.
    pub(crate) fn check_aborted(&self, world: &Facts<'_>) -> Result<(), String> {
        for (upload_id, file) in &self.known_uploads {
            let is_last = self
                .known_uploads
                .iter()
                .filter(|(_, other)| *other == file)
                .all(|(other, _)| upload_number(other) <= upload_number(upload_id));
            let is_kept = is_last
                && self.shown.get(file).is_some_and(|view| match &view.status {
                    FileStatus::Paused | FileStatus::Interrupted(_) => true,
                    FileStatus::Failed(error) => !is_worthless(error.kind),
                    _ => false,
                });
            let failures = self.failed_aborts.get(upload_id).copied().unwrap_or(0);
            let gave_up = failures + self.blame.api_failures() >= self.settings.max_attempts
                || failures > self.settings.max_resigns;
            let is_abandoned = self.abandoned.contains(upload_id);
            if world.s3.uploads.contains_key(upload_id) && !is_kept && !gave_up && !is_abandoned {
                return Err(format!("{upload_id} of file {} was never aborted", file.0));
            }
        }
        Ok(())
    }
}

/// What the world knows and the engine does not.
pub(crate) struct Facts<'a> {
    pub(crate) lambda: &'a Lambda,
    pub(crate) s3: &'a S3,
    pub(crate) disk: &'a [DiskFile],
    /// The time on the page's clock.
    pub(crate) now: Duration,
}

fn upload_number(upload_id: &str) -> u64 {
    let number = upload_id
        .rsplit('-')
        .next()
        .and_then(|number| number.parse().ok());
    number.unwrap_or(0)
}

/// Whether nothing of what was sent could be used after such a failure.
const fn is_worthless(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::FileChanged | ErrorKind::FileMissing | ErrorKind::AlreadyExists | ErrorKind::UploadGone
    )
}
