//! The simulated world: it carries the engine's commands out as the page would, and plays the events
//! that the seed decided on, in the order of their times.

mod calls;
mod events;
mod manifests;
mod reads;
mod requests;
pub(crate) mod sim_event;
mod tab;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use engine::{BodySource, CallId, Command, Engine, Event, FileId, FileStatus, Selection};
use fastrand::Rng;

use crate::{
    checks::{checker::Checker, ground_truth::GroundTruth},
    models::{
        disk::DiskFile,
        in_transit::{Call, Payload, Request},
        lambda::Lambda,
        manifests::{Manifest, Noted},
        network::{Network, chance},
        records::Records,
        s3::S3,
    },
    scenario::{LONGEST_PATIENCE, Scenario},
    trace::{Trace, describe_event},
    violation::Violation,
    world::sim_event::SimEvent,
};

/// How long a world of few files may take to come to rest after its faults have stopped.
const TIME_LIMIT: Duration = Duration::from_secs(4 * 3600);

/// More events than any world needs: only an engine that loops reaches it.
const MAX_EVENTS: usize = 400_000;

/// The servers' clock at the start, in seconds since 1970.
const START_SECONDS: u64 = 1_800_000_000;

/// The world of one seed.
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
    pub(crate) cancelled_reads: BTreeSet<u64>,
    /// Keys that a request could already have made an object of.
    pub(crate) tried_keys: BTreeSet<String>,
    /// What is going to happen, by time and by the order in which it was scheduled.
    pub(crate) queue: BTreeMap<(Duration, u64), SimEvent>,
    sequence: u64,
    pub(crate) time: Duration,
    /// How much further than `time` the page's clock is.
    pub(crate) page_jump: Duration,
    /// How much further than `time` the servers' clock is.
    pub(crate) wall_jump: Duration,
    /// When something on the way has forwarded all that it has taken.
    pub(crate) forwarded_at: Duration,
    pub(crate) wake_at: Option<Duration>,
    pub(crate) tick_generation: u64,
    /// Whether the browser has reported to the page that there is no network.
    pub(crate) reported_offline: bool,
    /// What outlives the tab, and when the last write to it ends.
    pub(crate) records: Records,
    pub(crate) last_write: Duration,
    /// What the page has noted for manifests, and the manifests that it holds.
    pub(crate) noted: Noted,
    pub(crate) manifests: BTreeMap<FileId, Manifest>,
    /// The number of the tab's first manifest, from which they count down.
    pub(crate) first_manifest: u32,
    /// How many events the engine has received, and after which of them the tab crashes once more.
    pub(crate) events: usize,
    crash_after: Option<usize>,
    pub(crate) trace: &'a mut Trace,
}

impl<'a> World<'a> {
    pub(crate) fn new(seed: u64, crash_after: Option<usize>, trace: &'a mut Trace) -> Self {
        let mut random = Rng::with_seed(seed);
        let mut scenario = Scenario::new(&mut random);
        scenario.settings.manifests = seed.is_multiple_of(2);
        let mut world = Self {
            engine: Engine::new(scenario.settings.clone(), random.u64(..)),
            disk: Vec::new(),
            lambda: Lambda::new(scenario.url_seconds, scenario.part_size, scenario.service),
            s3: S3::new(scenario.parts_per_page, scenario.service),
            network: Network::new(&scenario),
            checker: Checker::new(&scenario),
            requests: BTreeMap::new(),
            calls: BTreeMap::new(),
            cancelled_reads: BTreeSet::new(),
            tried_keys: BTreeSet::new(),
            queue: BTreeMap::new(),
            sequence: 0,
            time: Duration::ZERO,
            page_jump: Duration::ZERO,
            wall_jump: Duration::ZERO,
            forwarded_at: Duration::ZERO,
            wake_at: None,
            tick_generation: 0,
            reported_offline: false,
            records: Records::new(),
            last_write: Duration::ZERO,
            noted: Noted::new(),
            manifests: BTreeMap::new(),
            first_manifest: u32::MAX,
            events: 0,
            crash_after,
            random,
            scenario,
            trace,
        };
        world.checker.faults.max_body = world.scenario.max_body;
        world.checker.faults.has_strangers = world.scenario.rates.foreign > 0.0;
        world.checker.faults.has_constant_parts = world.scenario.service.constant_parts;
        world.schedule_scenario();
        world
    }

    /// Plays the world to its end: first with faults, then until all is at rest, and then once more after
    /// the user has resumed and retried everything.
    pub(crate) fn run(&mut self) -> Result<(), Violation> {
        self.trace.line(Duration::ZERO, || self.scenario.describe());
        self.play()?;
        self.checker.check_rest(&self.disk)?;
        self.network.open();
        self.s3.finish_completing(u64::MAX);
        self.checker.blocked_endpoint.on_opened();
        self.deliver(Event::Resume(Selection::All))?;
        self.deliver(Event::Retry(Selection::All))?;
        self.play()?;
        self.checker.check_rest(&self.disk)?;
        self.s3.finish_completing(u64::MAX);
        self.checker.check_end(&self.ground_truth())
    }

