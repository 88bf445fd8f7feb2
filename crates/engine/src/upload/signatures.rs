//! What of a file has to be signed, and what its signatures do.

use std::time::Duration;

use wire::{Endpoint, MAX_BATCH, MultipartOperation, OperationOutcome, SignRequest, SignedRequest};

use crate::{
    CallId, ErrorKind, UploadError,
    measure::{backoff::Decision, call_sizer::CallSizer, turns::PerClass},
    upload::{
        control_request::ControlRequest,
        file::Work,
        in_flight::SignTarget,
        multipart::{Multipart, MultipartWork},
        parts::{Completion, Parts},
        transfer::{Stage, Transfer},
        upload_mut::UploadMut,
    },
};

impl Work {
    /// Whether the file has to be planned now, if whole files of these classes are about to run dry.
    pub(crate) fn needs_plan(&self, runs_dry: PerClass<bool>, now: Duration) -> bool {
        match self {
            Self::Single { transfer } => runs_dry[transfer.class()] && needs_signature(transfer, now),
            Self::Multipart(work) => {
                matches!(work.stage, Multipart::Unplanned) && work.attempts.not_before <= now
            }
        }
    }

    /// Whether any of it waits for this call.
    pub(crate) fn is_signing(&self, call: CallId) -> bool {
        let transfers = self.transfers().iter();
        let is_transfer_signing = |transfer: &Transfer| matches!(transfer.stage, Stage::Signing { call: waits_for, .. } if waits_for == call);
        let is_control_signing = match self {
            Self::Single { .. } => false,
            Self::Multipart(work) => match &work.stage {
                Multipart::Planning(waits_for, _) => *waits_for == call,
                Multipart::Uploading(parts) => {
                    let mut requests = parts.control_requests();
                    requests.any(|request| request.is_signing(call))
                }
                _ => false,
            },
        };
        is_control_signing || transfers.into_iter().any(is_transfer_signing)
    }

    /// Puts back what waits for this call, to be asked for again.
    pub(crate) fn unsign(&mut self, call: CallId) {
        for transfer in self.transfers_mut() {
            if let Stage::Signing { call: waits_for, .. } = transfer.stage
                && waits_for == call
            {
                transfer.unsign();
            }
        }
        let Self::Multipart(work) = self else { return };
        match &mut work.stage {
            stage @ Multipart::Planning(..) => *stage = Multipart::Unplanned,
            Multipart::Uploading(parts) => {
                if let Completion::Requesting(complete) = &mut parts.completion {
                    complete.unsign(call);
                }
                if let Some(listing) = &mut parts.listing {
                    listing.request.unsign(call);
                }
            }
            _ => {}
        }
    }
}

impl MultipartWork {
    /// What has to be signed now. Control requests wait for their back-off; parts are signed when they run dry.
    pub(crate) fn sign_targets(
        &self,
        parts_run_dry: bool,
        call_sizer: &CallSizer,
        now: Duration,
    ) -> Vec<SignTarget> {
        let Some(parts) = self.parts() else {
            return Vec::new();
        };
        let mut targets = Vec::new();
        if self.attempts.not_before <= now {
            if matches!(parts.completion, Completion::Requesting(ControlRequest::Unsigned)) {
                targets.push(SignTarget::Complete);
            }
            let listing = parts.listing.as_ref();
            if listing.is_some_and(|listing| matches!(listing.request, ControlRequest::Unsigned)) {
                targets.push(SignTarget::List);
            }
        }
        if parts_run_dry {
            let hashed = parts
                .transfers
                .iter()
                .filter(|transfer| needs_signature(transfer, now));
            targets.extend(hashed.filter_map(|transfer| transfer.part).map(SignTarget::Part));
        }
        let others = parts.key.len() + parts.upload_id.len();
        let texts = targets.iter().take(MAX_BATCH).map(|_| 0);
        targets.truncate(call_sizer.entries(others, texts));
        targets
    }
}

impl Parts {
    fn control_requests(&self) -> impl Iterator<Item = &ControlRequest> {
        let complete = match &self.completion {
            Completion::Requesting(request) => Some(request),
            _ => None,
        };
        let list = self.listing.as_ref().map(|listing| &listing.request);
        complete.into_iter().chain(list)
    }

