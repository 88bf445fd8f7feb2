//! The calls of the Lambda's API: what is asked together, and what the answers do.

use wire::{BatchId, MAX_BATCH, OperationOutcome, SignResponse, UploadsRequest};

use crate::{
    ApiRoute, CallId, Command, Engine, ErrorKind, FileId, HttpAnswer, SaveId, TransportFailure, UploadError,
    limits::{MAX_CALLS, WINDOWS_AHEAD},
    measure::{backoff::Decision, endpoints::PerEndpoint, turns::PerClass},
    protocol::{
        lambda_answers::{Plans, are_for, read_manifest, read_plans, read_signatures},
        recovery::Recovery,
    },
    upload::{
        abort::Abort,
        file::{File, Work},
        in_flight::{Call, CallPurpose, SignTarget},
        transfer::Transfer,
        upload_mut::UploadMut,
    },
};

impl Engine {
    /// Starts what calls there are to make: completions first, then what is about to run dry.
    pub(super) fn start_calls(&mut self) {
        if !self.env.conditions.online || self.env.api.not_before > self.env.now() {
            return;
        }
        while self.in_flight.calls() < MAX_CALLS {
            let started = self.start_sign_call()
                || self.start_abort_call()
                || self.start_manifest_call()
                || self.start_plan_call();
            if !started {
                break;
            }
        }
    }

    pub(super) fn start_call(
        &mut self,
        id: CallId,
        purpose: CallPurpose,
        route: ApiRoute,
        request: &impl serde::Serialize,
    ) {
        // The requests are plain structures of strings and numbers, which always serialize.
        let body = serde_json::to_string(request).unwrap_or_default();
        let bytes = body.len();
        self.in_flight
            .start_call(id, Call { purpose, bytes }, self.env.now());
        let call = id;
        self.output.push(Command::Call { call, route, body });
    }

    fn start_sign_call(&mut self) -> bool {
        let now = self.env.now();
        let parts_run_dry = self.signed_ahead(|transfer| transfer.part.is_some()) < self.env.budget.limit();
        let wanted = self.active_work().find_map(|(id, work)| match work {
            Work::Single { .. } => None,
            Work::Multipart(work) => {
                let targets = work.sign_targets(parts_run_dry, &self.env.call_sizer, now);
                (!targets.is_empty()).then_some((id, targets))
            }
        });
        let Some((id, targets)) = wanted else { return false };
        let mut assigned = self.assigned_to_endpoints();
        let call = self.in_flight.new_call_id();
        let Some(parts) = self.files.active_mut(id).and_then(Work::parts_mut) else {
            return false;
        };
        let control = self.env.endpoints.for_control();
        let choose = || self.env.endpoints.choose(&mut assigned, now);
        let request = parts.start_signing(&targets, call, control, choose);
        self.start_call(call, CallPurpose::Sign(id, targets), ApiRoute::Sign, &request);
        true
    }

    /// Transfers of a kind that are signed, or will be once the calls in flight are answered, and may be sent then.
    fn signed_ahead(&self, is_of_kind: impl Fn(&Transfer) -> bool) -> usize {
        let may_go = |transfer: &&Transfer| {
            transfer.is_signed_ahead()
                && is_of_kind(transfer)
                && self.env.endpoints.is_open(transfer.endpoint)
        };
        self.active_transfers().filter(may_go).count()
    }

    /// How many transfers were assigned to each of the bucket's endpoints and are not stored yet.
    fn assigned_to_endpoints(&self) -> PerEndpoint<usize> {
        let mut assigned = PerEndpoint::default();
        for transfer in self.active_transfers() {
            if transfer.is_signed_ahead() || transfer.is_sending() {
                assigned[transfer.endpoint] += 1;
            }
        }
        assigned
    }

    fn start_abort_call(&mut self) -> bool {
        let Some(mut abort) = self.aborts.take_unsigned(self.env.now()) else {
            return false;
        };
        let call = self.in_flight.new_call_id();
        let request = abort.sign_request(self.env.endpoints.for_control());
        self.start_call(call, CallPurpose::SignAbort(abort), ApiRoute::Sign, &request);
        true
    }

    fn start_plan_call(&mut self) -> bool {
        let now = self.env.now();
        let window = self.env.budget.limit() * WINDOWS_AHEAD;
        let runs_dry = PerClass::from_fn(|class| {
            self.signed_ahead(|transfer| transfer.part.is_none() && transfer.class() == class) < window
        });
        let mut unplanned = self
            .active_work()
            .filter(|(_, work)| work.needs_plan(runs_dry, now))
            .map(|(id, _)| (id, self.batch(id)))
            .peekable();
        let Some(&(_, batch)) = unplanned.peek() else {
            return false;
        };
        let of_batch = unplanned.filter(|(_, other)| *other == batch).map(|(id, _)| id);
        let mut files: Vec<FileId> = of_batch.take(self.files_per_plan()).collect();
        let texts = files.iter().map(|id| self.files.get(*id).map_or(0, text_bytes));
        let entries = self.env.call_sizer.entries(BatchId::LENGTH, texts);
        files.truncate(entries);
        let call = self.in_flight.new_call_id();
        let mut assigned = self.assigned_to_endpoints();
        let mut plan = |id: &FileId| self.upload(*id)?.start_planning(call, &mut assigned);
        let request = UploadsRequest {
            batch,
            files: files.iter().filter_map(&mut plan).collect(),
        };
        self.start_call(call, CallPurpose::Plan(files), ApiRoute::Uploads, &request);
        true
    }

