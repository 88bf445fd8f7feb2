//! What can be seen of the engine from outside: ids, and how far the files are.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::UploadError;

/// The id of a file. It is never used again, as long as the engine lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileId(pub u32);

/// What a command carries and its answer brings back. No two commands have the same attempt, so that an answer
/// can only be taken for what it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// The file that the command is for.
    pub file: FileId,
    /// The number of the attempt.
    pub attempt: u64,
}

/// The id of one call of the Lambda's API. It is numbered with the attempts, so that no ticket has the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// One question of when something is saved; no two have the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SaveId(pub u64);

/// The state of a file as a user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileStatus {
    /// It waits for its turn.
    Queued,
    /// It is being hashed.
    Hashing,
    /// The Lambda signs its requests, or S3 creates its multipart upload.
    Preparing,
    /// It is being compared with what was sent of it before an interruption.
    Comparing,
    /// It is signed and waits for a free request.
    Ready,
    /// Its bytes are on their way.
    Sending,
    /// Every byte that is in flight has left, and S3's confirmation is awaited.
    Confirming,
    /// All parts are stored; S3 puts them together.
    Finishing,
    /// Something went wrong; it goes on by itself.
    Waiting {
        /// When it goes on, on the clock of the events.
        until: Duration,
        /// What went wrong.
        error: UploadError,
    },
    /// Its file cannot be read at the moment; what S3 has of it is kept.
    Unreadable {
        /// When the file is tried again, on the clock of the events; `None` while it is being tried.
        until: Option<Duration>,
    },
    /// It waits for the network to come back.
    Offline,
    /// It waits for a sign-in.
    SignedOut,
    /// It waits for the upload link to be valid again.
    LinkEnded,
    /// A user paused it.
    Paused,
    /// S3 has it.
    Stored,
    /// It was given up; a user can try again.
    Failed(UploadError),
    /// A user cancelled it.
    Cancelled,
    /// An earlier page left it unfinished, and its file has to come back; the last one that came was
    /// refused for this reason.
    Interrupted(Option<Mismatch>),
    /// Another tab works on it.
    Elsewhere,
}

/// Why a file is not the one whose upload was interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mismatch {
    /// It has another name.
    Name,
    /// It has another size.
    Size,
    /// Its bytes are not those that were sent.
    Content,
    /// It cannot be read.
    Unreadable,
}

/// Something that a user should know about a file that goes on nonetheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// S3 had dropped the unfinished multipart upload, so the file started over.
    StartedOver,
}

/// A file as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileView {
    /// Its name as its owner knows it.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its media type; may be empty.
    pub media_type: String,
    /// Its state.
    pub status: FileStatus,
    /// Bytes sent; never less than before.
    pub sent: u64,
    /// Bytes per second over the last few seconds; 0 while nothing is being sent.
    pub bytes_per_second: u64,
    /// Its key in the bucket, once it is stored.
    pub key: Option<String>,
    /// What a user should know besides.
    pub notice: Option<Notice>,
}

/// The sums over all files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Files on the list.
    pub files: usize,
    /// Files that S3 has.
    pub stored: usize,
    /// Files that were given up.
    pub failed: usize,
    /// Files that a user cancelled.
    pub cancelled: usize,
    /// Files that a user paused.
    pub paused: usize,
    /// Files whose upload was interrupted and that have not come back.
    pub interrupted: usize,
    /// Files that another tab works on.
    pub elsewhere: usize,
    /// Bytes of all files, less what was never sent of those cancelled.
    pub bytes: u64,
    /// Bytes sent.
    pub sent: u64,
    /// Bytes per second over the last few seconds.
    pub bytes_per_second: u64,
    /// Whether the manifest of a batch is on its way, of all files together.
    pub is_closing: bool,
    /// How long the rest takes at that speed; `None` while the speed is not known.
    pub time_left: Option<Duration>,
}

impl Totals {
    /// Files that have not ended and that this page works on.
    pub const fn unfinished(&self) -> usize {
        let ended = self.stored + self.failed + self.cancelled;
        self.files - ended - self.paused - self.interrupted - self.elsewhere
    }
}
