//! What S3's answers do to the files that they are for.

use std::time::Duration;

use crate::{
    Command, Engine, ErrorKind, FileId, HttpAnswer, Ticket, TransportFailure, UploadError,
    backoff::Decision,
    conditions::Conditions,
    file::{File, Work},
    multipart::{Doubt, Errand, Finish, Multipart, MultipartWork, Parts},
    part_layout::PartLayout,
    planted::{Bug, planted},
    retry::{Verdict, judge},
    s3_xml::{self, CompletedPart, ListedPart, PartsPage},
    transfer::{Earlier, Stage, Then, Transfer},
};

/// Which request of a file an answer is for.
#[derive(Clone, Copy, Debug)]
enum Awaited {
    /// The transfer at this index.
    Transfer(usize),
    Create,
    List,
    Complete,
}

type Judged = Result<HttpAnswer, Verdict>;

impl Engine {
    /// Takes what S3 answered, if anything still waits for it.
    pub(crate) fn answered(
        &mut self,
        ticket: Ticket,
        answer: Result<HttpAnswer, TransportFailure>,
        commands: &mut Vec<Command>,
    ) {
        let id = ticket.file;
        let work = self.files.get(id).and_then(File::work);
        let Some(awaited) = work.and_then(|work| awaited(work, ticket.attempt)) else {
            self.cleanups.answered(ticket, answer, &mut self.conditions);
            return;
        };
        if let Awaited::Transfer(index) = awaited {
            self.note_reach(id, index, answer.is_ok());
        }
        let judged = judge(answer);
        match &judged {
            Ok(_) => self.budget.succeeded(),
            Err(Verdict::Throttled(_)) => self.budget.throttled(self.conditions.now),
            Err(_) => {}
        }
        match awaited {
            Awaited::Transfer(index) => self.transfer_answered(id, index, judged, commands),
            Awaited::Create => self.create_answered(id, judged, commands),
            Awaited::List => self.list_answered(id, judged, commands),
            Awaited::Complete => self.complete_answered(id, judged, commands),
        }
        commands.push(Command::Changed(id));
    }

    /// Learns from how a transfer ended which of the bucket's addresses can be reached.
    fn note_reach(&mut self, id: FileId, index: usize, was_answered: bool) {
        let work = self.files.get(id).and_then(File::work);
        let transfer = work.and_then(|work| work.transfers().get(index));
        let Some(transfer) = transfer else { return };
        let Stage::Sending { began, .. } = transfer.stage else {
            return;
        };
        if was_answered {
            self.endpoints.reached(transfer.endpoint);
            return;
        }
        // What never got through to the second address says nothing of the network.
        if self.endpoints.is_open(transfer.endpoint) {
            self.pace.lost();
            self.budget.lost();
        }
        self.endpoints.lost(transfer.endpoint, began, self.conditions.now);
    }

    fn transfer_answered(&mut self, id: FileId, index: usize, judged: Judged, commands: &mut Vec<Command>) {
        let work = self.files.get_mut(id).and_then(File::work_mut);
        let transfer = work.and_then(|work| work.transfers_mut().get_mut(index));
        let Some(transfer) = transfer else { return };
        match judged {
            Ok(answer) => {
                if let Stage::Sending { began, .. } = transfer.stage {
                    let took = self.conditions.now.saturating_sub(began);
                    self.pace.stored(transfer.size(), took);
                }
                self.transfer_stored(id, index, answer, commands);
            }
            Err(Verdict::AlreadyExists(error)) => {
                transfer.was_refused();
                self.key_taken(id, error, commands);
            }
            Err(Verdict::UploadGone(error) | Verdict::StartOver(error)) => {
                transfer.was_refused();
                self.start_over(id, error, commands);
            }
            Err(verdict) => {
                let decision = transfer_failed(transfer, verdict, &mut self.conditions);
                self.decide(id, decision, commands);
            }
        }
    }

