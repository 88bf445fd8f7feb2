//! Runs seeds.

use std::{
    fmt,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use serde::{Deserialize, Serialize};

use crate::{trace::Trace, violation::Violation, world::World};

/// A seed whose run broke an invariant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// The invariant.
    pub violation: Violation,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "seed {}: {}", self.seed, self.violation)
    }
}

/// Plays the world of one seed.
///
/// # Errors
/// If the engine breaks an invariant.
pub fn run(seed: u64) -> Result<(), Failure> {
    play(seed, None, &mut Trace::default()).map(drop)
}

/// Plays the world of one seed with one more crash of the tab, after this many events. Returns whether
/// the world got that far.
///
/// # Errors
/// As [`run`].
pub fn run_with_crash(seed: u64, event: usize) -> Result<bool, Failure> {
    play(seed, Some(event), &mut Trace::default()).map(|events| events >= event)
}

/// Plays the world of one seed, and returns every event and command as lines to read.
pub fn run_traced(seed: u64) -> (Vec<String>, Result<(), Failure>) {
    let mut trace = Trace {
        enabled: true,
        ..Trace::default()
    };
    let result = play(seed, None, &mut trace).map(drop);
    (trace.lines, result)
}

/// Plays the worlds of many seeds on this many threads, and returns the failures, sorted by seed.
pub fn run_many(seeds: Range<u64>, threads: usize) -> Vec<Failure> {
    let next = AtomicU64::new(seeds.start);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    if let Err(failure) = run(seed)
                        && let Ok(mut failures) = failures.lock()
                    {
                        failures.push(failure);
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap_or_default();
    failures.sort_by_key(|failure: &Failure| failure.seed);
    failures
}

/// A panic of the engine, such as an overflow, is a failure like any other.
fn play(seed: u64, crash_after: Option<usize>, trace: &mut Trace) -> Result<usize, Failure> {
    let played = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed, crash_after, trace);
        world.run().map(|()| world.events)
    }));
    let played = played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        let message = text.unwrap_or("no message").to_owned();
        Err(Violation::Panicked { message })
    });
    played.map_err(|violation| Failure { seed, violation })
}
