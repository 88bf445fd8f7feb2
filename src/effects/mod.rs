//! What browsers can do, one file an ability.

pub(crate) mod clipboard;
pub(crate) mod download;
pub(crate) mod fetch;
pub(crate) mod files;
pub(crate) mod folders;
pub(crate) mod handle;
pub(crate) mod icon;
pub(crate) mod language;
pub(crate) mod link;
pub(crate) mod link_api;
pub(crate) mod listen;
pub(crate) mod module;
pub(crate) mod notification;
pub(crate) mod sign_in;
pub(crate) mod wake_lock;
pub(crate) mod worker;
