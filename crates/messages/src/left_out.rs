//! What of the user's choice does not go onto the list.

use serde::{Deserialize, Serialize};

/// Which chosen files may go onto the list, by the page's settings. The Lambda decides in the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The accepted types and extensions, as HTML's `accept` attribute has them; all if it is empty.
    pub accept: String,
    /// The largest file, in bytes.
    pub max_file_bytes: Option<u64>,
    /// The most files on the list that have not ended.
    pub max_files: Option<u32>,
}

/// What was left out of the user's last choice for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The reason.
    pub reason: Reason,
    /// How many files, or folders.
    pub count: u32,
    /// The names of the first of them, as far as they are known.
    pub names: Vec<String>,
}

/// Why something was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// The file's type is not accepted.
    Type,
    /// It is too large.
    Size,
    /// There are enough files already.
    Count,
    /// It could not be read.
    Unreadable,
    /// It is on the list already, and has not ended.
    Listed,
    /// A system or a program left it in a folder, and nobody chose it.
    Clutter,
    /// It is a folder, and nothing is in it.
    EmptyFolder,
}
