//! The engine as the page meets it: events in, commands out.

mod calls;
mod complete;
mod endpoints;
mod fairness;
mod files;
mod network;
mod pace;
mod person;
mod progress;
mod resume;
mod retries;
mod support;
