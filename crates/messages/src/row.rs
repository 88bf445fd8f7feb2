//! A row of the list: a file, or the batch that files came in.

use engine::{ErrorKind, Mismatch, Notice, Selection, Totals};
use serde::{Deserialize, Serialize};
use wire::Verdict;

/// One row of the list, with everything that it shows: a file, or all files of a batch together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The file or the batch, which is what its buttons are for.
    pub of: Selection,
    /// The file's name as its owner knows it, with the folders above it if a folder was picked; or the folder that the
    /// batch consists of; empty if it is not a single folder.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its media type; may be empty.
    pub media_type: String,
    /// How far it is. A batch in which something failed has the error of one of its files.
    pub state: RowState,
    /// Bytes sent; never decreases.
    pub sent: u64,
    /// Bytes per second over the last few seconds; 0 while nothing moves.
    pub bytes_per_second: u64,
    /// Its key in S3, once it is stored.
    pub key: Option<String>,
    /// What else the user should know.
    pub notice: Option<Notice>,
    /// What a scan found in the stored object, once that is known.
    pub verdict: Option<Verdict>,
    /// Whether it is one of the files below the row of their batch.
    pub is_inside: bool,
    /// What the row of a batch shows besides. It is boxed, since most rows are of files.
    pub batch: Option<Box<BatchSummary>>,
}

/// What the row of a batch shows besides what that of a file does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchSummary {
    /// The sums over its files that are on the list.
    pub totals: Totals,
    /// Whether its files are below it on the list.
    pub is_open: bool,
    /// What is stored of it, if anything is.
    pub receipt: Option<Receipt>,
}

/// What is stored of a batch, whether it is on the list or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The batch's id, as it is in the keys.
    pub batch: String,
    /// How many files.
    pub files: u32,
    /// Their size in bytes.
    pub bytes: u64,
    /// When the last of them was stored, by the browser's clock and in its time zone: `2026-11-29 13:45`.
    pub stored_at: String,
}

/// How far a file is: [`engine::FileStatus`] in a form that can be sent.
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
    /// Its bytes are being sent.
    Sending,
    /// Its bytes have left, and S3's confirmation is awaited.
    Confirming,
    /// All parts are stored; S3 assembles them.
    Finishing,
    /// Something went wrong; it continues by itself.
    Waiting {
        /// In how many seconds it continues.
        seconds: u32,
        /// What went wrong.
        error: RowError,
    },
    /// The file cannot be read now; what S3 has of it is kept, and it continues once it can be read.
    Unreadable,
    /// It waits for the network to come back.
    Offline,
    /// It waits for the user to sign in.
    SignedOut,
    /// It waits for the upload link to be valid again.
    LinkEnded,
    /// The user paused it.
    Paused,
    /// It is stored in S3.
    Stored,
    /// It was given up; the user can try again.
    Failed(RowError),
    /// The user cancelled it.
    Cancelled,
    /// An earlier page left it unfinished, and its file has to be picked again; the last file that was
    /// picked for it was refused for this reason.
    Interrupted(Option<Mismatch>),
    /// Another tab uploads it.
    Elsewhere,
}

/// What the user has to know about an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowError {
    /// What went wrong.
    pub kind: ErrorKind,
    /// The limit in bytes that was exceeded: the API's for a file, or what a request on the way may have.
    pub max_bytes: Option<u64>,
    /// The S3 host that something blocks.
    pub host: Option<String>,
    /// The media types that are accepted, such as `image/*`; empty if that was not the reason.
    pub allowed_types: Vec<String>,
    /// What support will ask for: S3's status, code and request id, or the API's code and message.
    /// Empty if there was no answer.
    pub details: String,
}
