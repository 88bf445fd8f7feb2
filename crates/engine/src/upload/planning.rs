//! Where a file goes: what the Lambda is asked, and what its plan does.

use wire::{
    FilePlan, FileToUpload, MAX_PARTS, MIN_PART_BYTES, PartSizes, PlanOutcome, Sha256Digest, SignedRequest,
};

use crate::{
    CallId, ErrorKind, ObjectRecord, SaveId, UploadError,
    limits::MAX_COPIES,
    measure::endpoints::PerEndpoint,
    upload::{
        file::Work,
        multipart::{Multipart, MultipartWork, Plan},
        transfer::Stage,
        upload_mut::UploadMut,
    },
};

/// What the Lambda planned for a large file, before it is known where its request goes.
struct PlannedMultipart {
    key: String,
    create: SignedRequest,
    part_size: u64,
    part_sizes: PartSizes,
}

impl UploadMut<'_> {
    /// Marks the file as being planned, and returns what to ask the API for.
    pub(crate) fn start_planning(
        &mut self,
        call: CallId,
        assigned: &mut PerEndpoint<usize>,
    ) -> Option<FileToUpload> {
        let mut endpoint = self.env.endpoints.for_control();
        let sha256 = match self.file.active_mut()? {
            Work::Single { transfer } => {
                let Stage::Hashed(digest) = transfer.stage else {
                    return None;
                };
                endpoint = self.env.endpoints.choose(assigned, self.env.conditions.now);
                transfer.endpoint = endpoint;
                transfer.stage = Stage::Signing { call, digest };
                Some(digest)
            }
            Work::Multipart(work) => {
                work.stage = Multipart::Planning(call, endpoint);
                None
            }
        };
        let description = &self.file.description;
        Some(FileToUpload {
            id: self.id.0.to_string(),
            name: description.name.clone(),
            copy: self.file.copy,
            size: description.size,
            media_type: description.media_type.clone(),
            sha256,
            endpoint,
        })
    }

    /// The Lambda planned the file. Returns whether it waits for its record, which `save` reports.
    pub(crate) fn on_planned(&mut self, call: CallId, plan: FilePlan, save: SaveId) -> bool {
        self.changed();
        match plan.outcome {
            PlanOutcome::Refused(error) => self.fail(UploadError::from_api(error)),
            PlanOutcome::Put { put: request, .. } | PlanOutcome::Multipart { create: request, .. }
                if !self.env.clock.is_fresh(&request, self.env.now()) =>
            {
                self.on_dead_on_arrival(call);
            }
            PlanOutcome::Put { key, .. } | PlanOutcome::Multipart { key, .. } if !self.claims(&key, call) => {
            }
            PlanOutcome::Put { key, put } => return self.on_put_planned(key, put, save),
            PlanOutcome::Multipart {
                key,
                create,
                part_size,
                part_sizes,
            } => self.on_multipart_planned(PlannedMultipart {
                key,
                create,
                part_size,
                part_sizes,
            }),
        }
        false
    }

    /// Whether this key is the file's. If another file of this page has it, the next number is to be put into the name.
    fn claims(&mut self, key: &str, call: CallId) -> bool {
        let claimed = self.keys.claim(key, self.id, self.file.copy);
        match claimed {
            Ok(()) => {}
            Err(None) => self.fail(UploadError::new(ErrorKind::ApiUnexpectedAnswer)),
            Err(Some(copy)) => {
                self.file.copy = copy;
                if let Some(work) = self.file.active_mut() {
                    work.unsign(call);
                }
            }
        }
        claimed.is_ok()
    }

    /// What is sent has to be on record first: after a crash, nobody else could tell whose object lies under the key. What
    /// was sent before is on record already.
    fn on_put_planned(&mut self, key: String, request: SignedRequest, save: SaveId) -> bool {
        let may_be_taken = self.file.put_key() == Some(&key);
        let Some(Work::Single { transfer }) = self.file.active_mut() else {
            self.fail(UploadError::new(ErrorKind::ApiUnexpectedAnswer));
            return false;
        };
        let Stage::Signing { digest, .. } = transfer.stage else {
            return false;
        };
        let outcome_unknown = transfer.outcome_unknown;
        if may_be_taken && !self.file.may_be_stored_as(&key, Some(digest)) {
            self.leave_key_to_other_bytes(digest);
            return false;
        }
        let was_sent = outcome_unknown && may_be_taken;
        self.file.object = Some(Box::new(ObjectRecord {
            key,
            sha256: Some(digest),
            last_modified: self.file.description.last_modified,
            upload: None,
        }));
        self.file.is_object_sent = was_sent;
        self.save();
        if let Some(Work::Single { transfer }) = self.file.active_mut() {
            transfer.outcome_unknown = was_sent;
            transfer.stage = match was_sent {
                true => Stage::Signed { digest, request },
                false => Stage::Recording {
                    save,
                    digest,
                    request,
                },
            };
        }
        !was_sent
    }

    /// Other bytes of it may lie under its key. If the answer to these got lost, nobody could tell which do.
    fn leave_key_to_other_bytes(&mut self, digest: Sha256Digest) {
        if let Some(Work::Single { transfer }) = self.file.active_mut() {
            transfer.stage = Stage::Hashed(digest);
        }
        self.take_next_copy(UploadError::new(ErrorKind::AlreadyExists));
    }

    /// The Lambda has the last word on how a file is uploaded.
    fn on_multipart_planned(&mut self, planned: PlannedMultipart) {
        let PlannedMultipart {
            key,
            create,
            part_size,
            part_sizes,
        } = planned;
        let size = self.file.size();
        if size <= MIN_PART_BYTES || size.div_ceil(part_size) > MAX_PARTS {
            self.fail(UploadError::new(ErrorKind::ApiUnexpectedAnswer));
            return;
        }
        let planned = |endpoint| {
            Multipart::Planned(Plan {
                key,
                part_size,
                part_sizes,
                create,
                endpoint,
            })
        };
        match self.file.active_mut() {
            Some(Work::Multipart(work)) => {
                if let Multipart::Planning(_, endpoint) = work.stage {
                    work.stage = planned(endpoint);
                }
            }
            Some(work @ Work::Single { .. }) => {
                let endpoint = work.transfers().first().map(|transfer| transfer.endpoint);
                let stage = planned(endpoint.unwrap_or_default());
                *work = Work::Multipart(MultipartWork::new(stage));
            }
            None => {}
        }
    }

    /// The record of what was planned, or of all parts, is on the disk.
    pub(crate) fn on_saved(&mut self, save: SaveId) {
        let is_saved = match self.file.work_mut() {
            Some(Work::Single { transfer }) => transfer.on_saved(save),
            Some(Work::Multipart(work)) => work.parts_mut().is_some_and(|parts| parts.on_saved(save)),
            None => false,
        };
        if is_saved {
            self.changed();
        }
    }

    /// Asks for a report when its record is on the disk.
    pub(crate) fn report_saved(&mut self, save: SaveId) {
        let report = self.in_flight.start_save(save, vec![self.id], self.env.now());
        self.output.push(report);
    }

    /// Somebody else's object has the key: the next number is put into the name.
    pub(crate) fn take_next_copy(&mut self, error: UploadError) {
        if self.file.copy >= MAX_COPIES {
            self.fail(error);
            return;
        }
        self.file.copy = self.file.copy.max(1) + 1;
        self.file.object = None;
        self.save();
    }

    /// As [`Self::take_next_copy`], of a multipart upload, of which nothing can be used under another key.
    pub(crate) fn start_over_as_copy(&mut self, error: UploadError) {
        self.file.copy = self.file.copy.max(1) + 1;
        self.file.object = None;
        self.start_over(error);
    }
}