    fn transfer_stored(&mut self, id: FileId, index: usize, answer: HttpAnswer, commands: &mut Vec<Command>) {
        let seconds = self.clock.seconds(self.conditions.now);
        let Some(work) = self.files.get_mut(id).and_then(File::work_mut) else {
            return;
        };
        match work {
            Work::Single { key, .. } => {
                let key = key.take().unwrap_or_default();
                self.stored(id, key, commands);
            }
            Work::Multipart(work) => {
                work.attempts.reset();
                let Some(parts) = work.parts_mut() else { return };
                let transfer = &mut parts.transfers[index];
                let (Stage::Sending { digest, .. }, Some(number)) = (&transfer.stage, transfer.part) else {
                    return;
                };
                let sha256 = *digest;
                let Some(etag) = answer.etag else {
                    transfer.stage = Stage::Hashed(sha256);
                    self.fail(id, UploadError::new(ErrorKind::EtagHidden), commands);
                    return;
                };
                parts.stored(CompletedPart { number, etag, sha256 });
                parts.seen = seconds;
                commands.push(Command::SavePart(id, number));
                self.show_progress(id, commands);
            }
        }
    }

    /// A single PUT found its key taken. The key was made for this file alone and the URL is bound
    /// to its SHA-256, so that after a try whose answer was lost it is that try which succeeded.
    fn key_taken(&mut self, id: FileId, error: UploadError, commands: &mut Vec<Command>) {
        let work = self.files.get_mut(id).and_then(File::work_mut);
        let ours = match work {
            Some(Work::Single { transfer, key })
                if transfer.outcome_unknown || planted(Bug::KeyTakenIsOurs) =>
            {
                key.take()
            }
            _ => None,
        };
        match ours {
            Some(key) => self.stored(id, key, commands),
            None => self.fail(id, error, commands),
        }
    }

    fn create_answered(&mut self, id: FileId, judged: Judged, commands: &mut Vec<Command>) {
        let seconds = self.clock.seconds(self.conditions.now);
        let Some(file) = self.files.get_mut(id) else {
            return;
        };
        let size = file.size();
        let Some(Work::Multipart(work)) = file.work_mut() else {
            return;
        };
        let Multipart::Creating {
            key,
            part_size,
            create,
            ..
        } = std::mem::replace(&mut work.stage, Multipart::Unplanned)
        else {
            return;
        };
        let created = judged.and_then(|answer| {
            s3_xml::parse_create_result(&answer.body)
                .map_err(|_| Verdict::Retry(UploadError::new(ErrorKind::S3UnexpectedAnswer)))
        });
        match created {
            Ok(upload_id) => {
                work.attempts.reset();
                let layout = PartLayout::new(size, part_size);
                let mut parts = Parts::new(key, upload_id, layout);
                (parts.created, parts.seen) = (seconds, seconds);
                work.stage = Multipart::Uploading(Box::new(parts));
                commands.push(Command::Save(id));
            }
            Err(verdict) => {
                if !matches!(verdict, Verdict::Resign(_)) {
                    work.stage = Multipart::Planned {
                        key,
                        part_size,
                        create,
                    };
                }
                let decision = work_failed(work, verdict, &mut self.conditions);
                self.decide(id, decision, commands);
            }
        }
    }

    fn list_answered(&mut self, id: FileId, judged: Judged, commands: &mut Vec<Command>) {
        let Some((_, parts)) = self.uploading(id) else {
            return;
        };
        let Some(listing) = &mut parts.listing else { return };
        listing.errand = Errand::Unsigned;
        let marker = listing.marker;
        let page = judged.and_then(|answer| {
            s3_xml::parse_list_parts_result(&answer.body)
                .ok()
                // A page that does not lead on would be asked for again for ever.
                .filter(|page| {
                    page.next_part_number_marker.is_none() || page.next_part_number_marker > marker
                })
                .ok_or_else(|| Verdict::Retry(UploadError::new(ErrorKind::S3UnexpectedAnswer)))
        });
        match page {
            Ok(page) => self.page_listed(id, page, commands),
            Err(Verdict::UploadGone(error)) => self.upload_gone(id, error, commands),
            Err(verdict) => self.errand_failed(id, verdict, commands),
        }
    }

