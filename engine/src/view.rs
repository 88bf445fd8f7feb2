//! What the outside can see of the engine: names, and the state of a file in words.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::UploadError;

/// Names a file for as long as the engine lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileId(pub u32);

/// Names one command for one file. No two commands have the same attempt, so that an answer can
/// only ever be taken for what it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// The file that the command is for.
    pub file: FileId,
    /// Which command.
    pub attempt: u64,
}

/// Names one call of the Lambda.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// The state of a file, as a person would put it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileStatus {
    /// It waits for its turn.
    Queued,
    /// It is being hashed.
    Hashing,
    /// The Lambda or S3 is being asked where its bytes may go.
    Preparing,
    /// It is compared with what was sent of it before an interruption.
    Comparing,
    /// It is signed and waits for a free request.
    Ready,
    /// Its bytes are on their way.
    Sending,
    /// All parts are stored; S3 puts them together.
    Finishing,
    /// Something went wrong; it goes on by itself.
    Waiting {
        /// When it goes on, on the clock of the events.
        until: Duration,
        /// What went wrong.
        error: UploadError,
    },
    /// It waits for the network to come back.
    Offline,
    /// A person paused it.
    Paused,
    /// S3 has it.
    Stored,
    /// It was given up; a person can try again.
    Failed(UploadError),
    /// A person cancelled it.
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
    /// It was changed since.
    LastModified,
    /// Its bytes are not those that were sent.
    Content,
    /// It cannot be read.
    Unreadable,
}

/// Something a person should know about a file that goes on nonetheless.
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
    /// Bytes a second over the last few seconds; 0 while nothing moves.
    pub bytes_per_second: u64,
    /// Where S3 has it, once it is stored.
    pub key: Option<String>,
    /// What a person should know besides.
    pub notice: Option<Notice>,
}

/// All files together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Files on the list.
    pub files: usize,
    /// Files that S3 has.
    pub stored: usize,
    /// Files that were given up.
    pub failed: usize,
    /// Files that a person cancelled.
    pub cancelled: usize,
    /// Files that a person paused.
    pub paused: usize,
    /// Files whose upload was interrupted and that have not come back.
    pub interrupted: usize,
    /// Files that another tab works on.
    pub elsewhere: usize,
    /// Bytes of all files, less what was never sent of those cancelled.
    pub bytes: u64,
    /// Bytes sent.
    pub sent: u64,
    /// Bytes a second over the last few seconds.
    pub bytes_per_second: u64,
    /// How long the rest takes at that speed; nothing while the speed is not known.
    pub time_left: Option<Duration>,
}

impl Totals {
    /// Files that have not ended and that this page works on.
    pub const fn unfinished(&self) -> usize {
        let ended = self.stored + self.failed + self.cancelled;
        self.files - ended - self.paused - self.interrupted - self.elsewhere
    }
}
