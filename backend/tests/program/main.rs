//! The real program under the real protocol: spawned as Lambda spawns it, with its events from a Runtime
//! API.

mod support;

mod events;
mod secrets;
mod stack;
mod start;
