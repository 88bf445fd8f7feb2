//! The upload engine in a simulated world that is driven by one seed.
//!
//! S3, the Lambda, the network, the clock, the disk and the user are models; the engine is the real
//! one. A seed decides everything that happens: lost, late, duplicated and reordered answers, every
//! error of S3 that the engine knows, expired URLs, sleep, time without a network, pauses and cancels,
//! files that change, tabs that crash and are opened again. After every event the checker compares what
//! the engine shows and asks for with what it may; a run that breaks an invariant fails, and its seed
//! replays it.
//!
//! After the faults have stopped, every file has to come to rest in bounded time. Then the user resumes
//! and retries everything, and whatever can be stored has to be.

mod checks;
mod models;
mod run;
mod scenario;
mod trace;
mod violation;
mod world;

pub use run::{Failure, run, run_many, run_traced, run_with_crash};
pub use violation::{Found, Malformation, Violation};
