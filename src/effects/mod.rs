//! What the page can do to the outside, one file a browser ability. Nothing here decides anything.

pub(crate) mod clock;
pub(crate) mod config;
pub(crate) mod files;
pub(crate) mod frame;
pub(crate) mod handle;
pub(crate) mod in_flight;
pub(crate) mod listener;
pub(crate) mod locks;
pub(crate) mod read;
pub(crate) mod storage;
pub(crate) mod timer;
pub(crate) mod transport;
