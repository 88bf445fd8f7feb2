//! The engine as the page meets it: events in, commands out.

mod batches;
mod calls;
mod complete;
mod endpoints;
mod fairness;
mod files;
mod first_speed;
mod manifests;
mod network;
mod other_services;
mod progress;
mod request_sizer;
mod resume;
mod retries;
mod slow_way;
mod support;
mod user_actions;
