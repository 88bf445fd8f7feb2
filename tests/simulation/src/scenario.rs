//! What a seed decides before anything happens: the files, the settings, and which faults there are.

use std::time::Duration;

use engine::{FileDescription, Settings};
use fastrand::Rng;
use wire::{Endpoint, SINGLE_PUT_MAX_BYTES, SMALL_FILE_MAX_BYTES};

use crate::models::{disk::Noticing, lambda::REFUSED_TYPE};

const MIB: u64 = 1024 * 1024;

/// The longest that the engine waits for the answer to a body that is out.
pub(crate) const LONGEST_PATIENCE: Duration = Duration::from_secs(600);

/// The probability of each fault for one request. Half of them are off in any one world, so that the
/// others are seen without their noise (swarm testing, Groce et al., ISSTA 2012).
#[derive(Clone, Debug, Default)]
pub(crate) struct Rates {
    /// The request gets lost on its way.
    pub(crate) lost: f64,
    /// The request is carried out and its answer gets lost.
    pub(crate) answer_lost: f64,
    /// A lost request gets no answer at all, in place of a network error.
    pub(crate) silent: f64,
    /// An answer comes late.
    pub(crate) delayed: f64,
    /// An answer comes twice.
    pub(crate) duplicated: f64,
    /// An answer comes although its request was cancelled, since it was on its way to the engine.
    pub(crate) late: f64,
    /// S3 refuses temporarily, in one of many ways.
    pub(crate) s3_busy: f64,
    /// S3 refuses for good.
    pub(crate) s3_final: f64,
    /// S3 calls a valid URL expired.
    pub(crate) expired: f64,
    /// The bytes do not arrive as they were sent.
    pub(crate) corrupted: f64,
    /// S3 demands that the multipart upload starts over.
    pub(crate) conflict: f64,
    /// Somebody else's object has the key.
    pub(crate) taken: f64,
    /// S3 carries the request out and reports an error.
    pub(crate) false_error: f64,
    /// The API fails.
    pub(crate) api_busy: f64,
    /// The API refuses a whole call, or answers with nonsense.
    pub(crate) api_final: f64,
    /// A file changes while a part of it is on its way.
    pub(crate) changed: f64,
    /// Something on the way answers in place of S3, whether or not S3 carries the request out.
    pub(crate) foreign: f64,
    /// Something on the way removes the headers of an answer.
    pub(crate) stripped: f64,
    /// S3 goes on with a Complete for a while after its answer was lost.
    pub(crate) slow_complete: f64,
    /// The browser's timers are delayed, as in hidden tabs.
    pub(crate) tick_delayed: f64,
}

/// An operation that never works, even after the other faults have stopped: until the user retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    PutObject,
    Create,
    UploadPart,
    ListParts,
    Complete,
    Abort,
    Api,
    /// All of S3 is out of reach.
    S3,
}

/// A network that blocks one of the bucket's two endpoints.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockedEndpoint {
    pub(crate) endpoint: Endpoint,
    /// From when on.
    pub(crate) from: Duration,
    /// Whether its requests get no answer at all, in place of a network error.
    pub(crate) silent: bool,
}

/// Answers to requests with bytes that S3 gives and the browser never reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Withheld {
    /// Those to bodies that are slices of files.
    FromSlices,
    /// The first one.
    Once,
}

/// In what the service differs from Amazon S3.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Service {
    /// It completes no upload whose parts differ in size.
    pub(crate) constant_parts: bool,
    /// It lets requests replace objects, since they are signed without a condition.
    pub(crate) unconditional: bool,
    /// It receives no checksums, and lists none.
    pub(crate) without_checksums: bool,
}

impl Service {
    /// Amazon S3 in two worlds of three.
    fn new(random: &mut Rng) -> Self {
        if random.u8(0..3) > 0 {
            return Self::default();
        }
        Self {
            constant_parts: random.bool(),
            unconditional: random.bool(),
            without_checksums: random.bool(),
        }
    }

    /// Takes away the faults against which nothing helps that this service lacks.
    fn spare(self, scenario: &mut Scenario) {
        if self.unconditional {
            scenario.rates.taken = 0.0;
            scenario.rates.conflict = 0.0;
        }
        if self.without_checksums {
            scenario.rates.corrupted = 0.0;
            scenario.rates.changed = 0.0;
            scenario.file_changes = 0;
        }
    }
}

