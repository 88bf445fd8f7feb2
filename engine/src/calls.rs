//! The calls of the Lambda: what is asked together, and what its answers do.

use std::time::Duration;

use wire::{
    FilePlan, FileToUpload, MAX_BATCH, MAX_PARTS, MultipartOperation, OperationOutcome, PlanOutcome,
    SMALL_FILE_MAX_BYTES, SignRequest, SignResponse, SignedRequest, UploadsRequest,
};

use crate::{
    ApiRoute, CallId, Command, Engine, ErrorKind, FileId, HttpAnswer, TransportFailure, UploadError,
    api_answers::{Plans, Refusal, are_for, read_plans, read_signatures},
    backoff::Decision,
    endpoints::Endpoint,
    file::{File, Work},
    multipart::{Errand, Finish, Multipart, MultipartWork, Parts},
    transfer::{Stage, Transfer},
};

/// A call under way.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) id: CallId,
    pub(crate) since: Duration,
    kind: CallKind,
}

#[derive(Debug)]
enum CallKind {
    /// `POST /uploads` for these files.
    Plan(Vec<FileId>),
    /// `POST /sign` for these requests of one file.
    Sign(FileId, Vec<SignTarget>),
    /// `POST /sign` for an Abort.
    SignAbort,
}

/// What a signature is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SignTarget {
    Part(u32),
    List,
    Complete,
}

/// Most calls under way at once. Two let the next batch be asked for while one is being answered.
const MOST_CALLS: usize = 2;

impl Engine {
    /// Begins what calls there are to make: completions first, then what is about to run dry.
    pub(crate) fn begin_calls(&mut self, commands: &mut Vec<Command>) {
        if !self.conditions.online || self.api.not_before > self.conditions.now {
            return;
        }
        while self.calls.len() < MOST_CALLS {
            let begun = self.begin_sign_call(commands)
                || self.begin_abort_call(commands)
                || self.begin_plan_call(commands);
            if !begun {
                break;
            }
        }
    }

    fn begin_call(
        &mut self,
        id: CallId,
        kind: CallKind,
        route: ApiRoute,
        body: String,
        commands: &mut Vec<Command>,
    ) {
        let since = self.conditions.now;
        self.calls.push(Call { id, since, kind });
        commands.push(Command::Call {
            call: id,
            route,
            body,
        });
    }

    const fn new_call_id(&mut self) -> CallId {
        let id = CallId(self.next_call);
        self.next_call += 1;
        id
    }

    fn begin_sign_call(&mut self, commands: &mut Vec<Command>) -> bool {
        let now = self.conditions.now;
        let parts_run_dry = self.signed_ahead(|transfer| transfer.part.is_some()) < self.budget.limit();
        let wanted = self.active.iter().find_map(|id| {
            let Work::Multipart(work) = self.files.get(*id)?.active()? else {
                return None;
            };
            let errands_may_go = work.attempts.not_before <= now;
            let targets = sign_targets(work.parts()?, errands_may_go, parts_run_dry, now);
            (!targets.is_empty()).then_some((*id, targets))
        });
        let Some((id, targets)) = wanted else { return false };
        let mut given = self.given_to_endpoints();
        let call = self.new_call_id();
        let Some(file) = self.files.get_mut(id) else {
            return false;
        };
        let size = file.size();
        let Some(parts) = file.active_mut().and_then(Work::parts_mut) else {
            return false;
        };
        let mut choose = || self.endpoints.choose(&mut given, now);
        let operations = targets
            .iter()
            .filter_map(|target| begin_signing(parts, *target, call, size, &mut choose))
            .collect();
        let request = SignRequest {
            key: parts.key.clone(),
            upload_id: parts.upload_id.clone(),
            operations,
        };
        self.begin_call(
            call,
            CallKind::Sign(id, targets),
            ApiRoute::Sign,
            json(&request),
            commands,
        );
        true
    }

    /// Transfers of a kind that are signed, or will be once the calls under way are answered, and may be sent then.
    fn signed_ahead(&self, is_of_kind: impl Fn(&Transfer) -> bool) -> usize {
        let may_go = |transfer: &&Transfer| {
            transfer.is_signed_ahead() && is_of_kind(transfer) && self.endpoints.is_open(transfer.endpoint)
        };
        self.active_transfers().filter(may_go).count()
    }

    /// How many transfers were given to each of the bucket's addresses and are not stored yet.
    fn given_to_endpoints(&self) -> [usize; 2] {
        let mut given = [0, 0];
        for transfer in self.active_transfers() {
            if transfer.is_signed_ahead() || transfer.is_sending() {
                given[transfer.endpoint as usize] += 1;
            }
        }
        given
    }