    fn files_per_plan(&self) -> usize {
        self.env.conditions.settings.files_per_plan.clamp(1, MAX_BATCH)
    }

    fn batch(&self, id: FileId) -> Option<BatchId> {
        self.files.get(id)?.batch
    }

    /// Takes what the Lambda answered, if anything still waits for it.
    pub(super) fn on_call_answered(&mut self, id: CallId, answer: Result<HttpAnswer, TransportFailure>) {
        if let Some(call) = self.in_flight.take_call(id) {
            self.on_answer_to(id, call, answer);
        }
    }

    /// The Lambda answered a call, or it was lost.
    pub(super) fn on_answer_to(
        &mut self,
        id: CallId,
        call: Call,
        answer: Result<HttpAnswer, TransportFailure>,
    ) {
        let Call { purpose, bytes } = call;
        match purpose {
            CallPurpose::Plan(files) => {
                let entries = files.len();
                match read_plans(answer).and_then(|plans| expect_for(plans, &files)) {
                    Ok(plans) => self.on_plans(id, files, plans),
                    Err(recovery) => {
                        self.on_call_failed(id, files, (bytes, entries), recovery);
                    }
                }
            }
            CallPurpose::Sign(file, targets) => {
                let entries = targets.len();
                match read_signatures(answer).and_then(|response| expect_count(response, entries)) {
                    Ok(response) => self.on_signatures(id, file, targets, response),
                    Err(recovery) => {
                        self.on_call_failed(id, vec![file], (bytes, entries), recovery);
                    }
                }
            }
            CallPurpose::SignManifest(manifest) => match read_manifest(answer) {
                Ok(response) => self.on_manifest_signed(manifest, response),
                Err(recovery) => match self.on_call_failed(id, Vec::new(), (bytes, 1), recovery) {
                    Decision::Again => self.manifests.push(manifest),
                    Decision::GiveUp(_) => self.give_up_manifest(&manifest),
                },
            },
            CallPurpose::SignAbort(abort) => {
                match read_signatures(answer).and_then(|response| expect_count(response, 1)) {
                    Ok(response) => self.on_abort_signed(abort, response),
                    Err(recovery) => {
                        self.on_call_failed(id, Vec::new(), (bytes, 1), recovery);
                        let error = UploadError::new(ErrorKind::ApiUnreachable);
                        self.aborts.on_not_signed(abort, error, &mut self.env.conditions);
                    }
                }
            }
        }
    }

    fn on_plans(&mut self, id: CallId, files: Vec<FileId>, plans: Plans) {
        self.on_call_succeeded(plans.server_time);
        let save = self.in_flight.new_save_id();
        let mut unsaved = Vec::new();
        for (file, plan) in files.into_iter().zip(plans.files) {
            self.with_waiting(file, id, |upload| {
                if let Some(batch) = plans.batch {
                    upload.join_batch(batch);
                }
                if upload.on_planned(id, plan, save) {
                    unsaved.push(file);
                }
            });
        }
        if !unsaved.is_empty() {
            self.await_save(save, unsaved);
        }
    }

    /// Waits, for these files, until the records are written.
    pub(super) fn await_save(&mut self, save: SaveId, files: Vec<FileId>) {
        let report = self.in_flight.start_save(save, files, self.env.now());
        self.output.push(report);
    }

    /// Waits with aborts until the records no longer say that those uploads go on.
    pub(super) fn save_before_aborts(&mut self) {
        if self.aborts.has_outdated_record() {
            let save = self.in_flight.new_save_id();
            self.aborts.wait_for(save);
            self.await_save(save, Vec::new());
        }
    }

    /// What was to be kept is on the disk.
    pub(super) fn on_save_reported(&mut self, save: SaveId) {
        if let Some(files) = self.in_flight.take_save(save) {
            self.on_saved(save, files);
        }
    }

    /// What these files wait for is on the disk, or will not be.
    pub(super) fn on_saved(&mut self, save: SaveId, files: Vec<FileId>) {
        self.aborts.on_saved(save);
        self.manifests.on_saved(save);
        self.off_list.retain(|_, (awaited, _)| *awaited != save);
        for file in files {
            self.with_upload(file, |upload| upload.on_saved(save));
        }
    }

    fn on_signatures(&mut self, id: CallId, file: FileId, targets: Vec<SignTarget>, response: SignResponse) {
        self.on_call_succeeded(Some(response.server_time));
        for (target, outcome) in targets.into_iter().zip(response.requests) {
            self.with_waiting(file, id, |upload| upload.on_signed(id, target, outcome));
        }
    }