    fn page_listed(&mut self, id: FileId, page: PartsPage, commands: &mut Vec<Command>) {
        let seconds = self.clock.seconds(self.conditions.now);
        let Some((attempts, parts)) = self.uploading(id) else {
            return;
        };
        parts.seen = seconds;
        let Some(listing) = &mut parts.listing else { return };
        if matches!(parts.finish, Finish::Open) {
            attempts.reset();
        }
        listing.found.extend(page.parts);
        listing.marker = page
            .next_part_number_marker
            .filter(|_| !planted(Bug::FirstPageOnly));
        let existence_suffices = matches!(parts.finish, Finish::Asking(Doubt::NoAnswer | Doubt::KeyTaken(_)));
        if listing.marker.is_some() && !existence_suffices {
            return;
        }
        let found = std::mem::take(&mut listing.found);
        let lost = std::mem::take(&mut listing.lost);
        parts.listing = None;
        match std::mem::replace(&mut parts.finish, Finish::Open) {
            Finish::Asking(Doubt::NoAnswer) => parts.finish = Finish::Completing(Errand::Unsigned),
            Finish::Asking(Doubt::KeyTaken(error)) => self.fail(id, *error, commands),
            Finish::Asking(Doubt::Parts) => {
                parts.reconcile(&found);
                commands.push(Command::Save(id));
            }
            other => {
                parts.finish = other;
                self.parts_found(id, &lost, &found, commands);
            }
        }
    }

    fn parts_found(&mut self, id: FileId, lost: &[u32], found: &[ListedPart], commands: &mut Vec<Command>) {
        let Some((_, parts)) = self.uploading(id) else {
            return;
        };
        if parts.is_asking_to_resume() {
            parts.settle_resumed(found);
            commands.push(Command::Save(id));
        } else {
            let settled = parts.settle_lost_parts(lost, found);
            commands.extend(settled.into_iter().map(|number| Command::SavePart(id, number)));
        }
        self.show_progress(id, commands);
    }

    fn complete_answered(&mut self, id: FileId, judged: Judged, commands: &mut Vec<Command>) {
        let Some((_, parts)) = self.uploading(id) else {
            return;
        };
        parts.finish = Finish::Completing(Errand::Unsigned);
        let completed = judged.and_then(|answer| {
            s3_xml::parse_complete_result(&answer.body)
                .map_err(|_| Verdict::Retry(UploadError::new(ErrorKind::S3UnexpectedAnswer)))
        });
        match completed {
            Ok(()) => {
                let key = std::mem::take(&mut parts.key);
                self.stored(id, key, commands);
            }
            Err(Verdict::AlreadyExists(error)) if parts.complete_outcome_unknown => {
                parts.ask(Doubt::KeyTaken(Box::new(error)));
            }
            Err(Verdict::UploadGone(error)) => self.upload_gone(id, error, commands),
            Err(Verdict::StartOver(error)) => self.start_over(id, error, commands),
            Err(verdict @ (Verdict::Retry(_) | Verdict::Throttled(_))) => {
                parts.complete_outcome_unknown = true;
                parts.ask(Doubt::NoAnswer);
                self.errand_failed(id, verdict, commands);
            }
            Err(verdict @ Verdict::PartsDiffer(_)) => {
                parts.ask(Doubt::Parts);
                self.errand_failed(id, verdict, commands);
            }
            Err(verdict) => self.errand_failed(id, verdict, commands),
        }
    }