    fn begin_abort_call(&mut self, commands: &mut Vec<Command>) -> bool {
        let now = self.conditions.now;
        let call = CallId(self.next_call);
        let wanted =
            self.cleanups.aborts.iter_mut().find(|cleanup| {
                matches!(cleanup.errand, Errand::Unsigned) && cleanup.attempts.not_before <= now
            });
        let Some(cleanup) = wanted else { return false };
        cleanup.errand = Errand::Signing(call);
        let request = SignRequest {
            key: cleanup.key.clone(),
            upload_id: cleanup.upload_id.clone(),
            operations: vec![MultipartOperation::AbortMultipartUpload],
        };
        let call = self.new_call_id();
        self.begin_call(
            call,
            CallKind::SignAbort,
            ApiRoute::Sign,
            json(&request),
            commands,
        );
        true
    }

    fn begin_plan_call(&mut self, commands: &mut Vec<Command>) -> bool {
        let now = self.conditions.now;
        let limit = self.budget.limit() * 2;
        let [small, large] = [false, true].map(|is_large| {
            let is_whole = |transfer: &Transfer| transfer.part.is_none() && transfer.is_large() == is_large;
            self.signed_ahead(is_whole) < limit
        });
        let files: Vec<FileId> = self
            .active
            .iter()
            .filter(|id| {
                let work = self.files.get(**id).and_then(File::active);
                work.is_some_and(|work| wants_plan(work, small, large, now))
            })
            .take(MAX_BATCH)
            .copied()
            .collect();
        if files.is_empty() {
            return false;
        }
        let call = self.new_call_id();
        let mut given = self.given_to_endpoints();
        let request = UploadsRequest {
            files: files
                .iter()
                .filter_map(|id| self.begin_planning(*id, call, &mut given))
                .collect(),
        };
        self.begin_call(
            call,
            CallKind::Plan(files),
            ApiRoute::Uploads,
            json(&request),
            commands,
        );
        true
    }

    fn begin_planning(&mut self, id: FileId, call: CallId, given: &mut [usize; 2]) -> Option<FileToUpload> {
        let file = self.files.get_mut(id)?;
        let mut endpoint = Endpoint::First;
        let sha256 = match file.active_mut()? {
            Work::Single { transfer, .. } => {
                let Stage::Hashed(digest) = transfer.stage else {
                    return None;
                };
                endpoint = self.endpoints.choose(given, self.conditions.now);
                transfer.endpoint = endpoint;
                transfer.stage = Stage::Signing { call, digest };
                Some(digest)
            }
            Work::Multipart(work) => {
                work.stage = Multipart::Planning(call);
                None
            }
        };
        Some(FileToUpload {
            id: id.0.to_string(),
            name: file.description.name.clone(),
            size: file.size(),
            media_type: file.description.media_type.clone(),
            sha256,
            second_endpoint: endpoint == Endpoint::Second,
        })
    }

    /// Takes what the Lambda answered, if anything still waits for it.
    pub(crate) fn call_answered(
        &mut self,
        id: CallId,
        answer: Result<HttpAnswer, TransportFailure>,
        commands: &mut Vec<Command>,
    ) {
        let Some(index) = self.calls.iter().position(|call| call.id == id) else {
            return;
        };
        let call = self.calls.swap_remove(index);
        let read = match &call.kind {
            CallKind::Plan(_) => read_plans(answer).map(Signatures::Plans),
            CallKind::Sign(..) | CallKind::SignAbort => read_signatures(answer).map(Signatures::Requests),
        };
        match (read, call.kind) {
            (Ok(Signatures::Plans(response)), CallKind::Plan(files)) if are_for(&response.files, &files) => {
                self.call_succeeded(response.server_time, commands);
                for (file, plan) in files.into_iter().zip(response.files) {
                    self.planned(file, id, plan, commands);
                }
            }
            (Ok(Signatures::Requests(response)), CallKind::Sign(file, targets))
                if response.requests.len() == targets.len() =>
            {
                self.call_succeeded(Some(response.server_time), commands);
                for (target, outcome) in targets.into_iter().zip(response.requests) {
                    self.signed(file, id, target, outcome, commands);
                }
            }
            (Ok(Signatures::Requests(response)), CallKind::SignAbort) if response.requests.len() == 1 => {
                self.call_succeeded(Some(response.server_time), commands);
                for outcome in response.requests {
                    self.abort_signed(id, outcome);
                }
            }
            (Ok(_), kind) => {
                let error = UploadError::new(ErrorKind::ApiUnexpectedAnswer);
                self.call_failed(id, kind, Refusal::Final(error), commands);
            }
            (Err(refusal), kind) => self.call_failed(id, kind, refusal, commands),
        }
    }

