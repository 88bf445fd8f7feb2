//! Who is next: admits files and gives each the step that it needs, within the budget.
//!
//! Only the admitted files are looked at. Their number is bounded by the windows below, so that what
//! an event costs does not depend on how many files wait in the queues.

use std::cmp::Ordering;

use wire::MAX_BATCH;

use crate::{
    Command, Engine, FileId, Ticket,
    endpoints::Endpoint,
    file::{File, State, Work},
    multipart::{Errand, Finish, Multipart, Parts},
    planted::{Bug, planted},
    s3_xml,
    transfer::{Stage, Transfer},
};

/// Small files that may be hashed ahead of being sent: as many as one call plans.
const SMALL_FILES_AHEAD: usize = MAX_BATCH;

/// Bytes of small files that may be hashed ahead, so that a signature is not old when it is used.
const SMALL_BYTES_AHEAD: u64 = 96 * 1024 * 1024;

/// Files of at most so many bytes are read together: what a browser takes to read such a file is far more than
/// its bytes cost.
pub const READ_TOGETHER_BYTES: u64 = 256 * 1024;

/// So many of them take the place of one part among those that are hashed at once.
pub const READ_TOGETHER_FILES: usize = 32;

/// Large files with parts still to begin, or to be sent whole. More than one, so that the next can be created while the
/// last parts of one are on their way.
const LARGE_FILES_AHEAD: usize = 4;

/// Bytes that may be in memory for being hashed, unless a single part is larger.
const MOST_HASHING_BYTES: u64 = 64 * 1024 * 1024;

/// Large files under way at all. Many that only wait for their Complete would make every event cost
/// more.
const MOST_LARGE_FILES: usize = 24;

/// Small and large files share the budget, so that neither waits for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Small,
    Large,
}

/// Whose turn it is, while both classes wait: that of the class with less under way, and in a tie
/// that of the class that did not have the last one. With a budget of one request they alternate.
#[derive(Debug)]
pub(crate) struct Turns {
    last: Class,
}

impl Turns {
    pub(crate) const fn new() -> Self {
        Self { last: Class::Large }
    }

    fn order(&self, small: usize, large: usize) -> [Class; 2] {
        let small_first = match small.cmp(&large) {
            Ordering::Less => true,
            Ordering::Equal => self.last == Class::Large,
            Ordering::Greater => false,
        };
        if small_first {
            [Class::Small, Class::Large]
        } else {
            [Class::Large, Class::Small]
        }
    }
}

impl Engine {
    /// Gives everything that can go on its next step.
    pub(crate) fn schedule(&mut self, commands: &mut Vec<Command>) {
        self.admit_small(commands);
        self.admit_large(commands);
        self.begin_parts(commands);
        self.begin_listings();
        self.begin_hashes(commands);
        self.begin_checks(commands);
        self.leave_unreachable_endpoint(commands);
        self.begin_requests(commands);
        self.begin_calls(commands);
    }

    pub(crate) fn active_transfers(&self) -> impl Iterator<Item = &Transfer> {
        self.active_work().flat_map(|(_, work)| work.transfers())
    }

    pub(crate) fn active_work(&self) -> impl Iterator<Item = (FileId, &Work)> {
        self.active
            .iter()
            .filter_map(|id| Some((*id, self.files.get(*id)?.active()?)))
    }

    fn admit(&mut self, id: FileId, commands: &mut Vec<Command>) {
        self.active.push(id);
        self.change_state(id, commands, |state| match state {
            State::Queued(work) => State::Active(work),
            other => other,
        });
    }