    /// S3 does not know the upload id. If a Complete was on its way whose answer was lost, that is
    /// how S3 says that it succeeded: nobody else has the upload id, and this engine has not aborted
    /// it. Otherwise, or where the bucket's lifecycle may have been at work, the file starts over.
    fn upload_gone(&mut self, id: FileId, error: UploadError, commands: &mut Vec<Command>) {
        let now = self.clock.seconds(self.conditions.now);
        let Some((_, parts)) = self.uploading(id) else {
            return;
        };
        let completed = parts.complete_outcome_unknown && !parts.may_have_been_dropped(now);
        if completed && parts.is_asking_to_resume() {
            // The file is still to be compared with what is on record. Complete then finds out again.
            parts.listing = None;
            parts.settle_resumed_by_record();
            commands.push(Command::Save(id));
        } else if completed || planted(Bug::GoneIsStored) {
            let key = std::mem::take(&mut parts.key);
            self.stored(id, key, commands);
        } else {
            self.start_over(id, error, commands);
        }
    }

    fn uploading(&mut self, id: FileId) -> Option<(&mut crate::backoff::Attempts, &mut Parts)> {
        match self.files.get_mut(id)?.work_mut()? {
            Work::Multipart(MultipartWork {
                stage: Multipart::Uploading(parts),
                attempts,
            }) => Some((attempts, parts)),
            _ => None,
        }
    }

    fn errand_failed(&mut self, id: FileId, verdict: Verdict, commands: &mut Vec<Command>) {
        if let Some(Work::Multipart(work)) = self.files.get_mut(id).and_then(File::work_mut) {
            let decision = work_failed(work, verdict, &mut self.conditions);
            self.decide(id, decision, commands);
        }
    }

    pub(crate) fn decide(&mut self, id: FileId, decision: Decision, commands: &mut Vec<Command>) {
        if let Decision::GiveUp(error) = decision {
            self.fail(id, error, commands);
        }
    }

    /// Gives up every request of active files that shows no progress.
    pub(crate) fn stop_stalled(&mut self, commands: &mut Vec<Command>) {
        let stalled: Vec<Ticket> = self
            .working()
            .flat_map(|(file, work)| {
                requests(work)
                    .into_iter()
                    .filter(|(_, since)| self.conditions.is_stalled(*since))
                    .map(move |(attempt, _)| Ticket { file, attempt })
            })
            .collect();
        for ticket in stalled {
            // The file may have been given up for the one before.
            let work = self.files.get(ticket.file).and_then(File::work);
            if work.and_then(|work| awaited(work, ticket.attempt)).is_none() {
                continue;
            }
            commands.push(Command::Cancel { ticket });
            self.answered(ticket, Err(TransportFailure::Stalled), commands);
        }
        self.cleanups.stalled(&mut self.conditions, commands);
    }
}

/// Which request of a file has this attempt.
fn awaited(work: &Work, wanted: u64) -> Option<Awaited> {
    let is_this = |attempt: u64| attempt == wanted || planted(Bug::NoAttemptCheck);
    let transfer = work
        .transfers()
        .iter()
        .position(|transfer| matches!(transfer.stage, Stage::Sending { attempt, .. } if is_this(attempt)));
    if let Some(index) = transfer {
        return Some(Awaited::Transfer(index));
    }
    let Work::Multipart(work) = work else { return None };
    let is_wanted = |errand: &Errand| matches!(errand, Errand::Sending { attempt, .. } if is_this(*attempt));
    match &work.stage {
        Multipart::Creating { attempt, .. } if is_this(*attempt) => Some(Awaited::Create),
        Multipart::Uploading(parts) => match (&parts.listing, &parts.finish) {
            (Some(listing), _) if is_wanted(&listing.errand) => Some(Awaited::List),
            (_, Finish::Completing(errand)) if is_wanted(errand) => Some(Awaited::Complete),
            _ => None,
        },
        _ => None,
    }
}

