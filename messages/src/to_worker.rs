//! What the page says to its worker.

use engine::{FileId, Selection, Settings};
use serde::{Deserialize, Serialize};

/// What the page says to its worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToWorker {
    /// Begin; the first message of all.
    Start(Start),
    /// Add files that a person picked, or give them back to the interrupted uploads that they belong
    /// to. Along come the files, and after them as many handles, or `undefined` for a file that has none.
    Add {
        /// The name of each, with the folders above it.
        names: Vec<String>,
    },
    /// A person wants this.
    Act(Action, Selection),
    /// The next file that is picked is for this interrupted upload, or for none in particular.
    Await(Option<FileId>),
    /// The file of an interrupted upload, read by its handle, comes along.
    Attach(FileId),
    /// These rows are on the screen; each change of them is to be told.
    Show(Window),
    /// A small picture of this file is wanted.
    Thumbnail(FileId),
    /// Whether the browser has a network.
    Network(bool),
    /// The person looks at the page again.
    LookedAt,
    /// The access token to send to the API (RFC 6750), or none.
    AccessToken(Option<String>),
    /// Check whether everything that an upload needs is set up; answered by
    /// [`crate::ToPage::SetupChecked`].
    CheckSetup,
    /// Nobody is left to show anything to. What is under way is dropped.
    End,
}

/// How to begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The absolute URL of the Lambda's API, without a slash at its end.
    pub api_url: String,
    /// The engine's numbers.
    pub settings: Settings,
    /// Whether the API knows what was found in stored files (`POST /verdicts`).
    pub verdicts: bool,
    /// The seed of the back-off's jitter.
    pub seed: u64,
}

/// What a person can do to files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Pause what is queued or under way.
    Pause,
    /// Let what is paused or was interrupted go on.
    Resume,
    /// Give up what has not ended.
    Cancel,
    /// Try again what failed.
    Retry,
    /// Take what has ended off the list.
    Remove,
}

/// Which files the list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Filter {
    /// Every file.
    #[default]
    All,
    /// Those that have not ended, paused ones among them.
    Unfinished,
    /// Those that S3 has.
    Stored,
    /// Those that a person has to look at: failed or interrupted.
    NeedsAttention,
}

/// The rows on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Of which files.
    pub filter: Filter,
    /// The position of the first.
    pub first: u32,
    /// How many; more than there are is no error.
    pub count: u32,
}