    fn call_succeeded(&mut self, server_time: Option<u64>, commands: &mut Vec<Command>) {
        if self.api.last.is_some() {
            self.show_active(commands);
        }
        self.api.reset();
        if let Some(server_time) = server_time {
            self.clock.learn(server_time, self.conditions.now);
        }
    }

    fn planned(&mut self, id: FileId, call: CallId, plan: FilePlan, commands: &mut Vec<Command>) {
        let (clock, now) = (self.clock, self.conditions.now);
        let Some(file) = self.files.get_mut(id) else {
            return;
        };
        let size = file.size();
        let Some(work) = file.active_mut().filter(|work| is_signing(work, call)) else {
            return;
        };
        match (work, plan.outcome) {
            (_, PlanOutcome::Put { put: request, .. } | PlanOutcome::Multipart { create: request, .. })
                if !clock.is_fresh(&request, now) =>
            {
                self.dead_on_arrival(id, call, commands);
            }
            (Work::Single { transfer, key }, PlanOutcome::Put { key: planned, put }) => {
                if let Stage::Signing { digest, .. } = transfer.stage {
                    *key = Some(planned);
                    // A new key: whatever became of requests for an earlier one is nothing to this one.
                    transfer.outcome_unknown = false;
                    transfer.stage = Stage::Signed { digest, request: put };
                }
            }
            (
                work,
                PlanOutcome::Multipart {
                    key,
                    create,
                    part_size,
                },
            ) if size > SMALL_FILE_MAX_BYTES && size.div_ceil(part_size) <= MAX_PARTS => {
                // The Lambda has the last word on the way of a file.
                let planned = Multipart::Planned {
                    key,
                    part_size,
                    create,
                };
                match work {
                    Work::Multipart(work) => work.stage = planned,
                    Work::Single { .. } => *work = Work::Multipart(MultipartWork::at(planned)),
                }
            }
            (_, PlanOutcome::Refused(error)) => self.fail(id, UploadError::from_api(error), commands),
            (_, PlanOutcome::Put { .. } | PlanOutcome::Multipart { .. }) => {
                self.fail(id, UploadError::new(ErrorKind::ApiUnexpectedAnswer), commands);
            }
        }
        commands.push(Command::Changed(id));
    }

    fn signed(
        &mut self,
        id: FileId,
        call: CallId,
        target: SignTarget,
        outcome: OperationOutcome,
        commands: &mut Vec<Command>,
    ) {
        let (clock, now) = (self.clock, self.conditions.now);
        let work = self.files.active_mut(id).filter(|work| is_signing(work, call));
        let Some(parts) = work.and_then(Work::parts_mut) else {
            return;
        };
        match outcome {
            OperationOutcome::Signed(request) if !clock.is_fresh(&request, now) => {
                self.dead_on_arrival(id, call, commands);
            }
            OperationOutcome::Signed(request) => signed_target(parts, call, target, request),
            OperationOutcome::Error(error) => self.fail(id, UploadError::from_api(error), commands),
        }
        commands.push(Command::Changed(id));
    }

    /// The Lambda's own time says that what it has just signed is over. Asking again at once would
    /// go on for ever.
    fn dead_on_arrival(&mut self, id: FileId, call: CallId, commands: &mut Vec<Command>) {
        if let Some(work) = self.files.active_mut(id) {
            unsign(work, call);
            let error = UploadError::new(ErrorKind::Expired);
            let decision = work.attempts_mut().resign(error, &mut self.conditions);
            self.decide(id, decision, commands);
        }
    }

    fn abort_signed(&mut self, call: CallId, outcome: OperationOutcome) {
        match outcome {
            OperationOutcome::Signed(request) if !self.clock.is_fresh(&request, self.conditions.now) => {
                let error = UploadError::new(ErrorKind::Expired);
                self.cleanups.not_signed(call, error, &mut self.conditions);
            }
            OperationOutcome::Signed(request) => {
                let signing = self
                    .cleanups
                    .aborts
                    .iter_mut()
                    .find(|cleanup| matches!(cleanup.errand, Errand::Signing(id) if id == call));
                if let Some(cleanup) = signing {
                    cleanup.errand = Errand::Signed(request);
                }
            }
            OperationOutcome::Error(error) => {
                let error = UploadError::from_api(error);
                self.cleanups.not_signed(call, error, &mut self.conditions);
            }
        }
    }

