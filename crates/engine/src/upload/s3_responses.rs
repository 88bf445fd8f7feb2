//! What S3's answers do to the file that they are for.

use std::time::Duration;

use crate::{
    CompletedPart, ErrorKind, HttpAnswer, ListedPart, PartsPage, StoredObject, UploadError,
    measure::backoff::Attempts,
    protocol::{recovery::Recovery, s3_xml},
    upload::{
        control_request::ControlRequest,
        file::{File, Work},
        in_flight::{Attempt, Slot},
        multipart::{Multipart, MultipartWork},
        part_layout::PartLayout,
        parts::{Ambiguity, Completion, Parts},
        transfer::Stage,
        upload_mut::UploadMut,
    },
};

type Judged = Result<HttpAnswer, Recovery>;

impl UploadMut<'_> {
    /// S3 answered one of the file's requests, or it was lost.
    pub(crate) fn on_response(&mut self, request: &Attempt, judged: Judged) {
        match &judged {
            Ok(_) => self.env.budget.record_success(),
            Err(Recovery::Throttled(_)) => self.env.budget.record_throttling(self.env.conditions.now),
            Err(_) => {}
        }
        let judged = match &request.slot {
            Slot::Put { .. } => judged,
            _ => judged.map_err(Recovery::of_control_request),
        };
        match &request.slot {
            Slot::Put { load, .. } => self.on_put_response(load.part, request.started, judged),
            Slot::Create => self.on_create_response(judged),
            Slot::List => self.on_list_response(judged),
            Slot::Complete => self.on_complete_response(judged),
            Slot::Hash(_)
            | Slot::Check
            | Slot::Reopen
            | Slot::OrphanedCreate { .. }
            | Slot::Abort(_)
            | Slot::Manifest { .. }
            | Slot::Call(_)
            | Slot::Save(_) => {}
        }
        self.changed();
    }

    fn on_put_response(&mut self, part: Option<u32>, started: Duration, judged: Judged) {
        let transfer = self.file.work_mut().and_then(|work| work.transfer_mut(part));
        let Some(transfer) = transfer else { return };
        match judged {
            Ok(answer) => {
                let took = self.env.now().saturating_sub(started);
                self.env.sizer.record_stored(transfer.size(), took);
                self.on_put_stored(part, answer);
            }
            Err(Recovery::AlreadyExists(error)) => {
                transfer.mark_refused();
                self.on_key_taken(error);
            }
            Err(Recovery::UploadGone(error)) => {
                transfer.mark_refused();
                self.start_over(error);
            }
            Err(Recovery::TooLarge(error)) => self.on_too_large(part, error),
            Err(Recovery::Refused(error)) if self.env.sizer.may_be_too_large(transfer.size()) => {
                self.on_too_large(part, error);
            }
            Err(recovery) => {
                let decision = transfer.on_failure(recovery, &mut self.env.conditions);
                self.decide(decision);
            }
        }
    }

    fn on_put_stored(&mut self, part: Option<u32>, answer: HttpAnswer) {
        match (self.file.work_mut(), part) {
            (Some(Work::Single { .. }), None) => self.mark_put_stored(answer.etag),
            (Some(Work::Multipart(work)), Some(number)) => {
                work.attempts.reset();
                if let Some(parts) = work.parts_mut() {
                    parts.seen = self.env.server_seconds();
                    if store_part(parts, number, answer.etag) {
                        self.save_part(number);
                        self.show_progress();
                    }
                }
            }
            _ => {}
        }
    }

    /// A single PUT found its key taken. The key is this file's alone and the URL is bound to its SHA-256, so that after
    /// an attempt whose answer was lost, also by an earlier page, it is that attempt which succeeded. Otherwise the key
    /// is somebody else's, and the file gets another.
    fn on_key_taken(&mut self, error: UploadError) {
        match self.file.work() {
            Some(Work::Single { transfer }) if transfer.outcome_unknown => self.mark_put_stored(None),
            _ => self.take_next_copy(error),
        }
    }

    fn mark_put_stored(&mut self, etag: Option<String>) {
        let object = self.file.object.take();
        let checksum = object.as_ref().and_then(|object| object.checksum());
        self.mark_stored(StoredObject {
            key: object.map(|object| object.key).unwrap_or_default(),
            checksum,
            etag: etag.filter(|etag| !etag.trim().is_empty()),
        });
    }

    fn on_create_response(&mut self, judged: Judged) {
        let size = self.file.size();
        let Some(work) = self.file.work_mut().and_then(Work::multipart_mut) else {
            return;
        };
        let stage = std::mem::replace(&mut work.stage, Multipart::Unplanned);
        let Multipart::Creating(plan) = stage else {
            work.stage = stage;
            return;
        };
        let upload_id = judged.and_then(|answer| {
            let upload_id = s3_xml::parse_create_result(&answer.body).ok();
            read(upload_id.filter(|_| s3_xml::is_about(&answer.body, &plan.key, None)))
        });
        match upload_id {
            Ok(upload_id) => {
                work.attempts.reset();
                let rules = plan.rules();
                let part_size = match rules.constant_size {
                    true => self.env.constant_part_size(size, plan.part_size),
                    false => plan.part_size,
                };
                let layout = PartLayout::new(size, part_size);
                let mut parts = Parts::new(plan.key, upload_id, layout, rules);
                parts.created = self.env.server_seconds();
                parts.seen = parts.created;
                work.stage = Multipart::Uploading(Box::new(parts));
                self.save();
            }
            Err(recovery) => {
                if !matches!(recovery, Recovery::SignAgain(_)) {
                    work.stage = Multipart::Planned(plan);
                }
                self.on_control_failed(recovery);
            }
        }
    }

    fn on_list_response(&mut self, judged: Judged) {
        let Some((_, parts)) = uploading(self.file) else {
            return;
        };
        let is_about = |body: &str| s3_xml::is_about(body, &parts.key, Some(&parts.upload_id));
        let Some(listing) = &mut parts.listing else { return };
        listing.request = ControlRequest::Unsigned;
        let marker = listing.marker;
        // A page that does not lead on would be asked for again forever.
        let leads_on = |page: &PartsPage| {
            page.next_part_number_marker.is_none() || page.next_part_number_marker > marker
        };
        let page = judged.and_then(|answer| {
            let page = s3_xml::parse_list_parts_result(&answer.body).ok();
            read(page.filter(leads_on).filter(|_| is_about(&answer.body)))
        });
        match page {
            Ok(page) => self.on_page_listed(page),
            Err(Recovery::UploadGone(error)) => self.on_upload_gone(error),
            Err(Recovery::Final(error)) if parts.needs_etag() => {
                let kind = ErrorKind::EtagHidden;
                self.fail(UploadError { kind, ..error });
            }
            Err(recovery) => self.on_control_failed(recovery),
        }
    }

    fn on_page_listed(&mut self, page: PartsPage) {
        let Some((attempts, parts)) = uploading(self.file) else {
            return;
        };
        parts.seen = self.env.server_seconds();
        let Some(listing) = &mut parts.listing else { return };
        if matches!(parts.completion, Completion::Open) {
            attempts.reset();
        }
        listing.found.extend(page.parts);
        listing.marker = page.next_part_number_marker;
        let existence_suffices = matches!(
            parts.completion,
            Completion::Asking(Ambiguity::NoAnswer | Ambiguity::KeyTaken(_))
        );
        if listing.marker.is_some() && !existence_suffices {
            return;
        }
        let found = std::mem::take(&mut listing.found);
        let lost = std::mem::take(&mut listing.lost);
        parts.listing = None;
        self.on_listed(&lost, &found);
    }

    /// S3 listed all that it was asked for.
    fn on_listed(&mut self, lost: &[u32], found: &[ListedPart]) {
        let Some((_, parts)) = uploading(self.file) else {
            return;
        };
        match std::mem::replace(&mut parts.completion, Completion::Open) {
            Completion::Asking(Ambiguity::NoAnswer) => {
                parts.completion = Completion::Requesting(ControlRequest::Unsigned);
            }
            Completion::Asking(Ambiguity::KeyTaken(error)) => self.on_object_found(*error),
            Completion::Asking(Ambiguity::Parts) => {
                parts.reconcile(found);
                self.save();
            }
            other if parts.resumption.is_asking() => {
                parts.completion = other;
                parts.doubt_completion(found);
                parts.settle_resumed(parts.resumption.settle(found, &parts.layout));
                self.save();
                self.show_progress();
            }
            other => {
                parts.completion = other;
                let settled = parts.settle_lost_parts(lost, found);
                for number in settled.stored {
                    self.save_part(number);
                }
                self.show_progress();
                for number in settled.without_etag {
                    self.on_etag_hidden(number);
                }
            }
        }
    }

    fn on_complete_response(&mut self, judged: Judged) {
        let Some((_, parts)) = uploading(self.file) else {
            return;
        };
        parts.completion = Completion::Requesting(ControlRequest::Unsigned);
        let completed = judged.and_then(|answer| {
            let completed = s3_xml::parse_complete_result(&answer.body).ok();
            read(completed.filter(|_| s3_xml::is_about(&answer.body, &parts.key, None)))
        });
        match completed {
            Ok(etag) => {
                let stored = parts.stored_object(etag);
                self.mark_stored(stored);
            }
            Err(Recovery::AlreadyExists(error)) if parts.complete_outcome_unknown => {
                parts.ask_about(Ambiguity::KeyTaken(Box::new(error)));
            }
            Err(Recovery::AlreadyExists(error)) => self.on_object_found(error),
            Err(Recovery::UploadGone(error)) => self.on_upload_gone(error),
            // An earlier Complete of this page may be what is in progress: then it is asked about, until it has ended.
            Err(Recovery::Conflict(error)) if !parts.complete_outcome_unknown => self.start_over(error),
            Err(
                recovery @ (Recovery::Ambiguous(_)
                | Recovery::Retry(_)
                | Recovery::Throttled(_)
                | Recovery::Refused(_)
                | Recovery::Conflict(_)),
            ) => {
                // What a stranger says in S3's place says nothing of what S3 did.
                parts.complete_outcome_unknown = true;
                parts.ask_about(Ambiguity::NoAnswer);
                self.on_control_failed(recovery);
            }
            Err(recovery @ Recovery::PartsDiffer(_)) => {
                parts.ask_about(Ambiguity::Parts);
                self.on_control_failed(recovery);
            }
            Err(recovery) => self.on_control_failed(recovery),
        }
    }

    /// A Complete found an object under its key, which it did not make itself. An earlier request may have: a PutObject, or
    /// the Complete of an upload that was gone when S3 was asked, with whose parts a file that was touched since is
    /// compared. Otherwise it is somebody else's, and the file gets another key.
    fn on_object_found(&mut self, error: UploadError) {
        let Some((_, parts)) = uploading(self.file) else {
            return;
        };
        // S3 still has the upload.
        parts.complete_outcome_unknown = false;
        let key = parts.key.clone();
        if self.file.may_be_stored_as(&key, None) {
            self.clean_up();
            let checksum = self.file.object.as_ref().and_then(|object| object.checksum());
            self.mark_stored(StoredObject {
                key,
                checksum,
                etag: None,
            });
        } else if self.file.put_key() == Some(&key) {
            // Only the SHA-256 of the whole file shows whether that is what lies there, and a PutObject has it.
            self.start_over(error);
        } else if self.file.is_compared_with_object() {
            self.start_over_as_copy(error);
        } else if let Some(work) = self.file.comparison_with_object(&key) {
            self.replace_work(work);
        } else {
            self.start_over_as_copy(error);
        }
    }

    /// S3 does not know the upload id. If a Complete was on its way whose answer was lost, that is
    /// how S3 says that it succeeded: nobody else has the upload id, and this engine has not aborted
    /// it. Otherwise, or if the bucket's lifecycle may have been at work, the file starts over.
    fn on_upload_gone(&mut self, error: UploadError) {
        let now = self.env.server_seconds();
        let Some((_, parts)) = uploading(self.file) else {
            return;
        };
        let is_in_doubt = parts.complete_outcome_unknown;
        if is_in_doubt && parts.resumption.is_asking() {
            // The file is still to be compared with what is on record. Complete then finds out again.
            parts.listing = None;
            parts.settle_resumed(parts.resumption.settle_by_record(&parts.layout));
            self.save();
        } else if is_in_doubt && !parts.may_have_been_dropped(now) {
            let stored = parts.stored_object(None);
            self.mark_stored(stored);
        } else {
            self.start_over(error);
        }
    }

    /// S3 took a part, its `ETag` cannot be read, and ListParts did not show it either.
    fn on_etag_hidden(&mut self, number: u32) {
        let transfer = self
            .file
            .work_mut()
            .and_then(|work| work.transfer_mut(Some(number)));
        if let Some(transfer) = transfer {
            let error = UploadError::new(ErrorKind::EtagHidden);
            let decision = transfer.attempts.record_failure(error, &mut self.env.conditions);
            self.decide(decision);
        }
    }

    fn on_control_failed(&mut self, recovery: Recovery) {
        if let Some(work) = self.file.work_mut().and_then(Work::multipart_mut) {
            let decision = work.on_failure(recovery, &mut self.env.conditions);
            self.decide(decision);
        }
    }
}

