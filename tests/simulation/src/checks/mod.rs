//! What must hold after every event, and at rest.

pub(crate) mod blocked_endpoint;
pub(crate) mod checker;
pub(crate) mod fault_log;
pub(crate) mod ground_truth;
pub(crate) mod in_flight;
pub(crate) mod manifests;
pub(crate) mod multipart;
pub(crate) mod page;
