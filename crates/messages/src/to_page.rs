//! Messages from the worker to its page.

use engine::{ErrorKind, FileId, Selection, Totals};
use serde::{Deserialize, Serialize};

use crate::{Filter, Finding, LeftOut, LinkTerms, Row, RowError};

/// A message from the worker to its page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToPage {
    /// The rows to show, in order; sent when they are other rows than before.
    Rows {
        /// The filter that they passed.
        filter: Filter,
        /// How many rows there are.
        total: u32,
        /// The position of the first row.
        first: u32,
        /// The rows.
        rows: Vec<Row>,
    },
    /// Rows on the screen that have changed.
    RowsChanged(Vec<Row>),
    /// The sums over all files, about twice per second.
    Totals(Totals),
    /// Files that have ended since the last such message.
    Ended(Vec<Ended>),
    /// All that was left out of the user's last choice, by reason; sent when it changes.
    LeftOut(Vec<LeftOut>),
    /// Whether the browser stores anything for this page; while it does not, no upload can be resumed after a
    /// reload. Sent when that changes.
    StorageAvailable(bool),
    /// The user wants to resume these interrupted files, whose bytes the worker does not have.
    ///
    /// The handle of each is sent along, or `undefined`: the page has to ask the user for permission to
    /// read it, or for the file.
    FilesNeeded {
        /// What the user selected.
        selection: Selection,
        /// The files.
        ids: Vec<FileId>,
    },
    /// A receipt that the user wants to save.
    Receipt {
        /// Where it is, a `blob:` URL.
        url: String,
        /// What its file is to be called.
        name: String,
    },
    /// A thumbnail of this file is sent along, as an `ImageBitmap`.
    Thumbnail(FileId),
    /// What the user answered to the page's questions for an upload that can be resumed: JSON, by the names of the fields;
    /// `null` if it is another user than before.
    AnswersKept(String),
    /// What the upload link of [`crate::Start::link`] allows.
    LinkOpened(LinkTerms),
    /// Why it lets nobody in. That the API is unreachable or busy is not the last word.
    LinkRefused(ErrorKind),
    /// The API requires the user to sign in.
    NotSignedIn,
    /// What the set-up check found; never empty.
    SetupChecked(Vec<Finding>),
}

/// A file that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The file's id.
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
    /// It is stored in S3 under this key.
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
