//! The simulated world: it carries the engine's commands out as the page would, and lets happen what
//! the seed wants to happen.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use engine::{
    ApiRoute, CallId, Command, Engine, Event, FileFailure, FileId, HttpAnswer, Ticket, TransportFailure,
};
use fastrand::Rng;
use wire::Sha256Digest;

use crate::{
    checker::{Checker, Facts},
    disk::DiskFile,
    happenings::give_key_back,
    lambda::{Grant, Lambda, Operation},
    network::{Fate, Network, chance},
    s3::S3,
    scenario::Scenario,
    tab::{Kept, Write},
    trace::{Trace, describe_command, describe_event},
};

/// How long a world of few files may take to come to its end, once its faults are over.
const PATIENCE: Duration = Duration::from_secs(4 * 3600);

/// More events than any world needs: an engine that goes round in circles reaches it.
const MOST_EVENTS: usize = 400_000;

/// The servers' clock at the beginning, in seconds since 1970.
const BEGINNING: u64 = 1_800_000_000;

/// How likely a page hears of two hashes at once.
const HASHED_TOGETHER: f64 = 0.3;

pub(crate) type Answer = Result<HttpAnswer, TransportFailure>;

/// Something that is going to happen.
#[derive(Debug)]
pub(crate) enum Happening {
    FilesPicked(usize),
    Hashed(Ticket, std::ops::Range<u64>),
    Checked(Ticket),
    Progress(Ticket, u64),
    RequestArrives(Ticket),
    RequestAnswered(Ticket, Answer),
    /// The same answer again.
    AnsweredAgain(Ticket, Answer),
    CallArrives(CallId),
    CallAnswered(CallId, Answer),
    CallAnsweredAgain(CallId, Answer),
    Tick {
        generation: u64,
    },
    NetworkGoes,
    NetworkComes,
    Sleep,
    UserActs,
    FileChanges,
    UploadIsDropped,
    TabDies,
    FileComesBack(FileId),
    Written(Write),
    FaultsEnd,
}

impl Happening {
    /// Whether it happens whatever becomes of the tab.
    const fn is_of_the_world(&self) -> bool {
        matches!(
            self,
            Self::FilesPicked(_)
                | Self::NetworkGoes
                | Self::NetworkComes
                | Self::Sleep
                | Self::UserActs
                | Self::FileChanges
                | Self::UploadIsDropped
                | Self::TabDies
                | Self::FaultsEnd
        )
    }
}

/// What a request to S3 carries.
#[derive(Clone, Debug)]
pub(crate) enum Payload {
    Range(std::ops::Range<u64>),
    Text(String),
}

/// A request to S3 on its way.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) ticket: Ticket,
    pub(crate) grant: Grant,
    pub(crate) payload: Payload,
    pub(crate) fate: Fate,
    /// When it started, in seconds of the servers' clock.
    pub(crate) started: u64,
    pub(crate) cancelled: bool,
    /// Whether its connection died while the machine slept.
    pub(crate) dead: bool,
    /// Whether it has reached S3, or got lost on its way.
    pub(crate) arrived: bool,
}

/// A call of the Lambda on its way.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) route: ApiRoute,
    pub(crate) body: String,
    pub(crate) fate: Fate,
    pub(crate) cancelled: bool,
    pub(crate) dead: bool,
}

/// Everything there is.
pub(crate) struct World<'a> {
    pub(crate) scenario: Scenario,
    pub(crate) random: Rng,
    pub(crate) engine: Engine,
    pub(crate) disk: Vec<DiskFile>,
    pub(crate) lambda: Lambda,
    pub(crate) s3: S3,
    pub(crate) network: Network,
    pub(crate) checker: Checker,
    pub(crate) requests: BTreeMap<u64, Request>,
    pub(crate) calls: BTreeMap<CallId, Call>,
    /// Hashes and checks that were cancelled.
    cancelled_reads: BTreeSet<u64>,
    /// Keys that a request could already have made an object of.
    pub(crate) tried_keys: BTreeSet<String>,
    /// Requests to the bucket's second address where it was blocked from the beginning.
    second_tries: u32,
    /// How often there was a reason to try it: at the beginning, for every other network or page, and after a try that
    /// was cut off.
    pub(crate) second_reasons: u32,
    agenda: BTreeMap<(Duration, u64), Happening>,
    entries: u64,
    pub(crate) time: Duration,
    /// How much further than `time` the page's clock is.
    pub(crate) page_jump: Duration,
    /// How much further than `time` the servers' clock is.
    pub(crate) wall_jump: Duration,
    wake_at: Option<Duration>,
    tick_generation: u64,
    /// Whether the browser told the page that it has no network.
    pub(crate) told_offline: bool,
    /// What outlives the tab, and when its last write ends.
    pub(crate) kept: Kept,
    pub(crate) last_write: Duration,
    /// How many events the engine was told, and after which of them the tab dies besides.
    pub(crate) events: usize,
    dies_after: Option<usize>,
    pub(crate) trace: &'a mut Trace,
}

