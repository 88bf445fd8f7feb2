//! The invariants, checked after every event.

use std::collections::{BTreeMap, BTreeSet};

use engine::{
    BodySource, Command, Engine, Event, FileId, FileStatus, HttpAnswer, Notice, Settings, Ticket,
    UploadError, parse_create_result,
};
use wire::Sha256Digest;

use crate::{
    checks::{
        blocked_endpoint::BlockedEndpoint, fault_log::FaultLog, ground_truth::GroundTruth,
        in_flight::InFlight, manifests::Manifests, multipart::MultipartUploads, page::Page,
    },
    models::{
        disk::DiskFile,
        in_transit::Answer,
        lambda::{Grant, Operation},
        records::Records,
        s3::S3,
        s3_answers::{error_code, says_stored},
    },
    scenario::{Scenario, Withheld},
    violation::Violation,
};

/// With this many files or fewer, what the page shows is compared with the engine's views after every
/// event; with more, only after every 32nd one.
const MANY_FILES: usize = 20;
const COMPARE_EVERY: usize = 32;

/// What the checker knows.
#[derive(Debug)]
pub(crate) struct Checker {
    settings: Settings,
    in_flight: InFlight,
    pub(crate) faults: FaultLog,
    page: Page,
    multipart: MultipartUploads,
    pub(crate) blocked_endpoint: BlockedEndpoint,
    /// What S3 has reported as stored to the engine: objects by their keys and 0, parts by their uploads
    /// and numbers, with the checksum of each.
    stored: BTreeMap<(String, u32), Sha256Digest>,
    /// Files of which a part was stored since they were last checked.
    unchecked: BTreeSet<FileId>,
    /// Whether the browser reports no answer to a slice.
    withholds_from_slices: bool,
    /// Whether S3 lists checksums, by which a page knows parts of which it has no record.
    lists_checksums: bool,
    /// Whether a body that was in memory was answered.
    is_bytes_answered: bool,
    /// Files that started over in this page's life.
    started_over: BTreeSet<FileId>,
    online: bool,
    events: usize,
    manifests: Manifests,
}

