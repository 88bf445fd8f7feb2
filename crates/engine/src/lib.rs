//! The upload engine: a pure state machine, events in and commands out.
//!
//! [`Engine::handle`] is the only way in and [`Engine::drain_commands`] the only way out. The engine has no clock, no
//! network, no file and no randomness of its own: the time comes with each event, and the seed of its jitter when it
//! is made. That is what lets a simulation drive it through any order of faults and replay the one that failed.
//!
//! The folders, from the ground up:
//!
//! - `limits.rs`: every number that is not a setting.
//! - `boundary/`: what crosses the door: events, commands, views, errors, settings, records.
//! - `protocol/`: S3's XML and errors, and the Lambda's answers. `judge.rs` decides what an answer means.
//! - `measure/`: what is measured and counted: back-off, endpoints, request sizes, speed, the budget, the servers'
//!   clock, the queues.
//! - `upload/`: one file: its state (`file.rs`), its parts, its transfers, how it is resumed, and every change to it
//!   (`upload_mut.rs`). What was asked for and not answered is in one table (`in_flight.rs`).
//! - `run/`: all files: the door (`engine.rs`), whose turn it is (`schedule.rs`), the calls of the API (`signing.rs`),
//!   and when to wake up (`timers.rs`).
//!
//! Invariants, checked after every event by the simulation:
//!
//! - Every command carries a ticket; an answer to a ticket that is not awaited changes nothing.
//! - One enum is the state of a file.
//! - No more S3 requests are in flight than the budget allows.
//! - Nothing is sent that was not hashed; nothing is called stored that S3 did not call stored.
//! - What an event costs does not depend on how many files are in the queue.

#![warn(missing_docs)]
#![allow(
    clippy::result_large_err,
    reason = "an error carries what a user may want to copy, and is rare enough to be moved"
)]

mod boundary;
mod limits;
mod measure;
mod protocol;
mod run;
mod upload;

pub use boundary::{
    command::{ApiRoute, BodySource, Command},
    error::{ErrorKind, S3Error, UploadError},
    event::{Attachment, Event, FileDescription, Owner, Selection},
    http::{FileFailure, HttpAnswer, TransportFailure},
    record::{
        CompletedPart, CompletedUpload, ManifestRecord, MultipartRecord, ObjectChecksum, ObjectRecord,
        PartRules, PartSizeChange, StoredObject, UploadRecord,
    },
    settings::Settings,
    view::{CallId, FileId, FileStatus, FileView, Mismatch, Notice, SaveId, Ticket, Totals},
};
pub use limits::{READ_TOGETHER_BYTES, READ_TOGETHER_FILES};
pub use protocol::lambda_answers::read_link_terms;
pub use protocol::s3_xml::{
    InvalidXml, ListedPart, PartsPage, complete_multipart_upload_body, parse_complete_result,
    parse_create_result, parse_error, parse_list_parts_result,
};
pub use run::engine::Engine;
