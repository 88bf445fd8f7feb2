//! One file: its state, its parts, the transfers of its bytes, and every change to it.

pub(crate) mod abort;
pub(crate) mod batches;
pub(crate) mod control_request;
pub(crate) mod file;
mod hashes;
pub(crate) mod in_flight;
mod interruption;
pub(crate) mod keys;
pub(crate) mod manifest;
pub(crate) mod multipart;
pub(crate) mod output;
mod part_layout;
pub(crate) mod parts;
mod planning;
mod restore;
mod resumption;
mod s3_responses;
mod shrink;
mod signatures;
pub(crate) mod status;
pub(crate) mod tally;
pub(crate) mod transfer;
mod unreadable;
pub(crate) mod upload_mut;
mod user_actions;
