//! The upload engine in a simulated world that is driven by one seed.
//!
//! S3, the Lambda, the network, the clock, the disk and the person are models; the engine is the
//! real one. A seed decides all that happens: lost, late, doubled and reordered answers, every error
//! of S3 that the engine knows, expired URLs, sleep, spells without a network, pauses and cancels,
//! files that change, tabs that die and are opened again. After every event the checker compares what the engine shows and
//! asks for with what it may; a run that breaks an invariant fails, and its seed plays it again.
//!
//! After the faults have stopped, every file has to reach a state of rest in bounded time. Then a
//! person resumes and retries everything, and whatever can be stored has to be.

mod blame;
mod checker;
mod disk;
mod happenings;
mod lambda;
mod network;
mod run;
mod s3;
mod s3_answers;
mod scenario;
mod tab;
mod trace;
mod under_way;
mod world;

pub use run::{Failure, run, run_many, run_traced, run_with_death};
