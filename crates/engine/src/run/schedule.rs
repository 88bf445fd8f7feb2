//! Who is next: admits files and starts the next step of each, within the budget.
//!
//! Only the admitted files are looked at. Their number is bounded by the limits, so that what
//! an event costs does not depend on how many files wait in the queues.

use std::ops::Range;

use wire::{Endpoint, SignedRequest};

use crate::{
    BodySource, Command, Engine, FileId, Ticket,
    limits::{
        LARGE_FILES_AHEAD, MAX_BYTES_IN_MEMORY, MAX_LARGE_FILES, PARALLEL_REOPENS, READ_TOGETHER_FILES,
        SMALL_BYTES_AHEAD, SMALL_FILES_AHEAD, WINDOWS_AHEAD,
    },
    measure::{endpoints::PerEndpoint, env::Env, turns::Class},
    run::first_speed::may_be_whole,
    upload::{
        file::{File, State, Work},
        in_flight::{Hashing, Load, Slot},
        multipart::MultipartWork,
        parts::{Completion, Parts},
        transfer::{Stage, Transfer},
        upload_mut::UploadMut,
    },
};

impl Engine {
    /// Starts the next step of everything that can go on.
    pub(super) fn schedule(&mut self) {
        self.start_reopens();
        self.admit_small();
        self.admit_large();
        self.shrink_requests();
        self.start_parts();
        self.start_listings();
        self.start_hashes();
        self.start_checks();
        self.leave_unreachable_endpoint();
        self.write_manifests();
        self.start_requests();
        self.save_before_aborts();
        self.start_calls();
    }

    pub(super) fn active_transfers(&self) -> impl Iterator<Item = &Transfer> {
        self.active_work().flat_map(|(_, work)| work.transfers())
    }

    pub(super) fn active_work(&self) -> impl Iterator<Item = (FileId, &Work)> {
        self.roster
            .active
            .iter()
            .filter_map(|id| Some((*id, self.files.active(*id)?)))
    }

    /// The first transfer in the order of admission for which this holds, by its place in its file.
    fn find_transfer(&self, is_wanted: impl Fn(&Transfer) -> bool) -> Option<(FileId, usize)> {
        self.active_work()
            .find_map(|(id, work)| Some((id, work.transfers().iter().position(&is_wanted)?)))
    }