/// The requests of a file that S3 is answering: the attempt, and since when nothing moved.
pub(crate) fn requests(work: &Work) -> Vec<(u64, Duration)> {
    /// S3 puts a large object together for minutes before it answers.
    const COMPLETE_PATIENCE: Duration = Duration::from_secs(300);

    let mut requests: Vec<_> = work
        .transfers()
        .iter()
        .filter_map(|transfer| match transfer.stage {
            Stage::Sending {
                attempt, moved_at, ..
            } => Some((attempt, moved_at)),
            _ => None,
        })
        .collect();
    if let Work::Multipart(work) = work {
        match &work.stage {
            Multipart::Creating { attempt, since, .. } => requests.push((*attempt, *since)),
            Multipart::Uploading(parts) => {
                if let Some(Errand::Sending { attempt, since }) =
                    parts.listing.as_ref().map(|listing| &listing.errand)
                {
                    requests.push((*attempt, *since));
                }
                if let Finish::Completing(Errand::Sending { attempt, since }) = &parts.finish {
                    requests.push((*attempt, *since + COMPLETE_PATIENCE));
                }
            }
            Multipart::Unplanned | Multipart::Planning(_) | Multipart::Planned { .. } => {}
        }
    }
    requests
}

/// What a failure does to a transfer, and whether it is tried again.
fn transfer_failed(transfer: &mut Transfer, verdict: Verdict, conditions: &mut Conditions) -> Decision {
    let Stage::Sending { digest, request, .. } =
        std::mem::replace(&mut transfer.stage, Stage::Unhashed(None))
    else {
        return Decision::Again;
    };
    let again = |request| Earlier {
        digest,
        then: Then::Send(request),
    };
    match verdict {
        Verdict::Retry(error) if error.s3.is_none() => {
            transfer.outcome_unknown = !planted(Bug::OutcomeForgotten);
            // What is behind a lost connection may be a file that changed, so it is hashed again. Browsers
            // tell late how much was sent, so S3 may have a part of which they told nothing.
            transfer.stage = match transfer.part {
                Some(_) => Stage::Lost(again(request)),
                None => Stage::Unhashed(Some(again(request))),
            };
            if conditions.online {
                transfer.attempts.failed(error, conditions)
            } else {
                transfer.attempts.interrupted(error.kind, conditions.now);
                Decision::Again
            }
        }
        Verdict::Retry(error) | Verdict::Throttled(error) => {
            transfer.outcome_unknown = true;
            transfer.stage = Stage::Signed { digest, request };
            transfer.attempts.failed(error, conditions)
        }
        Verdict::HashAgain(error) => {
            let before = transfer.attempts.last.as_ref().map(|last| last.kind);
            transfer.stage = Stage::Unhashed(Some(again(request)));
            if before == Some(ErrorKind::Corrupted) {
                return Decision::GiveUp(error);
            }
            transfer.attempts.failed(error, conditions)
        }
        Verdict::Resign(error) => {
            transfer.stage = Stage::Hashed(digest);
            transfer.attempts.resign(error, conditions)
        }
        Verdict::UploadGone(error)
        | Verdict::StartOver(error)
        | Verdict::PartsDiffer(error)
        | Verdict::AlreadyExists(error)
        | Verdict::Final(error) => {
            transfer.stage = Stage::Hashed(digest);
            Decision::GiveUp(error)
        }
    }
}

/// Whether a small request of a multipart upload is tried again.
fn work_failed(work: &mut MultipartWork, verdict: Verdict, conditions: &mut Conditions) -> Decision {
    match verdict {
        Verdict::Retry(error) if error.s3.is_none() && !conditions.online => {
            work.attempts.interrupted(error.kind, conditions.now);
            Decision::Again
        }
        Verdict::Retry(error)
        | Verdict::Throttled(error)
        | Verdict::HashAgain(error)
        | Verdict::PartsDiffer(error) => work.attempts.failed(error, conditions),
        Verdict::Resign(error) => work.attempts.resign(error, conditions),
        Verdict::UploadGone(error)
        | Verdict::StartOver(error)
        | Verdict::AlreadyExists(error)
        | Verdict::Final(error) => Decision::GiveUp(error),
    }
}