/// What a seed decides.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) settings: Settings,
    pub(crate) rates: Rates,
    pub(crate) broken: Option<Broken>,
    pub(crate) blocked: Option<BlockedEndpoint>,
    /// The largest body in bytes that something on the way to S3 lets pass.
    pub(crate) max_body: Option<u64>,
    /// The largest body in bytes that a firewall before the API lets pass.
    pub(crate) max_call: Option<usize>,
    /// The files, and when each batch of them is picked.
    pub(crate) picks: Vec<(Duration, Vec<FileDescription>)>,
    pub(crate) part_size: u64,
    pub(crate) url_seconds: u64,
    pub(crate) parts_per_page: usize,
    /// When the last fault happens.
    pub(crate) faults_end: Duration,
    pub(crate) user_actions: usize,
    pub(crate) offline_spells: usize,
    pub(crate) sleeps: usize,
    pub(crate) file_changes: usize,
    pub(crate) dropped_uploads: usize,
    pub(crate) tab_crashes: usize,
    /// Something on the way takes bodies at once and forwards this many bytes per second.
    pub(crate) forwarded_per_second: Option<u64>,
    /// The longest time that the browser takes to write a record, in milliseconds.
    pub(crate) slowest_write: u64,
    pub(crate) withheld: Option<Withheld>,
    pub(crate) service: Service,
    /// What the browser does with files that changed.
    pub(crate) noticing: Noticing,
    /// Whether the browser can take some of the files anew.
    pub(crate) has_handles: bool,
}

impl Scenario {
    /// How long the files may keep each other waiting if an operation never works: each backs off as
    /// often as it may before the next one gets its request.
    pub(crate) fn longest_refusals(&self) -> Duration {
        if self.broken.is_none() {
            return Duration::ZERO;
        }
        let files: usize = self.picks.iter().map(|(_, files)| files.len()).sum();
        // What stalls again and again is sent one by one, and waited for.
        files as u32 * self.settings.max_attempts * (self.settings.backoff_limit + LONGEST_PATIENCE)
    }

    /// What whoever reads a run has to know first.
    pub(crate) fn describe(&self) -> String {
        format!(
            "{:?}\n{:?}\nbroken: {:?}, {:?}, bodies up to {:?}, calls up to {:?}, forwarded {:?}, withheld {:?}, {:?}, changes noticed {:?}, parts of {} bytes, URLs for {} s, faults until {:?}",
            self.settings,
            self.rates,
            self.broken,
            self.blocked,
            self.max_body,
            self.max_call,
            self.forwarded_per_second,
            self.withheld,
            self.service,
            self.noticing,
            self.part_size,
            self.url_seconds,
            self.faults_end
        )
    }

    pub(crate) fn new(random: &mut Rng) -> Self {
        let faults_end = Duration::from_secs(random.u64(5..200));
        let settings = Settings {
            parallel_requests: random.usize(1..=6),
            parallel_hashes: random.usize(1..=3),
            max_attempts: random.u32(3..=8),
            ..Settings::default()
        };
        let mut scenario = Self {
            settings,
            blocked: None,
            max_body: None,
            max_call: None,
            rates: rates(random),
            broken: broken(random),
            picks: picks(random, faults_end),
            part_size: random.u64(5..=12) * MIB,
            url_seconds: *random.choice([8, 20, 60, 900].iter()).unwrap_or(&900),
            parts_per_page: random.usize(1..=6),
            faults_end,
            user_actions: up_to(random, 15),
            offline_spells: up_to(random, 3),
            sleeps: up_to(random, 2),
            file_changes: up_to(random, 3),
            dropped_uploads: up_to(random, 3),
            tab_crashes: up_to(random, 3),
            forwarded_per_second: None,
            slowest_write: 15,
            withheld: None,
            service: Service::default(),
            noticing: Noticing::AtOnce,
            has_handles: false,
        };
        // From a stream of its own, so that older seeds make the same worlds apart from this.
        let random = &mut Rng::with_seed(random.clone().u64(..));
        scenario.settings.second_endpoint = random.bool();
        scenario.blocked = second_blocked(random, faults_end);
        if random.bool() {
            scenario.noticing = Noticing::AtCheck;
        }
        scenario.has_handles = random.bool();
        if random.u8(0..4) == 0 {
            scenario.slowest_write = 2_000;
        }
        scenario.forwarded_per_second = (random.u8(0..4) == 0).then(|| random.u64(500_000..5_000_000));
        scenario.withheld = match random.u8(0..10) {
            0 => Some(Withheld::FromSlices),
            1 => Some(Withheld::Once),
            _ => None,
        };
        scenario.settings.bodies_as_bytes = random.u8(0..6) == 0;
        // And another for the faults on the way.
        let random = &mut Rng::with_seed(random.clone().u64(..));
        scenario.on_the_way(random);
        // And another for what the service is like.
        scenario.service = Service::new(&mut Rng::with_seed(random.clone().u64(..)));
        scenario.service.spare(&mut scenario);
        scenario
    }

