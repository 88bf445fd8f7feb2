//! The events of the simulated world, each scheduled at a time.

use std::ops::Range;

use engine::{CallId, FileId, SaveId, Ticket};

use crate::models::{in_transit::Answer, records::Write};

/// Something that happens at a time of the world.
#[derive(Debug)]
pub(crate) enum SimEvent {
    FilesPicked(usize),
    Hashed(Ticket, Range<u64>),
    Checked(Ticket),
    Reopened(Ticket),
    Progress(Ticket, u64),
    RequestArrived(Ticket),
    RequestAnswered(Ticket, Answer),
    /// The same answer again.
    AnsweredAgain(Ticket, Answer),
    CallArrived(CallId),
    CallAnswered(CallId, Answer),
    CallAnsweredAgain(CallId, Answer),
    Tick {
        generation: u64,
    },
    NetworkDown,
    NetworkUp,
    Sleep,
    UserAction,
    FileChange,
    /// A file that was away can be read again.
    FileBack(usize),
    UploadDropped,
    TabCrash,
    FileReturned(FileId),
    WriteDone(Write),
    /// The browser reports that what was written by now is on the disk.
    Saved(SaveId),
    /// The page has written a manifest.
    ManifestWritten(FileId),
    FaultsEnd,
}

impl SimEvent {
    /// Whether it happens even if the tab crashes first.
    pub(crate) const fn survives_tab(&self) -> bool {
        matches!(
            self,
            Self::FilesPicked(_)
                | Self::NetworkDown
                | Self::NetworkUp
                | Self::Sleep
                | Self::UserAction
                | Self::FileChange
                | Self::FileBack(_)
                | Self::UploadDropped
                | Self::TabCrash
                | Self::FaultsEnd
        )
    }
}
