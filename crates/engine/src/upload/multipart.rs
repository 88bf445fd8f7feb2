//! A large file: a multipart upload, from the Lambda's plan to the object.

use std::time::Duration;

use wire::{CHECKSUM_ALGORITHM, Endpoint, PartSizes, SignedRequest};

use crate::{
    CallId, PartRules,
    limits::COMPLETE_PATIENCE,
    measure::{
        backoff::{Attempts, Decision},
        conditions::Conditions,
        endpoints::Endpoints,
        server_clock::ServerClock,
    },
    protocol::{recovery::Recovery, s3_xml},
    upload::{
        in_flight::Slot,
        parts::{Completion, Parts},
    },
};

/// How far a large file has come.
#[derive(Clone, Debug)]
pub(crate) enum Multipart {
    /// The Lambda has to be asked for a key.
    Unplanned,
    /// The Lambda was asked.
    Planning(CallId, Endpoint),
    /// CreateMultipartUpload may be sent.
    Planned(Plan),
    /// CreateMultipartUpload is on its way.
    Creating(Plan),
    /// S3 has made the upload.
    Uploading(Box<Parts>),
}

/// What the Lambda planned for a large file.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) key: String,
    /// The size in bytes of every part but the last, unless they may grow.
    pub(crate) part_size: u64,
    pub(crate) part_sizes: PartSizes,
    pub(crate) create: SignedRequest,
    /// Where that goes.
    pub(crate) endpoint: Endpoint,
}

/// A large file on its way.
#[derive(Clone, Debug)]
pub(crate) struct MultipartWork {
    pub(crate) stage: Multipart,
    /// Of the plan and the control requests; each part has its own.
    pub(crate) attempts: Attempts,
    /// When S3 first refused a Complete because an earlier one was still in progress.
    pub(crate) conflict_since: Option<Duration>,
}

impl Plan {
    /// What holds for the parts of the upload.
    pub(crate) fn rules(&self) -> PartRules {
        PartRules {
            constant_size: self.part_sizes == PartSizes::Constant,
            without_checksums: !self.create.headers.contains_key(CHECKSUM_ALGORITHM),
        }
    }
}

impl MultipartWork {
    pub(crate) fn new(stage: Multipart) -> Self {
        Self {
            stage,
            attempts: Attempts::default(),
            conflict_since: None,
        }
    }

    pub(crate) const fn parts(&self) -> Option<&Parts> {
        match &self.stage {
            Multipart::Uploading(parts) => Some(parts),
            _ => None,
        }
    }

    pub(crate) const fn parts_mut(&mut self) -> Option<&mut Parts> {
        match &mut self.stage {
            Multipart::Uploading(parts) => Some(parts),
            _ => None,
        }
    }

    /// When the plan or a control request may be tried again, unless the answer to one is awaited.
    pub(crate) const fn retry_time(&self) -> Option<Duration> {
        match self.stage {
            Multipart::Creating(_) | Multipart::Planning(..) => None,
            Multipart::Unplanned | Multipart::Planned(_) | Multipart::Uploading(_) => {
                Some(self.attempts.not_before)
            }
        }
    }

    pub(crate) fn stop(&mut self) {
        match &mut self.stage {
            Multipart::Uploading(parts) => parts.stop(),
            stage @ Multipart::Planning(..) => *stage = Multipart::Unplanned,
            Multipart::Unplanned | Multipart::Planned(_) | Multipart::Creating(_) => {}
        }
    }

    /// Returns the control request to send now, with where it goes and its body: a Complete, a ListParts or a Create.
    /// `None` if there is none, or its time is over and it has to be signed again.
    pub(crate) fn start_control_request(
        &mut self,
        clock: &ServerClock,
        now: Duration,
    ) -> Option<(Slot, (Endpoint, SignedRequest), String)> {
        if let Multipart::Planned(plan) = &self.stage {
            let plan = plan.clone();
            let is_fresh = clock.is_fresh(&plan.create, now);
            self.stage = Multipart::Unplanned;
            return is_fresh.then(|| {
                let create = (plan.endpoint, plan.create.clone());
                self.stage = Multipart::Creating(plan);
                (Slot::Create, create, String::new())
            });
        }
        let parts = self.parts_mut()?;
        if let Completion::Requesting(complete) = &mut parts.completion {
            let request = complete.start(clock, now)?;
            let body = s3_xml::complete_multipart_upload_body(parts.completed(), parts.rules.has_checksums());
            return Some((Slot::Complete, request, body));
        }
        let list = &mut parts.listing.as_mut()?.request;
        Some((Slot::List, list.start(clock, now)?, String::new()))
    }

    /// Where a Complete is to be sent now.
    pub(crate) fn completes_at(&self) -> Option<Endpoint> {
        match &self.parts()?.completion {
            Completion::Requesting(complete) => complete.goes_to(),
            _ => None,
        }
    }

    /// Where a ListParts is to be sent now.
    pub(crate) fn lists_at(&self) -> Option<Endpoint> {
        self.parts()?.listing.as_ref()?.request.goes_to()
    }

    /// Where a Create is to be sent now.
    pub(crate) const fn creates_at(&self) -> Option<Endpoint> {
        match &self.stage {
            Multipart::Planned(plan) => Some(plan.endpoint),
            _ => None,
        }
    }

    /// Puts back what was signed for an endpoint that has to be left. Returns whether there is any.
    pub(crate) fn leave_endpoint(&mut self, endpoints: &Endpoints) -> bool {
        match &mut self.stage {
            Multipart::Planned(plan) if endpoints.is_to_be_left(plan.endpoint) => {
                self.stage = Multipart::Unplanned;
                true
            }
            Multipart::Uploading(parts) => {
                let listing = parts.listing.as_mut();
                let leaves = listing.is_some_and(|listing| listing.request.leave_endpoint(endpoints));
                match &mut parts.completion {
                    Completion::Requesting(complete) => complete.leave_endpoint(endpoints) || leaves,
                    _ => leaves,
                }
            }
            _ => false,
        }
    }

    /// Whether a control request that failed is tried again.
    pub(crate) fn on_failure(&mut self, recovery: Recovery, conditions: &mut Conditions) -> Decision {
        match recovery {
            Recovery::Ambiguous(error) => self.attempts.record_no_answer(error, conditions),
            Recovery::Conflict(error) if self.is_conflict_recent(conditions.now) => {
                self.attempts.record_wait(error, conditions)
            }
            Recovery::Retry(error)
            | Recovery::Throttled(error)
            | Recovery::HashAgain(error)
            | Recovery::Refused(error)
            | Recovery::Conflict(error)
            | Recovery::PartsDiffer(error) => self.attempts.record_failure(error, conditions),
            Recovery::SignAgain(error) => self.attempts.record_signature_refresh(error, conditions),
            Recovery::TooLarge(error)
            | Recovery::UploadGone(error)
            | Recovery::AlreadyExists(error)
            | Recovery::Final(error) => Decision::GiveUp(error),
        }
    }

    /// Whether an earlier Complete, with which this one conflicts, may still be in progress: S3 puts a large object
    /// together for minutes.
    fn is_conflict_recent(&mut self, now: Duration) -> bool {
        let since = *self.conflict_since.get_or_insert(now);
        now.saturating_sub(since) < COMPLETE_PATIENCE
    }
}
