//! What is measured and counted, so that a decision is made by figures.

pub(crate) mod backoff;
pub(crate) mod bodies;
pub(crate) mod budget;
pub(crate) mod call_sizer;
pub(crate) mod conditions;
pub(crate) mod endpoints;
pub(crate) mod env;
pub(crate) mod patience;
pub(crate) mod queue;
pub(crate) mod request_sizer;
mod request_speed;
pub(crate) mod roster;
pub(crate) mod server_clock;
pub(crate) mod speed;
pub(crate) mod turns;
