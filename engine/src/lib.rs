//! The upload engine: a pure state machine, events in and commands out.
//!
//! [`Engine::handle`] is the only way in and its list of [`Command`]s the only way out. The engine
//! has no clock, no network, no file and no randomness of its own: time comes with each event, and
//! the seed of its jitter with its making. That is what lets a simulation drive it through any
//! order of faults and replay the one that failed.
//!
//! How a file travels through the modules:
//!
//! 1. [`Event::FilesAdded`] puts it into a queue (`engine.rs`, `file.rs`, `queue.rs`).
//! 2. `schedule.rs` admits it when there is room and gives it the next step that it needs.
//! 3. A small file is one `Transfer`, a large one a `Multipart` of many (`transfer.rs`, `multipart.rs`):
//!    hash, ask the Lambda to sign, send to S3.
//! 4. `calls.rs` talks to the Lambda (`api_answers.rs` reads it), `answers.rs` takes what S3 said,
//!    `retry.rs` judges it.
//! 5. `wake.rs` finds what stalls; `interruption.rs` begins again after sleep and after a time without
//!    a network; `person.rs` pauses, resumes, cancels, retries and removes.
//! 6. What has to outlive the page is a record (`record.rs`); after a reload or a crash `resume.rs`
//!    takes it up again, and asks S3 which parts count.
//! 7. It ends as stored, failed or cancelled; what a cancelled one left at S3, `cleanup.rs` removes.
//!
//! Invariants, checked after every event by the simulation:
//!
//! - Every command carries a ticket; an answer to a ticket that is not awaited changes nothing.
//! - One enum is the state of a file.
//! - No more S3 requests are under way than the budget allows.
//! - Nothing is sent that was not hashed; nothing is called stored that S3 did not call stored.
//! - What an event costs does not depend on how many files are in the queue.

#![allow(
    clippy::result_large_err,
    reason = "an error carries what a person may want to copy, and is rare enough to be moved"
)]

mod answers;
mod api_answers;
mod backoff;
mod budget;
mod calls;
mod cleanup;
mod command;
mod conditions;
mod endpoints;
mod engine;
mod error;
mod event;
mod file;
mod http;
mod interruption;
mod multipart;
mod pace;
mod part_layout;
mod person;
mod planted;
mod progress;
mod queue;
mod record;
mod resume;
mod retry;
mod s3_xml;
mod schedule;
mod server_clock;
mod settings;
mod transfer;
mod view;
mod wake;

pub use command::{ApiRoute, Command};
pub use engine::Engine;
pub use error::{ErrorKind, S3Error, UploadError};
pub use event::{Attachment, Event, FileDescription, Owner, Selection};
pub use http::{FileFailure, HttpAnswer, TransportFailure};
pub use part_layout::PartSizeChange;
#[cfg(feature = "planted-bugs")]
pub use planted::{Bug, plant};
pub use record::{MultipartRecord, UploadRecord};
pub use s3_xml::{
    CompletedPart, InvalidXml, ListedPart, PartsPage, complete_multipart_upload_body, parse_complete_result,
    parse_create_result, parse_error, parse_list_parts_result,
};
pub use schedule::{READ_TOGETHER_BYTES, READ_TOGETHER_FILES};
pub use settings::Settings;
pub use view::{CallId, FileId, FileStatus, FileView, Mismatch, Notice, Ticket, Totals};