impl Checker {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let settings = scenario.settings.clone();
        Self {
            in_flight: InFlight::new(settings.clone()),
            settings,
            faults: FaultLog::default(),
            page: Page::default(),
            multipart: MultipartUploads::default(),
            blocked_endpoint: BlockedEndpoint::new(scenario.blocked),
            stored: BTreeMap::new(),
            unchecked: BTreeSet::new(),
            withholds_from_slices: scenario.withheld == Some(Withheld::FromSlices),
            lists_checksums: !scenario.service.without_checksums,
            is_bytes_answered: false,
            started_over: BTreeSet::new(),
            online: true,
            events: 0,
            manifests: Manifests::default(),
        }
    }

    /// Takes note that the tab crashed and that these records are left.
    pub(crate) fn on_tab_crash(&mut self, records: &Records, s3: &S3) {
        self.multipart.on_tab_crash(records);
        self.manifests.on_tab_crash(records, s3);
        let is_known = |key: &str| {
            let mut ended = records.values().filter(|record| record.has_ended);
            ended.any(|record| record.manifest.is_none() && record.object_key() == Some(key))
        };
        let lists_checksums = self.lists_checksums;
        // Whether S3 has what was not on record yet is found out by sending it once more.
        self.stored.retain(|(target, part), _| {
            if *part > 0 {
                lists_checksums
            } else {
                is_known(target)
            }
        });
        self.faults.on_tab_crash();
        self.blocked_endpoint.on_reason();
        self.in_flight = InFlight::new(self.settings.clone());
        self.page = Page::default();
        self.is_bytes_answered = false;
        self.started_over.clear();
        self.online = true;
    }

    /// Takes note of an event that the engine is about to receive.
    pub(crate) fn on_event(&mut self, event: &Event) {
        match event {
            Event::Hashed(hashed) => {
                for (ticket, _) in hashed {
                    self.in_flight.end_hash(*ticket);
                }
            }
            Event::Checked { ticket, result } => self.on_check(*ticket, result.is_ok()),
            Event::CallAnswered { call, answer } if self.in_flight.end_call(*call) => {
                self.faults.on_api_answer(answer.as_ref().ok());
            }
            Event::Answered { ticket, answer } => self.on_answer(*ticket, answer),
            Event::Progress { ticket, sent } if *sent > 0 && self.in_flight.is_awaited(*ticket) => {
                self.faults.on_progress();
            }
            Event::Tick => self.in_flight.wake_at = None,
            Event::Offline => self.online = false,
            Event::Online => {
                self.online = true;
                self.blocked_endpoint.on_reason();
            }
            Event::Woke => self.blocked_endpoint.on_reason(),
            _ => {}
        }
    }

    fn on_check(&mut self, ticket: Ticket, is_unchanged: bool) {
        if self.in_flight.end_check(ticket) && is_unchanged {
            self.unchecked.remove(&ticket.file);
        }
    }

    fn on_answer(&mut self, ticket: Ticket, answer: &Answer) {
        let Some(grant) = self.in_flight.end_request(ticket) else {
            return;
        };
        self.is_bytes_answered |= answer.is_ok() && self.in_flight.is_in_memory(ticket);
        self.faults.on_s3_answer(ticket.file, &grant.operation, answer);
        self.on_size(&grant.operation, answer);
        if !self.blocked_endpoint.is(grant.endpoint) {
            self.blocked_endpoint.on_other(answer.is_ok());
        }
        match answer {
            Ok(answer) if answer.status < 300 => self.on_success(ticket.file, &grant, answer),
            Ok(answer) if error_code(&answer.body) == Some("InvalidPart") => self.on_invalid_part(&grant),
            _ => self.on_failure(&grant),
        }
    }

    fn on_success(&mut self, file: FileId, grant: &Grant, answer: &HttpAnswer) {
        match &grant.operation {
            Operation::PutObject { sha256, .. } if says_stored(answer) => {
                self.stored.insert(grant.target(), *sha256);
            }
            Operation::UploadPart { sha256, .. } if says_stored(answer) => {
                self.stored.insert(grant.target(), *sha256);
                self.unchecked.insert(file);
            }
            // Only S3 has request ids.
            Operation::AbortMultipartUpload { .. } if answer.request_id.is_none() => self.on_failure(grant),
            Operation::CreateMultipartUpload { .. } => {
                if let Ok(upload_id) = parse_create_result(&answer.body) {
                    self.multipart.on_created(upload_id, file);
                }
            }
            _ => {}
        }
    }

    /// What is too large to pass has files divided anew, from their first part of that size on. The parts behind it do
    /// not count any more, and one that is made in place of another may happen to have the same number and bytes.
    fn on_size(&mut self, operation: &Operation, answer: &Answer) {
        let is_refused = answer.as_ref().is_ok_and(|answer| answer.status == 413);
        if let Operation::PutObject { size, .. } | Operation::UploadPart { size, .. } = operation
            && (is_refused || self.faults.max_body.is_some_and(|most| *size > most))
        {
            self.stored.retain(|(_, part), _| *part == 0);
        }
    }

    /// S3 has reported to the engine that it does not have every part any more.
    fn on_invalid_part(&mut self, grant: &Grant) {
        if let Operation::CompleteMultipartUpload { upload_id, .. } = &grant.operation {
            self.stored.retain(|(target, _), _| target != upload_id);
        }
    }

    fn on_failure(&mut self, grant: &Grant) {
        if let Operation::AbortMultipartUpload { upload_id } = &grant.operation {
            self.multipart.on_abort_failed(upload_id);
        }
    }

    /// Checks everything that must hold after an event.
    pub(crate) fn check_event(
        &mut self,
        event: &Event,
        commands: &[Command],
        engine: &Engine,
        world: &GroundTruth<'_>,
    ) -> Result<(), Violation> {
        self.events += 1;
        for command in commands {
            self.check_command(event, command, world)?;
            self.manifests.check_command(command, engine, world)?;
        }
        for command in commands {
            if let Command::Changed(id) | Command::Removed(id) = command
                && let Some(status) = self.page.read(event, *id, engine)?
            {
                self.check_status(*id, &status, world)?;
            }
            if let Command::Changed(id) = command
                && self.has_started_over(*id, engine)
                && world.s3.is_completing(*id)
            {
                return Err(Violation::StartedOverWhileCompleting { file: *id });
            }
        }
        if self.page.files() <= MANY_FILES || self.events.is_multiple_of(COMPARE_EVERY) {
            self.page.check_views(engine, world.now)?;
        }
        self.page.check_totals(engine)?;
        self.blocked_endpoint.check(world.now)?;
        let files = engine.totals().unfinished();
        if self.online && files > 0 && self.in_flight.is_at_rest() {
            return Err(Violation::WaitsForNothing { files });
        }
        Ok(())
    }

    /// Whether this is news: that the file starts over because S3 wanted that.
    fn has_started_over(&mut self, id: FileId, engine: &Engine) -> bool {
        let notice = engine.view(id).and_then(|view| view.notice);
        notice == Some(Notice::StartedOver) && self.started_over.insert(id)
    }

    fn check_command(
        &mut self,
        event: &Event,
        command: &Command,
        world: &GroundTruth<'_>,
    ) -> Result<(), Violation> {
        let cancelled = self.in_flight.record(command, world.lambda)?;
        // What the engine cancels without waiting for its answer says nothing about the endpoint.
        let blocked = &mut self.blocked_endpoint;
        if let Some(cancelled) = &cancelled {
            // A file that fails for another reason has its requests cancelled, too.
            let is_stall = matches!((event, command), (Event::Tick, Command::Cancel { ticket })
                if self.in_flight.may_have_stalled(*ticket, world.now));
            match blocked.is(cancelled.endpoint) {
                true if !is_stall => blocked.on_reason(),
                false if is_stall => blocked.on_other(false),
                _ => {}
            }
        }
        if let Command::Put { ticket, .. } | Command::Send { ticket, .. } = command {
            self.in_flight.start_request(*ticket, world.now);
        }
        match (command, event) {
            (
                Command::Put {
                    ticket,
                    request,
                    body,
                    ..
                },
                _,
            ) => {
                if self.withholds_from_slices && self.is_bytes_answered && *body == BodySource::Slice {
                    return Err(Violation::SliceTriedAgain { file: ticket.file });
                }
                let grant = world.lambda.grant(request).ok_or(Violation::NeverSigned)?;
                if self.blocked_endpoint.is(grant.endpoint) {
                    self.blocked_endpoint.on_request();
                }
                self.check_not_stored(grant, world.s3)
            }
            (Command::Send { ticket, request, .. }, _) => {
                let grant = world.lambda.grant(request).ok_or(Violation::NeverSigned)?;
                if self.blocked_endpoint.is(grant.endpoint) {
                    self.blocked_endpoint.on_request();
                }
                let completes = matches!(grant.operation, Operation::CompleteMultipartUpload { .. });
                if completes && self.unchecked.contains(&ticket.file) {
                    return Err(Violation::CompletedUnchecked { file: ticket.file });
                }
                Ok(())
            }
            (Command::Cancel { ticket }, Event::Tick) => {
                if let Some(grant) = cancelled {
                    self.faults.on_s3_stall(ticket.file);
                    self.on_failure(&grant);
                }
                Ok(())
            }
            (Command::CancelCall { .. }, Event::Tick) => {
                self.faults.on_api_answer(None);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What is stored is not sent again, unless S3 no longer has it as it was sent.
    fn check_not_stored(&mut self, grant: &Grant, s3: &S3) -> Result<(), Violation> {
        let (is_there, sha256) = match &grant.operation {
            Operation::UploadPart {
                upload_id,
                number,
                sha256,
                ..
            } => (s3.has_part(upload_id, *number, sha256), sha256),
            Operation::PutObject { sha256, .. } => (true, sha256),
            _ => return Ok(()),
        };
        let (target, part) = grant.target();
        if self.stored.get(&(target.clone(), part)) != Some(sha256) {
            return Ok(());
        }
        if is_there {
            return Err(Violation::SentAgain { target, part });
        }
        // Once it is sent for a good reason, what S3 said before does not hold, and it may have to be sent once more.
        self.stored.remove(&(target, part));
        Ok(())
    }

    fn check_status(
        &self,
        id: FileId,
        status: &FileStatus,
        world: &GroundTruth<'_>,
    ) -> Result<(), Violation> {
        match status {
            FileStatus::Stored => self.page.check_stored(id, world.file(id)?, world.s3),
            FileStatus::Failed(error) => self.check_failed(id, error, world),
            _ => Ok(()),
        }
    }

    fn check_failed(
        &self,
        id: FileId,
        error: &UploadError,
        world: &GroundTruth<'_>,
    ) -> Result<(), Violation> {
        let disk = world.file(id)?;
        if self.faults.explains(id, disk, error.kind, &self.settings) {
            return Ok(());
        }
        Err(Violation::FailedWithoutReason {
            file: id,
            kind: error.kind,
            error: format!("{error:?}"),
        })
    }

    /// Checks that the engine came to rest.
    pub(crate) fn check_rest(&self, disk: &[DiskFile]) -> Result<(), Violation> {
        self.page.check_rest(disk)
    }

    /// Checks the end of a world without faults: every file that can be stored is stored, and nothing else
    /// is left at S3.
    pub(crate) fn check_end(&self, world: &GroundTruth<'_>) -> Result<(), Violation> {
        self.page.check_all_stored(world)?;
        world.s3.check_once()?;
        self.manifests.check_end(&self.page, world)?;
        let has_given_up = |failures: u32| {
            failures + self.faults.api_failures() >= self.settings.max_attempts
                || failures > self.settings.max_signature_refreshes
        };
        self.multipart.check_aborted(&self.page, world.s3, has_given_up)
    }
}