impl<'a> World<'a> {
    pub(crate) fn new(seed: u64, dies_after: Option<usize>, trace: &'a mut Trace) -> Self {
        let mut random = Rng::with_seed(seed);
        let scenario = Scenario::new(&mut random);
        let mut world = Self {
            engine: Engine::new(scenario.settings.clone(), random.u64(..)),
            disk: Vec::new(),
            lambda: Lambda::new(scenario.url_seconds, scenario.part_size),
            s3: S3::new(scenario.parts_per_page),
            network: Network::new(scenario.rates.clone(), scenario.broken, scenario.second_blocked),
            checker: Checker::new(scenario.settings.clone()),
            requests: BTreeMap::new(),
            calls: BTreeMap::new(),
            cancelled_reads: BTreeSet::new(),
            tried_keys: BTreeSet::new(),
            second_tries: 0,
            second_reasons: 1,
            agenda: BTreeMap::new(),
            entries: 0,
            time: Duration::ZERO,
            page_jump: Duration::ZERO,
            wall_jump: Duration::ZERO,
            wake_at: None,
            tick_generation: 0,
            told_offline: false,
            kept: Kept::new(),
            last_write: Duration::ZERO,
            events: 0,
            dies_after,
            random,
            scenario,
            trace,
        };
        world.plan_happenings();
        world
    }

    /// Plays the world to its end: first with faults, then until all is at rest, and then once more
    /// after a person let everything go on that can.
    pub(crate) fn run(&mut self) -> Result<(), String> {
        self.trace.line(Duration::ZERO, || {
            let Scenario { settings, rates, broken, second_blocked, part_size, url_seconds, faults_end, .. } = &self.scenario;
            format!("{settings:?}\n{rates:?}\nbroken: {broken:?}, {second_blocked:?}, parts of {part_size} bytes, URLs for {url_seconds} s, faults until {faults_end:?}")
        });
        self.play()?;
        self.checker.check_rest(&self.disk)?;
        self.network.broken = None;
        self.network.second_blocked = None;
        self.deliver(Event::Resume(engine::Selection::All))?;
        self.deliver(Event::Retry(engine::Selection::All))?;
        self.play()?;
        self.checker.check_rest(&self.disk)?;
        self.checker.check_all_stored(&self.facts())?;
        self.checker.check_aborted(&self.facts())
    }

    fn play(&mut self) -> Result<(), String> {
        let end = self.time.max(self.scenario.faults_end) + PATIENCE + self.scenario.longest_refusals();
        for _ in 0..MOST_EVENTS {
            let Some(((time, _), happening)) = self.agenda.pop_first() else {
                return Ok(());
            };
            if time > end {
                return Err("the world does not come to rest in time".to_owned());
            }
            self.time = self.time.max(time);
            self.happens(happening)?;
        }
        Err("the engine goes round in circles".to_owned())
    }

    pub(crate) fn at(&mut self, time: Duration, happening: Happening) {
        self.entries += 1;
        self.agenda.insert((time, self.entries), happening);
    }

    pub(crate) fn after(&mut self, delay: Duration, happening: Happening) {
        self.at(self.time + delay, happening);
    }

    /// The servers' clock, in seconds.
    pub(crate) const fn server_time(&self) -> u64 {
        BEGINNING + (self.time.as_secs() + self.wall_jump.as_secs())
    }

