//! What browsers can do, one file an ability.

pub(crate) mod clock;
pub(crate) mod files;
pub(crate) mod handle;
pub(crate) mod in_flight;
pub(crate) mod locks;
pub(crate) mod read;
pub(crate) mod source;
pub(crate) mod storage;
pub(crate) mod thumbnail;
pub(crate) mod transport;
