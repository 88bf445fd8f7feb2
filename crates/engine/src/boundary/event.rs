//! What happens outside the engine.

use serde::{Deserialize, Serialize};
use wire::{BatchId, Sha256Digest};

use crate::{
    CallId, FileFailure, FileId, HttpAnswer, ManifestRecord, SaveId, Ticket, TransportFailure, UploadRecord,
};

/// A file that a user picked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDescription {
    /// Its name as its owner knows it, with the folders above it if a folder was picked.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its media type; empty if the browser knows none.
    pub media_type: String,
    /// When it was last changed, in milliseconds since 1970 (W3C File API, `lastModified`).
    pub last_modified: i64,
}

/// How a file came back to an upload that was interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// By the handle that the browser kept: it is the same file. What was sent is compared with it only if it was
    /// changed since.
    Handle,
    /// A user picked it: any file may have that name and size, so that what was sent is compared with it.
    Picked,
}

/// Who works on an upload that is on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Nobody but this page.
    ThisPage,
    /// Another tab.
    AnotherTab,
}

/// The files that a user means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Selection {
    /// This file.
    File(FileId),
    /// Every file of this batch that the action applies to.
    Batch(BatchId),
    /// Every file that the action applies to.
    All,
}

/// What happens outside the engine. An answer whose ticket is not awaited is dropped.
#[derive(Clone, Debug)]
pub enum Event {
    /// Files were picked. They get consecutive ids from [`crate::Engine::next_file_id`] on.
    FilesAdded {
        /// The batch that they belong to. One batch may come in several of these events.
        batch: BatchId,
        /// The files.
        files: Vec<FileDescription>,
    },
    /// Uploads that an earlier page left unfinished, or that another tab works on. They get
    /// consecutive ids from [`crate::Engine::next_file_id`] on.
    Restored {
        /// What was kept of each.
        records: Vec<UploadRecord>,
        /// Who works on them.
        owner: Owner,
    },
    /// Earlier pages stored files under these keys, in batches of which other files come back.
    KeysTaken(Vec<String>),
    /// Earlier pages stored files of this batch, and its manifest may not name all of them. It comes after the files of
    /// the batch that are not stored.
    BatchRestored {
        /// The batch.
        batch: BatchId,
        /// The last manifest on record for it, which S3 may have.
        manifest: Option<ManifestRecord>,
    },
    /// [`crate::Command::WriteManifest`] ended.
    ManifestWritten {
        /// The id of the manifest.
        manifest: FileId,
        /// Its size in bytes, at least 1.
        size: u64,
        /// The SHA-256 of its bytes.
        sha256: Sha256Digest,
    },
    /// [`crate::Command::WriteManifest`] was not carried out: more files of the batch came, or it cannot be written. It is
    /// asked for again when another file of the batch has ended.
    ManifestNotWritten(FileId),
    /// The file of an interrupted upload is there again.
    Attached {
        /// The upload.
        id: FileId,
        /// The file as it is now.
        description: FileDescription,
        /// How it came back.
        attachment: Attachment,
    },
    /// The tab that worked on an upload is gone.
    TakenOver {
        /// The upload.
        id: FileId,
        /// What that tab kept last; `None` if the upload had ended.
        record: Option<Box<UploadRecord>>,
    },
    /// One or more [`crate::Command::Hash`] ended: the command's ticket, and the SHA-256 of the range or why it
    /// could not be read.
    Hashed(Vec<(Ticket, Result<Sha256Digest, FileFailure>)>),
    /// [`crate::Command::Check`] ended.
    Checked {
        /// The command's ticket.
        ticket: Ticket,
        /// Whether the file can still be read as it was picked.
        result: Result<(), FileFailure>,
    },
    /// [`crate::Command::Reopen`] ended.
    Reopened {
        /// The command's ticket.
        ticket: Ticket,
        /// The file as it is now, or why it still cannot be read.
        result: Result<FileDescription, FileFailure>,
    },
    /// [`crate::Command::Call`] ended.
    CallAnswered {
        /// The command's call id.
        call: CallId,
        /// What the Lambda answered.
        answer: Result<HttpAnswer, TransportFailure>,
    },
    /// All that was to be kept when [`crate::Command::ReportSaved`] was returned is on the disk, or the browser stores
    /// nothing.
    Saved(SaveId),
    /// A [`crate::Command::Put`] moved bytes.
    Progress {
        /// The command's ticket.
        ticket: Ticket,
        /// Bytes of the body sent so far.
        sent: u64,
    },
    /// [`crate::Command::Put`] or [`crate::Command::Send`] ended.
    Answered {
        /// The command's ticket.
        ticket: Ticket,
        /// What S3 answered.
        answer: Result<HttpAnswer, TransportFailure>,
    },
    /// The time asked for by [`crate::Command::WakeAt`] has come.
    Tick,
    /// The browser has no network.
    Offline,
    /// The browser has a network again.
    Online,
    /// A user signed in, or a sign-in was renewed.
    SignedIn,
    /// The machine slept: the wall clock moved much further than the page's own clock.
    Woke,
    /// A user pauses what is queued or active, and what is added to these batches later.
    Pause(Selection),
    /// A user lets what is paused go on, and what is added to these batches later.
    Resume(Selection),
    /// A user cancels what has not ended.
    Cancel(Selection),
    /// A user tries again what failed, or a single file that was cancelled.
    Retry(Selection),
    /// A user takes what has ended off the list; [`Selection::All`] takes what was stored or
    /// cancelled. An interrupted upload that is taken off by itself or with its batch is forgotten and aborted.
    Remove(Selection),
}