    fn on_abort_signed(&mut self, abort: Abort, response: SignResponse) {
        self.on_call_succeeded(Some(response.server_time));
        let error = match response.requests.into_iter().next() {
            Some(OperationOutcome::Signed(request)) if self.env.clock.is_fresh(&request, self.env.now()) => {
                self.aborts.on_signed(abort, request);
                return;
            }
            Some(OperationOutcome::Error(error)) => UploadError::from_api(error),
            Some(OperationOutcome::Signed(_)) | None => UploadError::new(ErrorKind::Expired),
        };
        self.aborts.on_not_signed(abort, error, &mut self.env.conditions);
    }

    /// Changes a file, if it is active and any of it waits for this call.
    fn with_waiting(&mut self, file: FileId, call: CallId, change: impl FnOnce(&mut UploadMut<'_>)) {
        if self.files.active(file).is_some_and(|work| work.is_signing(call)) {
            self.with_upload(file, change);
        }
    }

    pub(super) fn on_call_succeeded(&mut self, server_time: Option<u64>) {
        if self.env.api.last.is_some() {
            self.show_active();
        }
        self.env.api.reset();
        self.env.call_sizer.record_passed();
        if let Some(server_time) = server_time {
            self.env.clock.learn(server_time, self.env.now());
        }
    }

    /// Puts back the files that the call was for, to be asked for again, or marks them as failed if the API will never
    /// accept it. Returns which it is. `size` is how many bytes and entries the call had.
    fn on_call_failed(
        &mut self,
        id: CallId,
        files: Vec<FileId>,
        size: (usize, usize),
        recovery: Recovery,
    ) -> Decision {
        let (bytes, entries) = size;
        let is_smaller_tried =
            is_refused_unread(&recovery) && self.env.call_sizer.record_refused(bytes, entries);
        let decision = if is_smaller_tried {
            Decision::Again
        } else {
            self.decide_on_call(recovery)
        };
        for file in files {
            self.with_waiting(file, id, |upload| upload.on_call_failed(id, &decision));
        }
        if let Decision::GiveUp(_) = decision {
            self.env.api.reset();
        }
        self.show_active();
        decision
    }

    fn decide_on_call(&mut self, recovery: Recovery) -> Decision {
        // Whoever was let in before has a sign-in that ended, and goes on once it is renewed. A page by an upload link
        // starts nothing before it was let in.
        let was_let_in = self.env.server_seconds().is_some();
        let (api, conditions) = (&mut self.env.api, &mut self.env.conditions);
        match recovery {
            Recovery::Ambiguous(error) => api.record_no_answer(error, conditions),
            Recovery::Retry(error) | Recovery::Throttled(error) => api.record_failure(error, conditions),
            Recovery::Final(error)
                if error.kind.is_of_link() || error.kind == ErrorKind::NotSignedIn && was_let_in =>
            {
                api.record_wait(error, conditions)
            }
            other => Decision::GiveUp(other.into_error()),
        }
    }

    /// Cancels every call, as nobody's failure.
    pub(super) fn drop_calls(&mut self) {
        for (id, call) in self.in_flight.take_calls() {
            self.output.push(Command::CancelCall { call: id });
            let files = match call.purpose {
                CallPurpose::Plan(files) => files,
                CallPurpose::Sign(file, _) => vec![file],
                CallPurpose::SignAbort(abort) => {
                    self.aborts.put_back(abort);
                    continue;
                }
                CallPurpose::SignManifest(manifest) => {
                    self.manifests.push(manifest);
                    continue;
                }
            };
            for file in files {
                if let Some(work) = self.files.active_mut(file) {
                    work.unsign(id);
                }
            }
        }
    }
}

/// How many bytes of JSON a file's own texts have in a plan.
fn text_bytes(file: &File) -> usize {
    let description = &file.description;
    let json = |text: &str| serde_json::to_string(text).map_or(text.len(), |json| json.len());
    json(&description.name) + json(&description.media_type)
}

/// Whether something refused a call that is not the Lambda: a firewall or API Gateway, perhaps because of its size.
fn is_refused_unread(recovery: &Recovery) -> bool {
    match recovery {
        Recovery::TooLarge(_) | Recovery::Refused(_) => true,
        Recovery::Final(error) => error.kind == ErrorKind::ApiRefused && error.api.is_none(),
        _ => false,
    }
}

fn expect_for(plans: Plans, files: &[FileId]) -> Result<Plans, Recovery> {
    if are_for(&plans.files, files) {
        Ok(plans)
    } else {
        Err(unexpected())
    }
}

fn expect_count(response: SignResponse, count: usize) -> Result<SignResponse, Recovery> {
    if response.requests.len() == count {
        Ok(response)
    } else {
        Err(unexpected())
    }
}

fn unexpected() -> Recovery {
    Recovery::Final(UploadError::new(ErrorKind::ApiUnexpectedAnswer))
}
