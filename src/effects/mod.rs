//! What browsers can do, one file an ability.

pub(crate) mod clipboard;
pub(crate) mod fetch;
pub(crate) mod files;
pub(crate) mod folders;
pub(crate) mod handle;
pub(crate) mod icon;
pub(crate) mod language;
pub(crate) mod listen;
pub(crate) mod notification;
pub(crate) mod sign_in;
pub(crate) mod wake_lock;
pub(crate) mod worker;