    /// Puts everything that the call was for back to where it was, and gives it up if the API will
    /// not have it.
    fn call_failed(&mut self, call: CallId, kind: CallKind, refusal: Refusal, commands: &mut Vec<Command>) {
        let files = match kind {
            CallKind::Plan(files) => files,
            CallKind::Sign(file, _) => vec![file],
            CallKind::SignAbort => Vec::new(),
        };
        let decision = match refusal {
            Refusal::NoAnswer if !self.conditions.online => {
                self.api
                    .interrupted(ErrorKind::ApiUnreachable, self.conditions.now);
                Decision::Again
            }
            Refusal::NoAnswer => {
                let error = UploadError::new(ErrorKind::ApiUnreachable);
                self.api.failed(error, &mut self.conditions)
            }
            Refusal::Busy(error) => self.api.failed(error, &mut self.conditions),
            // Whoever was let in before has a sign-in that ended, and goes on once it is renewed.
            Refusal::Final(error) if error.kind == ErrorKind::NotSignedIn && self.was_let_in() => {
                self.api.wait_out(error, &mut self.conditions)
            }
            Refusal::Final(error) => Decision::GiveUp(error),
        };
        if files.is_empty() {
            let error = UploadError::new(ErrorKind::ApiUnreachable);
            self.cleanups.not_signed(call, error, &mut self.conditions);
        }
        for id in files {
            let Some(work) = self.files.active_mut(id) else {
                continue;
            };
            if !is_signing(work, call) {
                continue;
            }
            unsign(work, call);
            commands.push(Command::Changed(id));
            if let Decision::GiveUp(error) = &decision {
                self.fail(id, error.clone(), commands);
            }
        }
        if let Decision::GiveUp(_) = decision {
            self.api.reset();
        }
        self.show_active(commands);
    }

    /// Whether the API has answered a call of this page with success.
    fn was_let_in(&self) -> bool {
        self.clock.seconds(self.conditions.now).is_some()
    }

    /// Gives up calls without an answer for too long.
    pub(crate) fn stop_stalled_calls(&mut self, commands: &mut Vec<Command>) {
        let stalled: Vec<CallId> = self
            .calls
            .iter()
            .filter(|call| self.conditions.is_stalled(call.since))
            .map(|call| call.id)
            .collect();
        for call in stalled {
            commands.push(Command::CancelCall { call });
            self.call_answered(call, Err(TransportFailure::Stalled), commands);
        }
    }

    /// Gives up every call, as nobody's failure.
    pub(crate) fn drop_calls(&mut self, commands: &mut Vec<Command>) {
        for call in std::mem::take(&mut self.calls) {
            commands.push(Command::CancelCall { call: call.id });
            let files = match call.kind {
                CallKind::Plan(files) => files,
                CallKind::Sign(file, _) => vec![file],
                CallKind::SignAbort => Vec::new(),
            };
            for id in files {
                if let Some(work) = self.files.active_mut(id) {
                    unsign(work, call.id);
                }
            }
        }
    }
}

/// What a readable answer holds.
enum Signatures {
    Plans(Plans),
    Requests(SignResponse),
}

/// What of a multipart upload has to be signed now.
fn sign_targets(parts: &Parts, errands_may_go: bool, parts_run_dry: bool, now: Duration) -> Vec<SignTarget> {
    let mut targets = Vec::new();
    if errands_may_go && matches!(parts.finish, Finish::Completing(Errand::Unsigned)) {
        targets.push(SignTarget::Complete);
    }
    let lists = parts
        .listing
        .as_ref()
        .is_some_and(|listing| matches!(listing.errand, Errand::Unsigned));
    if errands_may_go && lists {
        targets.push(SignTarget::List);
    }
    if parts_run_dry {
        let hashed = parts.transfers.iter().filter(|transfer| {
            matches!(transfer.stage, Stage::Hashed(_)) && transfer.attempts.not_before <= now
        });
        targets.extend(hashed.filter_map(|transfer| transfer.part).map(SignTarget::Part));
    }
    targets.truncate(MAX_BATCH);
    targets
}

