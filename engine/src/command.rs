//! What the engine asks of the outside.

use std::{ops::Range, time::Duration};

use wire::SignedRequest;

use crate::{CallId, FileId, Ticket};

/// The Lambda's routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiRoute {
    /// `POST /uploads`.
    Uploads,
    /// `POST /sign`.
    Sign,
}

impl ApiRoute {
    /// The path below the API's address.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Uploads => "/uploads",
            Self::Sign => "/sign",
        }
    }
}

/// What the engine asks of the outside. Each command with a ticket or a call id is answered by one
/// event with the same, unless it is cancelled first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Hash these bytes of the file with SHA-256; answered by [`crate::Event::Hashed`].
    Hash {
        /// Names the command.
        ticket: Ticket,
        /// Bytes of the file.
        range: Range<u64>,
    },
    /// Look whether the file is still what was hashed of it; answered by [`crate::Event::Checked`].
    Check {
        /// Names the command.
        ticket: Ticket,
    },
    /// POST this JSON to the Lambda; answered by [`crate::Event::CallAnswered`].
    Call {
        /// Names the command.
        call: CallId,
        /// Which route.
        route: ApiRoute,
        /// The JSON.
        body: String,
    },
    /// Send these bytes of the file to S3, with [`crate::Event::Progress`] as they go; answered by
    /// [`crate::Event::Answered`].
    Put {
        /// Names the command.
        ticket: Ticket,
        /// The presigned request.
        request: SignedRequest,
        /// Bytes of the file.
        range: Range<u64>,
    },
    /// Send this small request to S3; answered by [`crate::Event::Answered`].
    Send {
        /// Names the command.
        ticket: Ticket,
        /// The presigned request.
        request: SignedRequest,
        /// The XML to send; nothing where it is empty.
        body: String,
    },
    /// Stop the command with this ticket; its answer is no longer wanted.
    Cancel {
        /// The command to stop.
        ticket: Ticket,
    },
    /// Stop the call with this id; its answer is no longer wanted.
    CancelCall {
        /// The call to stop.
        call: CallId,
    },
    /// Send [`crate::Event::Tick`] at this time; it takes the place of any earlier one.
    WakeAt(Duration),
    /// What [`crate::Engine::view`] says of this file changed.
    Changed(FileId),
    /// Keep what [`crate::Engine::record`] says of this file, in place of all that was kept before.
    Save(FileId),
    /// Keep this part, of which [`crate::Engine::recorded_part`] tells, besides what is kept.
    SavePart(FileId, u32),
    /// Nothing of this file has to be kept any more.
    Forget(FileId),
    /// The file is off the list; whatever is held for it can go.
    Removed(FileId),
}
