//! What crosses the door of the engine: events and commands, and the types that they carry.

pub(crate) mod command;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod http;
pub(crate) mod record;
pub(crate) mod settings;
pub(crate) mod view;
