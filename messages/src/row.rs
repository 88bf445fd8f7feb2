//! A file as the page shows it.

use engine::{ErrorKind, FileId, Mismatch, Notice};
use serde::{Deserialize, Serialize};
use wire::Verdict;

/// A file on the list, with all that its row says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Which file.
    pub id: FileId,
    /// Its name as its owner knows it, with the folders above it where a folder was picked.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its media type; may be empty.
    pub media_type: String,
    /// Its state.
    pub state: RowState,
    /// Bytes sent; never less than before.
    pub sent: u64,
    /// Bytes a second over the last few seconds; 0 while nothing moves.
    pub bytes_per_second: u64,
    /// Where S3 has it, once it is stored.
    pub key: Option<String>,
    /// What a person should know besides.
    pub notice: Option<Notice>,
    /// What was found in it after it was stored, once that is known.
    pub verdict: Option<Verdict>,
}

/// The state of a file; see [`engine::FileStatus`], of which this is the copy that can be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowState {
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
        /// In how many seconds it goes on.
        seconds: u32,
        /// What went wrong.
        error: RowError,
    },
    /// It waits for the network to come back.
    Offline,
    /// A person paused it.
    Paused,
    /// S3 has it.
    Stored,
    /// It was given up; a person can try again.
    Failed(RowError),
    /// A person cancelled it.
    Cancelled,
    /// An earlier page left it unfinished, and its file has to come back; the last one that came was
    /// refused for this reason.
    Interrupted(Option<Mismatch>),
    /// Another tab works on it.
    Elsewhere,
}

/// What a person needs to know of an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowError {
    /// What went wrong.
    pub kind: ErrorKind,
    /// The limit in bytes that was passed.
    pub max_bytes: Option<u64>,
    /// The media types that are accepted, such as `image/*`; empty where that was not the reason.
    pub allowed_types: Vec<String>,
    /// What support will ask for: S3's status, code and request id, or the API's code and message.
    /// Empty where nobody said anything.
    pub details: String,
}
