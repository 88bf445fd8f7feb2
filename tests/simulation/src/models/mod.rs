//! The outside world: what the engine sees only through events and commands.

pub(crate) mod disk;
pub(crate) mod in_transit;
pub(crate) mod lambda;
pub(crate) mod manifests;
pub(crate) mod network;
pub(crate) mod records;
pub(crate) mod s3;
pub(crate) mod s3_answers;