    pub(crate) fn facts(&self) -> Facts<'_> {
        Facts {
            lambda: &self.lambda,
            s3: &self.s3,
            disk: &self.disk,
            now: self.time + self.page_jump,
        }
    }

    /// Tells the engine something, checks what it makes of it, and does what it asks.
    pub(crate) fn deliver(&mut self, event: Event) -> Result<(), String> {
        self.trace.line(self.time, || describe_event(&event));
        if matches!(event, Event::Online | Event::Woke) {
            self.second_reasons += 1;
        }
        self.checker.before(&event);
        let mut commands = Vec::new();
        let now = self.time + self.page_jump;
        self.engine.handle(event.clone(), now, &mut commands);
        for command in &commands {
            if let Some(text) = describe_command(command, &self.lambda) {
                self.trace.line(self.time, || text);
            }
        }
        let facts = Facts {
            lambda: &self.lambda,
            s3: &self.s3,
            disk: &self.disk,
            now,
        };
        self.checker.after(&event, &commands, &self.engine, &facts)?;
        for command in commands {
            self.execute(command);
        }
        self.check_second_tries()?;
        self.events += 1;
        if self.dies_after == Some(self.events) {
            self.at(self.time, Happening::TabDies);
        }
        Ok(())
    }

    fn execute(&mut self, command: Command) {
        match command {
            Command::Hash { ticket, range } => {
                let millis = 1 + (range.end - range.start) * self.random.u64(2..30) / (1024 * 1024);
                self.after(Duration::from_millis(millis), Happening::Hashed(ticket, range));
            }
            Command::Check { ticket } => {
                let millis = self.random.u64(1..20);
                self.after(Duration::from_millis(millis), Happening::Checked(ticket));
            }
            Command::Call { call, route, body } => self.start_call(call, route, body),
            Command::Put {
                ticket,
                request,
                range,
            } => {
                self.start_request(ticket, &request, Payload::Range(range));
            }
            Command::Send {
                ticket,
                request,
                body,
            } => {
                self.start_request(ticket, &request, Payload::Text(body));
            }
            Command::Cancel { ticket } => self.cancel(ticket),
            Command::CancelCall { call } => {
                if let Some(call) = self.calls.get_mut(&call) {
                    call.cancelled = true;
                }
            }
            Command::WakeAt(time) => {
                self.wake_at = Some(time);
                self.set_timer();
            }
            Command::Changed(id) => self.look_for_the_right_file(id),
            Command::Save(_) | Command::SavePart(..) | Command::Forget(_) => self.keep(&command),
            Command::Removed(_) => {}
        }
    }

    /// A tab that dies hears of nothing that it was waiting for.
    pub(crate) fn drop_what_the_tab_awaits(&mut self) {
        self.agenda.retain(|_, happening| happening.is_of_the_world());
        self.cancelled_reads.clear();
        self.wake_at = None;
        self.tick_generation += 1;
    }

    /// Sets the browser's timer for the wake-up asked for, on the page's clock as it is now.
    pub(crate) fn set_timer(&mut self) {
        let Some(wake_at) = self.wake_at else { return };
        self.tick_generation += 1;
        let due = wake_at.saturating_sub(self.page_jump).max(self.time);
        let held_up = chance(&mut self.random, self.network.rates.tick_held_up);
        let late = Duration::from_millis(if held_up {
            self.random.u64(0..60_000)
        } else {
            self.random.u64(0..5)
        });
        let generation = self.tick_generation;
        self.at(due + late, Happening::Tick { generation });
    }

    pub(crate) fn ticks(&mut self, generation: u64) -> Result<(), String> {
        if generation != self.tick_generation {
            return Ok(());
        }
        self.wake_at = None;
        self.deliver(Event::Tick)
    }

    fn cancel(&mut self, ticket: Ticket) {
        if let Some(request) = self.requests.get_mut(&ticket.attempt) {
            request.cancelled = true;
            // What is cut off tells nothing.
            self.second_reasons += u32::from(request.grant.at_second);
            give_key_back(request, &mut self.s3);
        } else {
            self.cancelled_reads.insert(ticket.attempt);
        }
    }

    /// Whether a hash or a check is still wanted, or its result comes nonetheless.
    fn read_is_heard(&mut self, ticket: Ticket) -> bool {
        !self.cancelled_reads.remove(&ticket.attempt) || chance(&mut self.random, self.network.rates.late)
    }

    pub(crate) fn hashed(&mut self, ticket: Ticket, range: std::ops::Range<u64>) -> Result<(), String> {
        let mut hashed = Vec::new();
        let mut next = Some((ticket, range));
        while let Some((ticket, range)) = next {
            if self.read_is_heard(ticket) {
                let result = self.read(ticket.file, range).map(|content| content.digest());
                hashed.push((ticket, result));
            }
            next = self.next_hashed_together(&hashed);
        }
        if hashed.is_empty() {
            return Ok(());
        }
        self.deliver(Event::Hashed(hashed))
    }

    /// What is hashed next, where the page hears of it together with these. Only files are hashed together, no
    /// parts of one.
    fn next_hashed_together(
        &mut self,
        hashed: &[(Ticket, Result<Sha256Digest, FileFailure>)],
    ) -> Option<(Ticket, std::ops::Range<u64>)> {
        let next = self.agenda.first_entry()?;
        let Happening::Hashed(ticket, range) = next.get() else {
            return None;
        };
        let (ticket, range) = (*ticket, range.clone());
        let is_another = hashed.iter().all(|(other, _)| other.file != ticket.file);
        let is_together = is_another && chance(&mut self.random, HASHED_TOGETHER);
        is_together.then(|| {
            next.remove();
            (ticket, range)
        })
    }

    pub(crate) fn checked(&mut self, ticket: Ticket) -> Result<(), String> {
        if !self.read_is_heard(ticket) {
            return Ok(());
        }
        let result = match self.disk.get(ticket.file.0 as usize) {
            Some(disk) => disk.check(),
            None => Err(FileFailure::Missing),
        };
        self.deliver(Event::Checked { ticket, result })
    }

    pub(crate) fn read(
        &self,
        file: FileId,
        range: std::ops::Range<u64>,
    ) -> Result<crate::disk::Content, FileFailure> {
        match self.disk.get(file.0 as usize) {
            Some(disk) => disk.read(file, range),
            None => Err(FileFailure::Missing),
        }
    }

    /// One request finds out that an address cannot be reached, and another one ten minutes later.
    fn check_second_tries(&self) -> Result<(), String> {
        const REST_SECONDS: u64 = 600;
        let was_never_open = self
            .scenario
            .second_blocked
            .is_some_and(|blocked| blocked.from.is_zero());
        let now = self.time + self.page_jump;
        let allowed = u64::from(self.second_reasons) + now.as_secs() / REST_SECONDS;
        if was_never_open && u64::from(self.second_tries) > allowed {
            let tries = self.second_tries;
            return Err(format!(
                "{tries} requests went to an address that never answers, not {allowed}"
            ));
        }
        Ok(())
    }

    fn start_call(&mut self, id: CallId, route: ApiRoute, body: String) {
        let fate = self.network.api_fate(&mut self.random);
        self.after(fate.sending, Happening::CallArrives(id));
        let call = Call {
            route,
            body,
            fate,
            cancelled: false,
            dead: false,
        };
        self.calls.insert(id, call);
    }

    fn start_request(&mut self, ticket: Ticket, request: &wire::SignedRequest, payload: Payload) {
        let Some(grant) = self.lambda.grant(request).cloned() else {
            return;
        };
        let makes_object = matches!(
            grant.operation,
            Operation::PutObject { .. } | Operation::CompleteMultipartUpload { .. }
        );
        let is_first = makes_object && self.tried_keys.insert(grant.key.clone());
        let mut fate = self.network.s3_fate(&mut self.random, &grant.operation, is_first);
        let blocked = self.network.blocks_second(self.time).filter(|_| grant.at_second);
        let is_blocked = blocked.is_some();
        if let Some(outcome) = blocked {
            fate.outcome = outcome;
            self.second_tries += 1;
        }
        if let Payload::Range(range) = &payload
            && !is_blocked
        {
            self.plan_progress(ticket, range.end - range.start, &fate);
        }
        self.after(fate.sending, Happening::RequestArrives(ticket));
        let request = Request {
            ticket,
            grant,
            payload,
            fate,
            started: self.server_time(),
            cancelled: false,
            dead: false,
            arrived: false,
        };
        self.requests.insert(ticket.attempt, request);
    }

    /// Bytes move in a few steps. Not every request tells of its last one before its answer comes,
    /// and a request that gets lost stops anywhere.
    fn plan_progress(&mut self, ticket: Ticket, size: u64, fate: &Fate) {
        let steps = self.random.u32(0..4);
        let is_lost = matches!(fate.outcome, crate::network::Outcome::Lost { .. });
        let reach = if is_lost { self.random.u64(0..=size) } else { size };
        for step in 1..=steps {
            let sent = reach / u64::from(steps) * u64::from(step);
            let sent = if step == steps { reach } else { sent };
            self.after(
                fate.sending * step / (steps + 1),
                Happening::Progress(ticket, sent),
            );
        }
    }
}