    fn admit_small(&mut self, commands: &mut Vec<Command>) {
        let (mut files, mut bytes) = self
            .active_work()
            .filter_map(|(_, work)| match work {
                Work::Single { transfer, .. } if !transfer.is_sending() && !transfer.is_large() => {
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
            let Some(id) = self.waiting_small.pop_first() else {
                return;
            };
            self.admit(id, commands);
            files += 1;
            bytes += self.files.get(id).map_or(0, File::size);
        }
    }

    fn admit_large(&mut self, commands: &mut Vec<Command>) {
        let large = self.active_work().filter_map(|(_, work)| match work {
            Work::Single { transfer, .. } => transfer.is_large().then_some(!transfer.is_sending()),
            Work::Multipart(work) => Some(work.parts().is_none_or(Parts::has_more_to_begin)),
        });
        let (mut files, mut ahead) = large.fold((0, 0), |(files, ahead), has_more| {
            (files + 1, ahead + usize::from(has_more))
        });
        while ahead < LARGE_FILES_AHEAD && files < MOST_LARGE_FILES {
            let Some(id) = self.waiting_large.pop_first() else {
                return;
            };
            self.choose_way(id);
            self.admit(id, commands);
            files += 1;
            ahead += 1;
        }
    }

    /// A file of which nothing is done yet goes up as one request where the network is fast enough: a multipart
    /// upload of it would be several times as many requests.
    fn choose_way(&mut self, id: FileId) {
        let Some(file) = self.files.get_mut(id) else {
            return;
        };
        let size = file.size();
        if let Some(work) = file.work_mut()
            && work.is_untouched()
            && self.pace.carries_whole(size)
        {
            *work = Work::single(size);
        }
    }

    /// Begins parts up to two windows ahead of those on their way: one signed, one being hashed.
    fn begin_parts(&mut self, commands: &mut Vec<Command>) {
        let window = self.budget.limit() * 2;
        let ahead = |transfer: &&Transfer| transfer.part.is_some() && !transfer.is_sending();
        let mut free = window.saturating_sub(self.active_transfers().filter(ahead).count());
        for index in 0..self.active.len() {
            let id = self.active[index];
            let Some(parts) = self.files.active_mut(id).and_then(Work::parts_mut) else {
                continue;
            };
            while free > 0 {
                if parts.resize(self.pace.part_size(parts.layout.planned())) {
                    commands.push(Command::Save(id));
                }
                if !parts.begin_next() {
                    break;
                }
                free -= 1;
                commands.push(Command::Changed(id));
            }
        }
    }

    /// Asks S3 for its parts where the answer to one was lost.
    fn begin_listings(&mut self) {
        for index in 0..self.active.len() {
            let parts = self
                .files
                .active_mut(self.active[index])
                .and_then(Work::parts_mut);
            if let Some(parts) = parts {
                parts.ask_for_lost_parts();
            }
        }
    }

    fn begin_hashes(&mut self, commands: &mut Vec<Command>) {
        loop {
            let (mut alone, mut together, mut bytes) = (0, 0, 0);
            for transfer in self.active_transfers().filter(|transfer| transfer.is_hashing()) {
                if transfer.is_read_together() {
                    together += 1;
                } else {
                    alone += 1;
                }
                bytes += transfer.size();
            }
            let room = MOST_HASHING_BYTES.saturating_sub(bytes);
            let places = alone + together / READ_TOGETHER_FILES;
            let is_full = places >= self.conditions.settings.parallel_hashes.max(1);
            if is_full && !planted(Bug::HashingUnbounded) {
                return;
            }
            let Some((id, index)) = self.next_to_hash(alone + together == 0, room) else {
                return;
            };
            self.begin_hash(id, index, commands);
        }
    }

    /// How many transfers of small files, and how many of large ones, are in this state.
    fn count_by_class(&self, state: fn(&Transfer) -> bool) -> [usize; 2] {
        let count = |class| {
            let transfers = self.active_transfers();
            transfers
                .filter(|transfer| state(transfer) && class_of(transfer) == class)
                .count()
        };
        [count(Class::Small), count(Class::Large)]
    }

    /// The next range to hash: of the class whose turn it is, in the order of admission.
    fn next_to_hash(&self, nothing_hashes: bool, room: u64) -> Option<(FileId, usize)> {
        let now = self.conditions.now;
        let first = |class| {
            self.active_work().find_map(|(id, work)| {
                let index = work.transfers().iter().position(|transfer| {
                    class_of(transfer) == class
                        && matches!(transfer.stage, Stage::Unhashed(_))
                        && transfer.attempts.not_before <= now
                        && (nothing_hashes || transfer.size() <= room)
                })?;
                Some((id, index))
            })
        };
        let [small, large] = self.count_by_class(Transfer::is_hashing);
        let order = self.hash_turns.order(small, large);
        order.into_iter().find_map(first)
    }

    fn begin_hash(&mut self, id: FileId, index: usize, commands: &mut Vec<Command>) {
        let ticket = self.ticket(id);
        let Some(work) = self.files.active_mut(id) else {
            return;
        };
        let transfer = &mut work.transfers_mut()[index];
        if let Stage::Unhashed(earlier) = &mut transfer.stage {
            let earlier = earlier.take();
            transfer.stage = Stage::Hashing {
                attempt: ticket.attempt,
                earlier,
            };
            let (range, class) = (transfer.range.clone(), class_of(transfer));
            self.hash_turns.last = class;
            commands.push(Command::Hash { ticket, range });
            commands.push(Command::Changed(id));
        }
    }

    /// Reads a file once more when its last part is stored, before any object is made of it.
    fn begin_checks(&mut self, commands: &mut Vec<Command>) {
        for index in 0..self.active.len() {
            let id = self.active[index];
            let is_ready = self
                .files
                .get(id)
                .and_then(File::active)
                .and_then(Work::parts)
                .is_some_and(Parts::is_ready_to_finish);
            if is_ready {
                let ticket = self.ticket(id);
                if let Some(parts) = self.files.active_mut(id).and_then(Work::parts_mut) {
                    if planted(Bug::NoCheck) {
                        parts.finish = Finish::Completing(Errand::Unsigned);
                        return;
                    }
                    parts.finish = Finish::Checking {
                        attempt: ticket.attempt,
                    };
                    commands.push(Command::Check { ticket });
                    commands.push(Command::Changed(id));
                }
            }
        }
    }

    /// Has what was signed for an address that cannot be reached signed for the other one.
    fn leave_unreachable_endpoint(&mut self, commands: &mut Vec<Command>) {
        if !self.endpoints.is_second_unreachable() {
            return;
        }
        for index in 0..self.active.len() {
            let id = self.active[index];
            let Some(work) = self.files.active_mut(id) else {
                continue;
            };
            for transfer in work.transfers_mut() {
                if self.endpoints.gives_up(transfer)
                    && let Stage::Signed { digest, .. } = transfer.stage
                {
                    transfer.stage = Stage::Hashed(digest);
                    commands.push(Command::Changed(id));
                }
            }
        }
    }

    fn begin_requests(&mut self, commands: &mut Vec<Command>) {
        if !self.conditions.online {
            return;
        }
        let files = &self.files;
        self.detached.retain(|id| {
            let file = files.get(*id);
            file.is_some_and(|file| {
                file.active().is_none() && file.work().is_some_and(|work| work.requests_in_flight() > 0)
            })
        });
        // A request whose time is over takes no place: it goes back to be signed again.
        while let Some(has_place) = self.places_left() {
            let begun = has_place[Endpoint::First as usize]
                && (self.begin_errand(commands) || self.begin_abort(commands))
                || self.begin_put(has_place, commands);
            if !begun || planted(Bug::StaleTakesPlace) {
                return;
            }
        }
    }

    /// Requests that S3 is answering.
    pub(crate) fn requests_in_flight(&self) -> usize {
        let files: usize = self.working().map(|(_, work)| work.requests_in_flight()).sum();
        files + self.cleanups.requests_in_flight()
    }

    /// Whether each of the bucket's addresses takes another request; nothing where the budget is used up. All but
    /// transfers go to the first.
    fn places_left(&self) -> Option<[bool; 2]> {
        let under_way = self.requests_in_flight();
        let is_ignored = planted(Bug::BudgetIgnored);
        if under_way >= self.budget.limit() && !is_ignored {
            return None;
        }
        let transfers = self.working().flat_map(|(_, work)| work.transfers());
        let second = transfers
            .filter(|transfer| transfer.is_sending() && transfer.endpoint == Endpoint::Second)
            .count();
        let most = self.conditions.settings.parallel_requests.max(1);
        let has_place = |endpoint, under_way| under_way < self.endpoints.places(endpoint, most);
        Some([
            has_place(Endpoint::First, under_way - second) || is_ignored,
            has_place(Endpoint::Second, second),
        ])
    }

    /// Every file that may have a request under way.
    pub(crate) fn working(&self) -> impl Iterator<Item = (FileId, &Work)> {
        let detached = self.detached.iter().filter_map(|id| {
            let file = self.files.get(*id).filter(|file| file.active().is_none())?;
            Some((*id, file.work()?))
        });
        self.active_work().chain(detached)
    }

    /// Begins a Complete, a ListParts or a Create.
    fn begin_errand(&mut self, commands: &mut Vec<Command>) -> bool {
        let candidates: [fn(&Work) -> bool; 3] = [completes, lists, creates];
        for is_candidate in candidates {
            let now = self.conditions.now;
            let found = self.active_work().find(|(_, work)| match work {
                Work::Multipart(multipart) => multipart.attempts.not_before <= now && is_candidate(work),
                Work::Single { .. } => false,
            });
            if let Some((id, _)) = found {
                self.send_errand(id, commands);
                return true;
            }
        }
        false
    }

    fn send_errand(&mut self, id: FileId, commands: &mut Vec<Command>) {
        let (now, clock) = (self.conditions.now, self.clock);
        let ticket = self.ticket(id);
        let Some(Work::Multipart(work)) = self.files.active_mut(id) else {
            return;
        };
        let send = match &mut work.stage {
            Multipart::Planned { create, .. } if !clock.is_fresh(create, now) => {
                work.stage = Multipart::Unplanned;
                None
            }
            stage @ Multipart::Planned { .. } => begin_create(stage, ticket, now),
            Multipart::Uploading(parts) => {
                let body = match parts.finish {
                    Finish::Completing(_) => s3_xml::complete_multipart_upload_body(parts.completed()),
                    _ => String::new(),
                };
                let errand = match (&mut parts.finish, &mut parts.listing) {
                    (Finish::Completing(errand), _) => Some(errand),
                    (_, Some(listing)) => Some(&mut listing.errand),
                    _ => None,
                };
                errand
                    .and_then(|errand| errand.begin(ticket, &clock, now))
                    .map(|request| (request, body))
            }
            _ => None,
        };
        if let Some((request, body)) = send {
            commands.push(Command::Send {
                ticket,
                request,
                body,
            });
        }
        commands.push(Command::Changed(id));
    }

    fn begin_abort(&mut self, commands: &mut Vec<Command>) -> bool {
        let (now, clock) = (self.conditions.now, self.clock);
        let ready = self
            .cleanups
            .aborts
            .iter()
            .position(|cleanup| matches!(cleanup.errand, Errand::Signed(_)));
        let Some(index) = ready else { return false };
        let ticket = self.ticket(self.cleanups.aborts[index].file);
        let errand = &mut self.cleanups.aborts[index].errand;
        if let Some(request) = errand.begin(ticket, &clock, now) {
            let body = String::new();
            commands.push(Command::Send {
                ticket,
                request,
                body,
            });
        }
        true
    }

    /// Sends the next small file or part. While both wait, each class gets half of the budget.
    fn begin_put(&mut self, has_place: [bool; 2], commands: &mut Vec<Command>) -> bool {
        let now = self.conditions.now;
        let first = |class| {
            self.active_work().find_map(|(id, work)| {
                let index = work.transfers().iter().position(|transfer| {
                    class_of(transfer) == class
                        && matches!(transfer.stage, Stage::Signed { .. })
                        && transfer.attempts.not_before <= now
                        && has_place[transfer.endpoint as usize]
                })?;
                Some((id, index))
            })
        };
        let [small, large] = self.count_by_class(Transfer::is_sending);
        let order = self.put_turns.order(small, large);
        let Some((id, index)) = order.into_iter().find_map(first) else {
            return false;
        };
        self.send_put(id, index, commands);
        true
    }

    fn send_put(&mut self, id: FileId, index: usize, commands: &mut Vec<Command>) {
        let (now, clock) = (self.conditions.now, self.clock);
        let ticket = self.ticket(id);
        let Some(work) = self.files.active_mut(id) else {
            return;
        };
        let transfer = &mut work.transfers_mut()[index];
        let Stage::Signed { digest, request } = &transfer.stage else {
            return;
        };
        if clock.is_fresh(request, now) {
            let (digest, request) = (*digest, request.clone());
            transfer.stage = Stage::Sending {
                attempt: ticket.attempt,
                digest,
                request: request.clone(),
                began: now,
                sent: 0,
                moved_at: now,
            };
            let (range, class) = (transfer.range.clone(), class_of(transfer));
            self.put_turns.last = class;
            commands.push(Command::Put {
                ticket,
                request,
                range,
            });
        } else {
            transfer.stage = Stage::Hashed(*digest);
        }
        commands.push(Command::Changed(id));
    }
}

const fn class_of(transfer: &Transfer) -> Class {
    if transfer.is_large() {
        Class::Large
    } else {
        Class::Small
    }
}

fn completes(work: &Work) -> bool {
    work.parts()
        .is_some_and(|parts| matches!(parts.finish, Finish::Completing(Errand::Signed(_))))
}

fn lists(work: &Work) -> bool {
    let listing = work.parts().and_then(|parts| parts.listing.as_ref());
    listing.is_some_and(|listing| matches!(listing.errand, Errand::Signed(_)))
}

const fn creates(work: &Work) -> bool {
    matches!(work, Work::Multipart(work) if matches!(work.stage, Multipart::Planned { .. }))
}

fn begin_create(
    stage: &mut Multipart,
    ticket: Ticket,
    now: std::time::Duration,
) -> Option<(wire::SignedRequest, String)> {
    let Multipart::Planned {
        key,
        part_size,
        create,
    } = std::mem::replace(stage, Multipart::Unplanned)
    else {
        return None;
    };
    let request = create.clone();
    *stage = Multipart::Creating {
        key,
        part_size,
        create,
        attempt: ticket.attempt,
        since: now,
    };
    Some((request, String::new()))
}