/// The multipart upload of a file that S3 knows, and the failures of its control requests.
fn uploading(file: &mut File) -> Option<(&mut Attempts, &mut Parts)> {
    match file.work_mut()? {
        Work::Multipart(MultipartWork {
            stage: Multipart::Uploading(parts),
            attempts,
            ..
        }) => Some((attempts, parts)),
        _ => None,
    }
}

/// A success has to be readable, and about what was asked, to count as one.
fn read<T>(answer: Option<T>) -> Result<T, Recovery> {
    answer.ok_or_else(|| Recovery::Ambiguous(UploadError::new(ErrorKind::S3UnexpectedAnswer)))
}

/// Marks a part as stored under its `ETag`, without which the upload could not be completed. Something on the way may
/// have removed that: then ListParts is asked for it. Returns whether the part is stored.
fn store_part(parts: &mut Parts, number: u32, etag: Option<String>) -> bool {
    let mut transfers = parts.transfers.iter_mut();
    let Some(transfer) = transfers.find(|transfer| transfer.part == Some(number)) else {
        return false;
    };
    let Stage::Sending { digest: sha256, .. } = transfer.stage else {
        return false;
    };
    let etag = etag.filter(|etag| !etag.trim().is_empty());
    let is_stored = etag.is_some();
    match etag {
        Some(etag) => parts.mark_stored(CompletedPart { number, etag, sha256 }),
        None => transfer.mark_accepted(),
    }
    is_stored
}
