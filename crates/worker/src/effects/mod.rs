//! What browsers can do; one file per ability.

pub(crate) mod batch_id;
pub(crate) mod clock;
pub(crate) mod description;
pub(crate) mod folder;
pub(crate) mod handle;
pub(crate) mod in_flight;
pub(crate) mod locks;
pub(crate) mod platform;
mod read;
pub(crate) mod source;
pub(crate) mod thumbnail;
pub(crate) mod transport;