    fn play(&mut self) -> Result<(), Violation> {
        let end = self.time.max(self.scenario.faults_end) + TIME_LIMIT + self.scenario.longest_refusals();
        for _ in 0..MAX_EVENTS {
            let Some(((time, _), event)) = self.queue.pop_first() else {
                return Ok(());
            };
            if time > end {
                return Err(Violation::NeverAtRest);
            }
            self.time = self.time.max(time);
            self.dispatch(event)?;
        }
        Err(Violation::EndlessLoop)
    }

    pub(crate) fn schedule_at(&mut self, time: Duration, event: SimEvent) {
        self.sequence += 1;
        self.queue.insert((time, self.sequence), event);
    }

    pub(crate) fn schedule_in(&mut self, delay: Duration, event: SimEvent) {
        self.schedule_at(self.time + delay, event);
    }

    /// The servers' clock, in seconds.
    pub(crate) const fn server_time(&self) -> u64 {
        START_SECONDS + (self.time.as_secs() + self.wall_jump.as_secs())
    }

    pub(crate) fn ground_truth(&self) -> GroundTruth<'_> {
        GroundTruth {
            lambda: &self.lambda,
            s3: &self.s3,
            disk: &self.disk,
            now: self.time + self.page_jump,
        }
    }

    /// Passes an event to the engine, checks its commands, and carries them out.
    pub(crate) fn deliver(&mut self, event: Event) -> Result<(), Violation> {
        self.trace.line(self.time, || describe_event(&event));
        self.checker.on_event(&event);
        let now = self.time + self.page_jump;
        self.engine.handle(event.clone(), now);
        let commands: Vec<Command> = self.engine.drain_commands().collect();
        self.trace.commands(self.time, &commands, &self.lambda);
        let truth = GroundTruth {
            lambda: &self.lambda,
            s3: &self.s3,
            disk: &self.disk,
            now,
        };
        self.checker
            .check_event(&event, &commands, &self.engine, &truth)?;
        if matches!(event, Event::Tick) {
            self.check_patience(&commands)?;
        }
        for command in commands {
            self.execute(command);
        }
        self.events += 1;
        if self.crash_after == Some(self.events) {
            self.schedule_at(self.time, SimEvent::TabCrash);
        }
        Ok(())
    }

    /// What something on the way has taken and forwards is waited for, up to the longest patience, unless its file has
    /// failed meanwhile: the API may have been asked in vain too often at this very time.
    fn check_patience(&self, commands: &[Command]) -> Result<(), Violation> {
        for command in commands {
            if let Command::Cancel { ticket } = command
                && let Some(request) = self.requests.get(&ticket.attempt)
                && request.is_being_forwarded()
                && !self.has_failed(ticket.file)
                && self.server_time() < request.started + LONGEST_PATIENCE.as_secs()
            {
                let (file, bytes) = (ticket.file, request.size());
                return Err(Violation::GivenUpTooSoon { file, bytes });
            }
        }
        Ok(())
    }

    fn has_failed(&self, id: FileId) -> bool {
        let status = self.engine.view(id).map(|view| view.status);
        matches!(status, Some(FileStatus::Failed(_)))
    }

    fn execute(&mut self, command: Command) {
        match command {
            Command::Hash { ticket, range } => self.start_hash(ticket, range),
            Command::Check { ticket } => self.start_check(ticket),
            Command::Call { call, route, body } => self.start_call(call, route, body),
            Command::Put {
                ticket,
                request,
                range,
                body,
            } => {
                let manifest = self.manifests.get(&ticket.file).cloned();
                let payload = manifest.map_or(Payload::Range(range), Payload::Manifest);
                self.start_request(ticket, &request, payload, body);
            }
            Command::Send {
                ticket,
                request,
                body,
            } => {
                self.start_request(ticket, &request, Payload::Text(body), BodySource::Bytes);
            }
            Command::Cancel { ticket } => self.cancel(ticket),
            Command::CancelCall { call } => self.cancel_call(call),
            Command::WakeAt(time) => {
                self.wake_at = Some(time);
                self.set_timer();
            }
            Command::Changed(id) => self.find_right_file(id),
            Command::Save(_) | Command::SavePart(..) | Command::Forget(_) | Command::ForgetBatch(_) => {
                self.start_write(&command);
            }
            Command::ReportSaved(save) => self.report_saved(save),
            Command::Reopen { ticket } => self.start_reopen(ticket),
            Command::Stored(id) => self.note_stored(id),
            Command::WriteManifest { manifest, batch } => self.write_manifest(manifest, batch),
            Command::Removed(id) => {
                self.manifests.remove(&id);
            }
            Command::ManifestStored { .. } => {}
        }
    }

    /// Sets the browser's timer for the wake-up asked for, on the page's clock as it is now.
    pub(crate) fn set_timer(&mut self) {
        let Some(wake_at) = self.wake_at else { return };
        self.tick_generation += 1;
        let due = wake_at.saturating_sub(self.page_jump).max(self.time);
        let is_delayed = chance(&mut self.random, self.network.rates.tick_delayed);
        let late = Duration::from_millis(if is_delayed {
            self.random.u64(0..60_000)
        } else {
            self.random.u64(0..5)
        });
        let generation = self.tick_generation;
        self.schedule_at(due + late, SimEvent::Tick { generation });
    }

    pub(crate) fn on_tick(&mut self, generation: u64) -> Result<(), Violation> {
        if generation != self.tick_generation {
            return Ok(());
        }
        self.wake_at = None;
        self.deliver(Event::Tick)
    }
}
