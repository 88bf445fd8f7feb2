//! What the worker says to its page.

use engine::{FileId, Selection, Totals};
use serde::{Deserialize, Serialize};

use crate::{Filter, Finding, Row, RowError};

/// What the worker says to its page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToPage {
    /// The rows to show, in order; sent when other rows than before are to be shown.
    Rows {
        /// Of which files.
        filter: Filter,
        /// How many files there are of that kind.
        total: u32,
        /// The position of the first row.
        first: u32,
        /// The rows.
        rows: Vec<Row>,
    },
    /// Rows that are shown and changed.
    Changed(Vec<Row>),
    /// All files together, about twice a second.
    Totals(Totals),
    /// Files that ended since the last such message.
    Ended(Vec<Ended>),
    /// The browser keeps nothing for this page, so that nothing outlives it.
    KeepsNothing,
    /// A person wants these interrupted files to go on. Along comes the handle of each, or `undefined`:
    /// the person is to be asked for permission to read it, or for the file.
    Wanted {
        /// What the person selected.
        selection: Selection,
        /// The files.
        ids: Vec<FileId>,
    },
    /// A small picture of this file comes along, as an `ImageBitmap`.
    Thumbnail(FileId),
    /// The API wants somebody to sign in.
    NotSignedIn,
    /// A file has an error that a mistake of the set-up causes; told once.
    SetupSuspected,
    /// What the check of the set-up found; never empty.
    SetupChecked(Vec<Finding>),
}

/// A file that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Which file.
    pub id: FileId,
    /// Its name as its owner knows it.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a file ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// S3 has it under this key.
    Stored {
        /// The object's key.
        key: String,
    },
    /// It was given up.
    Failed {
        /// What went wrong.
        error: RowError,
    },
}
