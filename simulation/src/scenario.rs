//! What a seed decides before anything happens: the files, the settings, and how bad the world is.

use std::time::Duration;

use engine::{FileDescription, Settings};
use fastrand::Rng;
use wire::{SINGLE_PUT_MAX_BYTES, SMALL_FILE_MAX_BYTES};

use crate::lambda::REFUSED_TYPE;

const MIB: u64 = 1024 * 1024;

/// How likely each fault is for one request, from 0 to 1. Half of them are off in any one world, so
/// that the others are seen without their noise (swarm testing, Groce et al., ISSTA 2012).
#[derive(Clone, Debug, Default)]
pub(crate) struct Rates {
    /// The request gets lost on its way.
    pub(crate) lost: f64,
    /// The request is carried out and its answer gets lost.
    pub(crate) answer_lost: f64,
    /// What is lost is lost without a word.
    pub(crate) silent: f64,
    /// An answer comes late.
    pub(crate) delayed: f64,
    /// An answer comes twice.
    pub(crate) duplicated: f64,
    /// An answer comes although its request was cancelled, since it was on its way to the engine.
    pub(crate) late: f64,
    /// S3 refuses for a while, in one of many ways.
    pub(crate) s3_busy: f64,
    /// S3 refuses and will not change its mind.
    pub(crate) s3_final: f64,
    /// S3 calls a good URL expired.
    pub(crate) expired: f64,
    /// The bytes do not arrive as they were sent.
    pub(crate) corrupted: f64,
    /// S3 wants the multipart upload to start again.
    pub(crate) conflict: f64,
    /// Somebody else's object has the key.
    pub(crate) taken: f64,
    /// S3 carries the request out and calls it failed.
    pub(crate) mistaken: f64,
    /// The API fails.
    pub(crate) api_busy: f64,
    /// The API refuses a whole call, or answers nonsense.
    pub(crate) api_final: f64,
    /// A file changes while a part of it is on its way.
    pub(crate) changed: f64,
    /// The browser's timers are held up, as in hidden tabs.
    pub(crate) tick_held_up: f64,
}

/// Something that fails for as long as there are faults, and beyond: until a person tries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    PutObject,
    Create,
    UploadPart,
    ListParts,
    Complete,
    Abort,
    Api,
}

/// A network that does not let the bucket's second address through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SecondBlocked {
    /// From when on.
    pub(crate) from: Duration,
    /// Whether requests get lost without a word.
    pub(crate) silent: bool,
}

/// What a seed decides.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) settings: Settings,
    pub(crate) rates: Rates,
    pub(crate) broken: Option<Broken>,
    pub(crate) second_blocked: Option<SecondBlocked>,
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
    pub(crate) tab_deaths: usize,
}

impl Scenario {
    /// How long the files may keep each other waiting where an operation never works: each backs off as
    /// often as it may before the next one gets its request.
    pub(crate) fn longest_refusals(&self) -> Duration {
        if self.broken.is_none() {
            return Duration::ZERO;
        }
        let files: usize = self.picks.iter().map(|(_, files)| files.len()).sum();
        let rounds = files.div_ceil(self.settings.parallel_requests) as u32;
        rounds * self.settings.max_attempts * self.settings.backoff_limit
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
            second_blocked: None,
            rates: rates(random),
            broken: broken(random),
            picks: picks(random, faults_end),
            part_size: random.u64(5..=12) * MIB,
            url_seconds: *random.choice([8, 20, 60, 900].iter()).unwrap_or(&900),
            parts_per_page: random.usize(1..=6),
            faults_end,
            user_actions: some(random, 15),
            offline_spells: some(random, 3),
            sleeps: some(random, 2),
            file_changes: some(random, 3),
            dropped_uploads: some(random, 3),
            tab_deaths: some(random, 3),
        };
        // From a stream of its own, so that seeds of before make the same worlds but for this.
        let random = &mut Rng::with_seed(random.clone().u64(..));
        scenario.settings.second_endpoint = random.bool();
        scenario.second_blocked = second_blocked(random, faults_end);
        scenario
    }
}

/// Nothing in half of the worlds, and up to `most` in the others.
fn some(random: &mut Rng, most: usize) -> usize {
    if random.bool() { random.usize(1..=most) } else { 0 }
}

/// In one world of ten, one thing never works: the engine has to give up, and not to try for ever.
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

/// In one world of three the second address is blocked, in half of those from the beginning.
fn second_blocked(random: &mut Rng, faults_end: Duration) -> Option<SecondBlocked> {
    let is_blocked = random.u8(0..3) == 0;
    let later = if random.bool() { random.f64() } else { 0.0 };
    let silent = random.bool();
    is_blocked.then(|| SecondBlocked {
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
        mistaken: rate(0.2),
        api_busy: rate(0.3),
        api_final: rate(0.02),
        changed: rate(0.03),
        tick_held_up: rate(0.5),
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
            // More small files than may be admitted at once are rare, since they take long.
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
        name: format!("file-{number}"),
        size,
        media_type: if refused { REFUSED_TYPE } else { "" }.to_owned(),
        last_modified: i64::from(number),
    }
}
