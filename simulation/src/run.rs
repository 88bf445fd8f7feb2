//! Runs seeds.

use std::{
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{trace::Trace, world::World};

/// A seed whose run broke an invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// Which invariant, and how.
    pub reason: String,
}

/// Plays the world of one seed.
///
/// # Errors
/// The invariant that was broken, in words.
pub fn run(seed: u64) -> Result<(), Failure> {
    play(seed, None, &mut Trace::default()).map(drop)
}

/// Plays the world of one seed with the tab dying once more, after so many events; gives whether there
/// were so many.
///
/// # Errors
/// As [`run`].
pub fn run_with_death(seed: u64, event: usize) -> Result<bool, Failure> {
    play(seed, Some(event), &mut Trace::default()).map(|events| events >= event)
}

/// Plays the world of one seed, and gives every event and command of it as lines to read besides.
pub fn run_traced(seed: u64) -> (Vec<String>, Result<(), Failure>) {
    let mut trace = Trace {
        wanted: true,
        ..Trace::default()
    };
    let result = play(seed, None, &mut trace).map(drop);
    (trace.lines, result)
}

/// Plays the worlds of many seeds on so many threads, and gives those that failed, by seed.
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
fn play(seed: u64, dies_after: Option<usize>, trace: &mut Trace) -> Result<usize, Failure> {
    let played = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed, dies_after, trace);
        world.run().map(|()| world.events)
    }));
    let reason = match played {
        Ok(Ok(events)) => return Ok(events),
        Ok(Err(reason)) => reason,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            format!("it panicked: {}", text.unwrap_or("without words"))
        }
    };
    Err(Failure { seed, reason })
}