    /// Admits the next file of a class, if any waits.
    fn admit_next(&mut self, class: Class, prepare: impl FnOnce(&mut UploadMut<'_>)) -> Option<FileId> {
        let id = self.roster.admit_next(class)?;
        self.with_upload(id, |upload| {
            prepare(upload);
            upload.change_state(|state| match state {
                State::Queued(work) => State::Active(work),
                other => other,
            });
        });
        Some(id)
    }

    fn admit_small(&mut self) {
        let (mut files, mut bytes) = self
            .active_work()
            .filter_map(|(_, work)| match work {
                Work::Single { transfer } if !transfer.is_sending() && transfer.class() == Class::Small => {
                    Some(transfer.size())
                }
                _ => None,
            })
            .fold((0, 0), |(files, bytes), size| (files + 1, bytes + size));
        // With room for fewer, the reads and the calls that plan them would be for one or two files each.
        if files + READ_TOGETHER_FILES > SMALL_FILES_AHEAD {
            return;
        }
        while files < SMALL_FILES_AHEAD && bytes < SMALL_BYTES_AHEAD {
            let Some(id) = self.admit_next(Class::Small, |_| {}) else {
                return;
            };
            files += 1;
            bytes += self.files.get(id).map_or(0, File::size);
        }
    }

    fn admit_large(&mut self) {
        let large = self.active_work().filter_map(|(_, work)| match work {
            Work::Single { transfer } => (transfer.class() == Class::Large).then_some(!transfer.is_sending()),
            Work::Multipart(work) => Some(work.parts().is_none_or(Parts::has_more_to_start)),
        });
        let (mut files, mut ahead) = large.fold((0, 0), |(files, ahead), has_more| {
            (files + 1, ahead + usize::from(has_more))
        });
        while ahead < LARGE_FILES_AHEAD && files < MAX_LARGE_FILES && !self.is_speed_awaited() {
            if self.admit_next(Class::Large, choose_way).is_none() {
                return;
            }
            files += 1;
            ahead += 1;
        }
    }

    /// Makes smaller what is larger than requests may be.
    fn shrink_requests(&mut self) {
        let limit = self.env.sizer.limit();
        let beyond = self.active_work().filter(|(_, work)| work.exceeds(limit));
        let beyond: Vec<FileId> = beyond.map(|(id, _)| id).collect();
        for id in beyond {
            self.with_upload(id, |upload| upload.shrink());
        }
    }

    /// Starts parts up to two windows ahead of those on their way: one signed, one being hashed. Before a speed is known
    /// there are hardly more than those on their way, because what has started stays as small as it is. For the same reason
    /// no more start than can be hashed next.
    fn start_parts(&mut self) {
        let now = self.env.now();
        let to_hash = self.settings().parallel_hashes.max(1);
        let budget = self.env.budget.limit();
        let mut window = budget * WINDOWS_AHEAD;
        if !self.env.sizer.is_speed_known() {
            window = window.min(budget.saturating_sub(self.in_flight.s3_requests()) + to_hash);
        }
        let is_ahead = |transfer: &&Transfer| transfer.part.is_some() && !transfer.is_sending();
        let is_next = |transfer: &&Transfer| {
            is_ahead(transfer)
                && matches!(transfer.stage, Stage::Unhashed(_))
                && transfer.attempts.not_before <= now
        };
        let ahead = self.active_transfers().filter(is_ahead).count();
        let next = self.active_transfers().filter(is_next).count();
        let mut free = window.saturating_sub(ahead).min(to_hash.saturating_sub(next));
        for &id in &self.roster.active {
            let Some(parts) = self.files.active_mut(id).and_then(Work::parts_mut) else {
                continue;
            };
            while free > 0 {
                let planned = parts.layout.planned();
                let largest = self.env.share_of_memory().unwrap_or(u64::MAX).max(planned);
                if parts.resize(self.env.sizer.part_size(planned).min(largest)) {
                    self.output.push(Command::Save(id));
                }
                let was_compared = parts.resumption.is_over();
                let has_started = parts.start_next();
                if !was_compared && parts.resumption.is_over() {
                    self.output.push(Command::Save(id));
                }
                if !has_started {
                    break;
                }
                free -= 1;
                self.output.changed(id);
            }
        }
    }

    /// Asks S3 for its parts if the answer to one was lost.
    fn start_listings(&mut self) {
        for &id in &self.roster.active {
            if let Some(parts) = self.files.active_mut(id).and_then(Work::parts_mut) {
                parts.ask_for_lost_parts();
            }
        }
    }

    fn start_hashes(&mut self) {
        loop {
            let hashing = self.in_flight.hashing();
            let is_full = hashing.places() >= self.settings().parallel_hashes.max(1);
            if is_full {
                return;
            }
            let Some((id, index)) = self.next_to_hash(hashing) else {
                return;
            };
            self.start_hash(id, index);
        }
    }

    /// The next range to hash: of the class whose turn it is, in the order of admission.
    fn next_to_hash(&self, hashing: Hashing) -> Option<(FileId, usize)> {
        let now = self.env.now();
        let in_memory = hashing.bytes + self.in_flight.bodies_in_memory();
        let room = MAX_BYTES_IN_MEMORY.saturating_sub(in_memory);
        let first = |class| {
            self.find_transfer(|transfer| {
                transfer.class() == class
                    && matches!(transfer.stage, Stage::Unhashed(_))
                    && transfer.attempts.not_before <= now
                    && (hashing.is_none() || transfer.size() <= room)
            })
        };
        self.hash_turns.order(hashing.count).into_iter().find_map(first)
    }

    fn start_hash(&mut self, id: FileId, index: usize) {
        let Some(work) = self.files.active_mut(id) else {
            return;
        };
        let transfer = &mut work.transfers_mut()[index];
        if transfer.start_hash() {
            let (range, load) = (transfer.range.clone(), Load::of(transfer));
            self.hash_turns.record_start(transfer.class());
            let ticket = self.in_flight.start(id, Slot::Hash(load), self.env.now());
            self.output.push(Command::Hash { ticket, range });
            self.output.changed(id);
        }
    }

    /// Takes files anew that could not be read.
    fn start_reopens(&mut self) {
        while self.in_flight.reopens() < PARALLEL_REOPENS {
            let Some(id) = self.roster.take_unreadable(self.env.now()) else {
                return;
            };
            self.with_upload(id, |upload| upload.reopen());
        }
    }

    /// Reads a file once more when its last part is stored, before any object is made of it.
    fn start_checks(&mut self) {
        for &id in &self.roster.active {
            let parts = self.files.active_mut(id).and_then(Work::parts_mut);
            let Some(parts) = parts.filter(|parts| parts.is_ready_to_complete()) else {
                continue;
            };
            parts.completion = Completion::Checking;
            let ticket = self.in_flight.start(id, Slot::Check, self.env.now());
            self.output.push(Command::Check { ticket });
            self.output.changed(id);
        }
    }

    /// Has what was signed for an endpoint that cannot be reached signed for the other one.
    fn leave_unreachable_endpoint(&mut self) {
        if !self.env.endpoints.is_any_to_be_left() {
            return;
        }
        for &id in &self.roster.active {
            let Some(work) = self.files.active_mut(id) else {
                continue;
            };
            if let Work::Multipart(work) = work
                && work.leave_endpoint(&self.env.endpoints)
            {
                self.output.changed(id);
            }
            for transfer in work.transfers_mut() {
                if transfer.must_leave_endpoint(&self.env.endpoints) {
                    transfer.unsign();
                    self.output.changed(id);
                }
            }
        }
    }

    fn start_requests(&mut self) {
        if !self.env.conditions.online {
            return;
        }
        // A request whose time is over takes no place: it goes back to be signed again.
        while let Some(has_capacity) = self.free_capacity() {
            let started = self.start_control_request(has_capacity)
                || self.start_abort(has_capacity)
                || self.start_manifest(has_capacity)
                || self.start_put(has_capacity);
            if !started {
                return;
            }
        }
    }

    /// Whether each of the bucket's endpoints takes another request; `None` if the budget is used up.
    fn free_capacity(&self) -> Option<PerEndpoint<bool>> {
        let in_flight = self.in_flight.s3_requests();
        if in_flight >= self.env.budget.limit() {
            return None;
        }
        let second = self.in_flight.s3_requests_to(Endpoint::Second);
        let most = self.settings().parallel_requests.max(1);
        let has_capacity = |endpoint, in_flight| in_flight < self.env.endpoints.capacity(endpoint, most);
        Some(PerEndpoint {
            first: has_capacity(Endpoint::First, in_flight - second),
            second: has_capacity(Endpoint::Second, second),
        })
    }

    /// Starts a Complete, a ListParts or a Create.
    fn start_control_request(&mut self, has_capacity: PerEndpoint<bool>) -> bool {
        let now = self.env.now();
        let candidates = [
            MultipartWork::completes_at,
            MultipartWork::lists_at,
            MultipartWork::creates_at,
        ];
        let first = |endpoint_of: fn(&MultipartWork) -> Option<Endpoint>| {
            self.active_work().find_map(|(id, work)| match work {
                Work::Multipart(work) if work.attempts.not_before <= now => endpoint_of(work)
                    .filter(|endpoint| has_capacity[*endpoint])
                    .map(|_| id),
                _ => None,
            })
        };
        let Some(id) = candidates.into_iter().find_map(first) else {
            return false;
        };
        let work = self.files.active_mut(id).and_then(Work::multipart_mut);
        if let Some((slot, request, body)) =
            work.and_then(|work| work.start_control_request(&self.env.clock, now))
        {
            self.send(id, slot, request, body);
        }
        self.output.changed(id);
        true
    }

    fn start_abort(&mut self, has_capacity: PerEndpoint<bool>) -> bool {
        let Env { clock, endpoints, .. } = &self.env;
        let next = self
            .aborts
            .take_signed(clock, endpoints, has_capacity, self.env.now());
        let Some((abort, endpoint, request)) = next else {
            return false;
        };
        self.send(abort.file, Slot::Abort(abort), (endpoint, request), String::new());
        true
    }

    fn send(&mut self, id: FileId, slot: Slot, (endpoint, request): (Endpoint, SignedRequest), body: String) {
        let ticket = self.start_request(id, slot, (endpoint, &request));
        self.output.push(Command::Send {
            ticket,
            request,
            body,
        });
    }

    /// Sends the next small file or part. While both wait, each class gets half of the budget.
    fn start_put(&mut self, has_capacity: PerEndpoint<bool>) -> bool {
        let now = self.env.now();
        let room = self.room_for_body();
        let first = |class| {
            self.find_transfer(|transfer| {
                transfer.class() == class
                    && matches!(transfer.stage, Stage::Signed { .. })
                    && transfer.attempts.not_before <= now
                    && has_capacity[transfer.endpoint]
                    && transfer.size() <= room
            })
        };
        let order = self.put_turns.order(self.in_flight.puts());
        let Some((id, index)) = order.into_iter().find_map(first) else {
            return false;
        };
        self.send_put(id, index);
        true
    }

    /// How large the next body may be, so that those in memory are bounded. One is always let through.
    pub(super) fn room_for_body(&self) -> u64 {
        let bodies = self.in_flight.bodies_in_memory();
        match self.env.bodies.next() {
            BodySource::Bytes if bodies > 0 => {
                MAX_BYTES_IN_MEMORY.saturating_sub(bodies + self.in_flight.hashing().bytes)
            }
            BodySource::Bytes | BodySource::Slice => u64::MAX,
        }
    }

    fn send_put(&mut self, id: FileId, index: usize) {
        let now = self.env.now();
        let Some(work) = self.files.active_mut(id) else {
            return;
        };
        let transfer = &mut work.transfers_mut()[index];
        if let Some(request) = transfer.start_put(&self.env.clock, now) {
            let (range, load) = (transfer.range.clone(), Load::of(transfer));
            self.put_turns.record_start(transfer.class());
            let (endpoint, is_whole) = (transfer.endpoint, transfer.part.is_none());
            let body = self.env.bodies.next();
            let put = Slot::Put { load, body };
            if self.in_flight.bytes_in_flight() == 0 {
                self.totals.answered.mark_idle();
            }
            self.totals.answered.record(0, now);
            if let Some(file) = self.files.get_mut(id).filter(|_| is_whole) {
                file.is_object_sent = true;
            }
            self.send_body(id, put, (endpoint, request), range, body);
        }
        self.output.changed(id);
    }

    fn start_request(
        &mut self,
        id: FileId,
        slot: Slot,
        (endpoint, request): (Endpoint, &SignedRequest),
    ) -> Ticket {
        self.env.endpoints.learn_host(endpoint, &request.url);
        let is_conditional = request.headers.contains_key(wire::IF_NONE_MATCH);
        let now = self.env.now();
        self.in_flight
            .start_request(endpoint, is_conditional, id, slot, now)
    }

    /// Sends a body, whose answer may take as long as all bodies in flight together want.
    pub(super) fn send_body(
        &mut self,
        id: FileId,
        slot: Slot,
        (endpoint, request): (Endpoint, SignedRequest),
        range: Range<u64>,
        body: BodySource,
    ) {
        let ticket = self.start_request(id, slot, (endpoint, &request));
        self.allow_answers();
        self.output.push(Command::Put {
            ticket,
            request,
            range,
            body,
        });
    }
}

/// Chooses between one request and a multipart upload.
fn choose_way(upload: &mut UploadMut<'_>) {
    let size = upload.file.size();
    if may_be_whole(upload.file, upload.env)
        && upload.env.sizer.fits_single_put(size)
        && let Some(work) = upload.file.work_mut()
    {
        *work = Work::single(size);
    }
}
