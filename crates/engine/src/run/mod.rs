//! All files: one engine, what it schedules, the calls that it makes, and when it wants to be woken.

mod connectivity;
pub(crate) mod engine;
mod first_speed;
mod manifests;
mod schedule;
mod signing;
mod timers;