    /// Marks the targets as being signed, and returns what to ask the API for. `choose` picks the endpoint of a part;
    /// control requests go to `control`.
    pub(crate) fn start_signing(
        &mut self,
        targets: &[SignTarget],
        call: CallId,
        control: Endpoint,
        mut choose: impl FnMut() -> Endpoint,
    ) -> SignRequest {
        let operations = targets
            .iter()
            .filter_map(|target| self.start_signing_one(*target, call, control, &mut choose))
            .collect();
        SignRequest {
            key: self.key.clone(),
            upload_id: self.upload_id.clone(),
            endpoint: control,
            operations,
        }
    }

    fn start_signing_one(
        &mut self,
        target: SignTarget,
        call: CallId,
        control: Endpoint,
        choose: impl FnOnce() -> Endpoint,
    ) -> Option<MultipartOperation> {
        match target {
            SignTarget::Part(number) => {
                let transfer = self.transfer_mut(number)?;
                let Stage::Hashed(digest) = transfer.stage else {
                    return None;
                };
                transfer.stage = Stage::Signing { call, digest };
                transfer.endpoint = choose();
                Some(MultipartOperation::UploadPart {
                    part_number: number,
                    size: transfer.size(),
                    sha256: digest,
                    endpoint: transfer.endpoint,
                })
            }
            SignTarget::List => {
                let listing = self.listing.as_mut()?;
                listing.request = ControlRequest::Signing(call, control);
                Some(MultipartOperation::ListParts {
                    part_number_marker: listing.marker,
                })
            }
            SignTarget::Complete => {
                self.completion = Completion::Requesting(ControlRequest::Signing(call, control));
                Some(MultipartOperation::CompleteMultipartUpload {
                    size: self.layout.file_size(),
                })
            }
        }
    }

    fn on_signed(&mut self, call: CallId, target: SignTarget, request: SignedRequest) {
        match target {
            SignTarget::Part(number) => {
                if let Some(transfer) = self.transfer_mut(number)
                    && let Stage::Signing { call: asked, digest } = transfer.stage
                    && asked == call
                {
                    transfer.stage = Stage::Signed { digest, request };
                }
            }
            SignTarget::List => {
                if let Some(listing) = &mut self.listing {
                    listing.request.on_signed(call, request);
                }
            }
            SignTarget::Complete => {
                if let Completion::Requesting(complete) = &mut self.completion {
                    complete.on_signed(call, request);
                }
            }
        }
    }

    fn transfer_mut(&mut self, number: u32) -> Option<&mut Transfer> {
        self.transfers
            .iter_mut()
            .find(|transfer| transfer.part == Some(number))
    }
}

impl UploadMut<'_> {
    /// The Lambda signed one of the requests of the file's multipart upload, or refused to.
    pub(crate) fn on_signed(&mut self, call: CallId, target: SignTarget, outcome: OperationOutcome) {
        let (clock, now) = (self.env.clock, self.env.now());
        let Some(parts) = self.file.active_mut().and_then(Work::parts_mut) else {
            return;
        };
        match outcome {
            OperationOutcome::Signed(request) if !clock.is_fresh(&request, now) => {
                self.on_dead_on_arrival(call);
            }
            OperationOutcome::Signed(request) => parts.on_signed(call, target, request),
            OperationOutcome::Error(error) => self.fail(UploadError::from_api(error)),
        }
        self.changed();
    }

    /// The Lambda's own time says that what it has just signed is over. Asking again at once would
    /// go on forever.
    pub(super) fn on_dead_on_arrival(&mut self, call: CallId) {
        if let Some(work) = self.file.active_mut() {
            work.unsign(call);
            let error = UploadError::new(ErrorKind::Expired);
            let attempts = work.attempts_mut();
            let decision = attempts.record_signature_refresh(error, &mut self.env.conditions);
            self.decide(decision);
        }
    }

    /// A call that the file waited for failed.
    pub(crate) fn on_call_failed(&mut self, call: CallId, decision: &Decision) {
        if let Some(work) = self.file.active_mut() {
            work.unsign(call);
        }
        self.changed();
        if let Decision::GiveUp(error) = decision {
            self.fail(error.clone());
        }
    }
}

fn needs_signature(transfer: &Transfer, now: Duration) -> bool {
    matches!(transfer.stage, Stage::Hashed(_)) && transfer.attempts.not_before <= now
}