/// Marks a target as being signed, and gives the operation to ask for.
fn begin_signing(
    parts: &mut Parts,
    target: SignTarget,
    call: CallId,
    file_size: u64,
    choose: impl FnOnce() -> Endpoint,
) -> Option<MultipartOperation> {
    match target {
        SignTarget::Part(number) => {
            let transfer = part_mut(parts, number)?;
            let Stage::Hashed(digest) = transfer.stage else {
                return None;
            };
            transfer.stage = Stage::Signing { call, digest };
            transfer.endpoint = choose();
            Some(MultipartOperation::UploadPart {
                part_number: number,
                size: transfer.size(),
                sha256: digest,
                second_endpoint: transfer.endpoint == Endpoint::Second,
            })
        }
        SignTarget::List => {
            let listing = parts.listing.as_mut()?;
            listing.errand = Errand::Signing(call);
            Some(MultipartOperation::ListParts {
                part_number_marker: listing.marker,
            })
        }
        SignTarget::Complete => {
            parts.finish = Finish::Completing(Errand::Signing(call));
            Some(MultipartOperation::CompleteMultipartUpload { size: file_size })
        }
    }
}

fn signed_target(parts: &mut Parts, call: CallId, target: SignTarget, request: SignedRequest) {
    let is_asked = |errand: &Errand| matches!(errand, Errand::Signing(id) if *id == call);
    match target {
        SignTarget::Part(number) => {
            if let Some(transfer) = part_mut(parts, number)
                && let Stage::Signing { call: asked, digest } = transfer.stage
                && asked == call
            {
                transfer.stage = Stage::Signed { digest, request };
            }
        }
        SignTarget::List => {
            if let Some(listing) = &mut parts.listing
                && is_asked(&listing.errand)
            {
                listing.errand = Errand::Signed(request);
            }
        }
        SignTarget::Complete => {
            if let Finish::Completing(errand) = &mut parts.finish
                && is_asked(errand)
            {
                *errand = Errand::Signed(request);
            }
        }
    }
}

fn part_mut(parts: &mut Parts, number: u32) -> Option<&mut Transfer> {
    parts
        .transfers
        .iter_mut()
        .find(|transfer| transfer.part == Some(number))
}

/// Whether a file has to be planned now, if whole small and whole large files are about to run dry.
fn wants_plan(work: &Work, small: bool, large: bool, now: Duration) -> bool {
    match work {
        Work::Single { transfer, .. } => {
            let runs_dry = if transfer.is_large() { large } else { small };
            runs_dry && matches!(transfer.stage, Stage::Hashed(_)) && transfer.attempts.not_before <= now
        }
        Work::Multipart(work) => {
            matches!(work.stage, Multipart::Unplanned) && work.attempts.not_before <= now
        }
    }
}

/// Whether any of a file waits for this call.
fn is_signing(work: &Work, call: CallId) -> bool {
    let in_transfer = work
        .transfers()
        .iter()
        .any(|transfer| matches!(transfer.stage, Stage::Signing { call: id, .. } if id == call));
    let is_asked = |errand: &Errand| matches!(errand, Errand::Signing(id) if *id == call);
    in_transfer
        || match work {
            Work::Single { .. } => false,
            Work::Multipart(work) => match &work.stage {
                Multipart::Planning(id) => *id == call,
                Multipart::Uploading(parts) => {
                    matches!(&parts.finish, Finish::Completing(errand) if is_asked(errand))
                        || parts
                            .listing
                            .as_ref()
                            .is_some_and(|listing| is_asked(&listing.errand))
                }
                _ => false,
            },
        }
}

/// Puts what waits for this call back to where it was.
fn unsign(work: &mut Work, call: CallId) {
    for transfer in work.transfers_mut() {
        if let Stage::Signing { call: id, digest } = transfer.stage
            && id == call
        {
            transfer.stage = Stage::Hashed(digest);
        }
    }
    let unsign_errand = |errand: &mut Errand| {
        if matches!(errand, Errand::Signing(id) if *id == call) {
            *errand = Errand::Unsigned;
        }
    };
    let Work::Multipart(work) = work else { return };
    match &mut work.stage {
        stage @ Multipart::Planning(_) => *stage = Multipart::Unplanned,
        Multipart::Uploading(parts) => {
            if let Finish::Completing(errand) = &mut parts.finish {
                unsign_errand(errand);
            }
            if let Some(listing) = &mut parts.listing {
                unsign_errand(&mut listing.errand);
            }
        }
        _ => {}
    }
}

fn json(request: &impl serde::Serialize) -> String {
    // The requests are plain structures of strings and numbers, which always serialize.
    serde_json::to_string(request).unwrap_or_default()
}