    /// Decides on what something between browser and servers does.
    fn on_the_way(&mut self, random: &mut Rng) {
        if self.rates.tick_delayed > 0.0 || random.bool() {
            let mut rate = |most: f64| if random.bool() { random.f64() * most } else { 0.0 };
            self.rates.foreign = rate(0.2);
            self.rates.stripped = rate(1.0);
            self.rates.slow_complete = rate(1.0);
        }
        if random.u8(0..4) == 0 {
            self.max_body = random
                .choice([1, 5, 6, 9, 12, 16, 20, 31])
                .map(|mebibytes| mebibytes * MIB);
        }
        if random.u8(0..4) == 0 {
            self.max_call = Some(random.usize(700..9_000));
        }
        if self.settings.second_endpoint && self.blocked.is_none() && random.u8(0..4) == 0 {
            self.blocked = Some(BlockedEndpoint {
                endpoint: Endpoint::First,
                from: Duration::ZERO,
                silent: random.bool(),
            });
        }
        if self.broken.is_none() && random.u8(0..20) == 0 {
            self.broken = Some(Broken::S3);
        }
        if random.u8(0..8) == 0 {
            let mebibytes = random.choice([1, 5, 6, 8, 12, 16, 24]);
            self.settings.max_request_bytes = mebibytes.map(|mebibytes| mebibytes * MIB);
        }
    }
}

/// Zero in half of the worlds, and up to `most` in the others.
fn up_to(random: &mut Rng, most: usize) -> usize {
    if random.bool() { random.usize(1..=most) } else { 0 }
}

/// In one world of ten, one operation never works: the engine has to give up, not to retry forever.
fn broken(random: &mut Rng) -> Option<Broken> {
    let is_broken = random.u8(0..10) == 0;
    let all = [
        Broken::PutObject,
        Broken::Create,
        Broken::UploadPart,
        Broken::ListParts,
        Broken::Complete,
        Broken::Abort,
        Broken::Api,
    ];
    if is_broken { random.choice(all) } else { None }
}

/// In one world of three the second endpoint is blocked, in half of those from the start.
fn second_blocked(random: &mut Rng, faults_end: Duration) -> Option<BlockedEndpoint> {
    let is_blocked = random.u8(0..3) == 0;
    let later = if random.bool() { random.f64() } else { 0.0 };
    let silent = random.bool();
    is_blocked.then(|| BlockedEndpoint {
        endpoint: Endpoint::Second,
        from: faults_end.mul_f64(later),
        silent,
    })
}

fn rates(random: &mut Rng) -> Rates {
    if random.u8(0..10) == 0 {
        return Rates::default();
    }
    let mut rate = |most: f64| if random.bool() { random.f64() * most } else { 0.0 };
    Rates {
        lost: rate(0.3),
        answer_lost: rate(0.3),
        silent: rate(1.0),
        delayed: rate(0.2),
        duplicated: rate(0.3),
        late: rate(0.5),
        s3_busy: rate(0.3),
        s3_final: rate(0.02),
        expired: rate(0.2),
        corrupted: rate(0.1),
        conflict: rate(0.2),
        taken: rate(0.1),
        false_error: rate(0.2),
        api_busy: rate(0.3),
        api_final: rate(0.02),
        changed: rate(0.03),
        tick_delayed: rate(0.5),
        ..Rates::default()
    }
}

fn picks(random: &mut Rng, faults_end: Duration) -> Vec<(Duration, Vec<FileDescription>)> {
    let mut names = 0;
    let batches = random.usize(1..=3);
    (0..batches)
        .map(|batch| {
            let at = match batch {
                0 => Duration::ZERO,
                _ => faults_end.mul_f64(random.f64()),
            };
            // More small files than may be admitted at once are rare, because such worlds take long.
            let many = random.u8(0..30) == 0;
            let count = if many {
                random.usize(90..200)
            } else {
                random.usize(1..=6)
            };
            let files = (0..count).map(|_| {
                names += 1;
                description(random, names, many)
            });
            (at, files.collect())
        })
        .collect()
}

/// A file's name. Some files have the name of the one before, and some one that differs only in a key.
fn name(random: &mut Rng, number: u32) -> String {
    match random.u8(0..8) {
        0 => format!("file-{}", number.saturating_sub(1)),
        1 => format!("file?{}", number.saturating_sub(1)),
        2 => format!("file_{number}"),
        _ => format!("file-{number}"),
    }
}

fn description(random: &mut Rng, number: u32, small: bool) -> FileDescription {
    let size = match random.u8(if small { 0..5 } else { 0..10 }) {
        0 => 0,
        1 => 1,
        2..=4 => random.u64(2..MIB),
        5 => random.u64(MIB..SMALL_FILE_MAX_BYTES),
        6 => SMALL_FILE_MAX_BYTES + random.u64(0..2),
        7 => SINGLE_PUT_MAX_BYTES + random.u64(0..2),
        8 => random.u64(17 * MIB..60 * MIB),
        _ => random.u64(60 * MIB..150 * MIB),
    };
    let refused = random.u8(0..40) == 0;
    FileDescription {
        name: name(random, number),
        size,
        media_type: if refused { REFUSED_TYPE } else { "" }.to_owned(),
        last_modified: i64::from(number),
    }
}
