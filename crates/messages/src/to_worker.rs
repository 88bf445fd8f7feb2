//! Messages from the page to its worker.

use engine::{FileId, Selection, Settings};
use serde::{Deserialize, Serialize};

use crate::{Limits, Reason};

/// A message from the page to its worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToWorker {
    /// Start; always the first message.
    Start(Start),
    /// Forget what was left out of the user's last choice.
    ForgetLeftOut,
    /// Add files that the user picked, or return them to the interrupted uploads that they belong to.
    ///
    /// The files are sent along, followed by as many handles, `undefined` for a file without one. In the place of a
    /// folder that was pasted is a file that cannot be read, with the folder's handle.
    AddFiles {
        /// The number of the choice that they were part of; files of one choice are one batch.
        choice: u32,
        /// The name of each file, with the folders above it.
        names: Vec<String>,
    },
    /// What the user answered to the page's questions in this choice is sent along: an object of texts, by the names of
    /// the fields. It comes before the files.
    Answers(u32),
    /// The page itself left these names out of the user's choice; a name is empty if nobody knows it.
    LeftOut(Vec<(Reason, String)>),
    /// Add what was left out of the last choice as clutter.
    AddClutter,
    /// The user wants this done to these files.
    UserAction(Action, Selection),
    /// The next file that is picked is for this interrupted upload, or for none in particular.
    ExpectFileFor(Option<FileId>),
    /// The file of an interrupted upload, read through its handle, is sent along.
    Attach(FileId),
    /// These rows are on the screen; report every change of them.
    SetViewport(Viewport),
    /// Send a thumbnail of this file.
    Thumbnail(FileId),
    /// The browser has a network again.
    Online,
    /// The browser has lost its network.
    Offline,
    /// The user has come back to the page.
    PageFocused,
    /// The access token to send to the API (RFC 6750), or none while the user has to sign in again. The uploads of
    /// another user than before are dropped, and can be resumed by the one whose they are. An empty one says that the
    /// user signs out: nothing of theirs is kept.
    AccessToken(Option<String>),
    /// Check whether everything that an upload needs is set up; answered by
    /// [`crate::ToPage::SetupChecked`].
    CheckSetup,
    /// The page is going away. Drop whatever is in flight.
    Disconnect,
}

/// What the worker has to know to start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The absolute URL of the Lambda's API, without a slash at its end.
    pub api_url: String,
    /// The token of the upload link that the page was opened with. There is nothing to upload with before it was
    /// answered by [`crate::ToPage::LinkOpened`].
    pub link: Option<String>,
    /// The engine's settings.
    pub settings: Settings,
    /// Which files may be chosen.
    pub limits: Limits,
    /// Whether the API can say what was found in stored files (`POST /verdicts`).
    pub verdicts: bool,
    /// Whether the browser keeps what uploads need to be resumed after a reload.
    pub resume: bool,
    /// The seed of the back-off's jitter.
    pub seed: u64,
}

/// What the user can do to files, or to the row of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Pause what is queued or in flight.
    Pause,
    /// Continue what was paused or interrupted.
    Resume,
    /// Give up what has not ended.
    Cancel,
    /// Try again what failed.
    Retry,
    /// Take what has ended off the list.
    Remove,
    /// Show the files of a batch.
    ShowFiles,
    /// Show only the batch.
    HideFiles,
    /// Save the receipt of a batch as a table (RFC 4180).
    SaveCsv,
    /// Save the receipt of a batch as its manifest has it.
    SaveJson,
}

/// Which files the list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Filter {
    /// Every file.
    #[default]
    All,
    /// Those that have not ended, paused ones included.
    Unfinished,
    /// Those that are stored in S3.
    Stored,
    /// Those that need the user: failed or interrupted.
    NeedsAttention,
}

/// The rows on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewport {
    /// The filter that the list has.
    pub filter: Filter,
    /// The position of the first row.
    pub first: u32,
    /// The number of rows; may be more than there are.
    pub count: u32,
}
