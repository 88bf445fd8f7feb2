//! What the engine wants done.

use std::{ops::Range, time::Duration};

use wire::{BatchId, SignedRequest};

use crate::{CallId, FileId, SaveId, Ticket};

/// The routes of the Lambda's API that the engine calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiRoute {
    /// `POST /uploads`: plans files.
    Uploads,
    /// `POST /sign`: signs requests of one multipart upload.
    Sign,
    /// `POST /manifests`: signs the PutObject of a manifest.
    Manifests,
}

impl ApiRoute {
    /// The path below the API's URL.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Uploads => "/uploads",
            Self::Sign => "/sign",
            Self::Manifests => "/manifests",
        }
    }
}

/// How the body of a [`Command::Put`] is handed to the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodySource {
    /// A slice of the file, which the browser reads as it sends (W3C File API, "slice").
    Slice,
    /// The bytes, read into memory before the request starts.
    Bytes,
}

/// What the engine wants done. Each command with a ticket or a call id is answered by one event with the same,
/// unless it is cancelled first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Hash these bytes of the file with SHA-256. Answered by [`crate::Event::Hashed`].
    Hash {
        /// What the answer has to bring back.
        ticket: Ticket,
        /// The range of the file, in bytes.
        range: Range<u64>,
    },
    /// Check whether the file is still what was hashed of it. Answered by [`crate::Event::Checked`].
    Check {
        /// What the answer has to bring back.
        ticket: Ticket,
    },
    /// Take the file anew from where it came, because it could not be read: by its handle if there is one, and
    /// otherwise by reading a byte of the file at hand. Answered by [`crate::Event::Reopened`].
    Reopen {
        /// What the answer has to bring back.
        ticket: Ticket,
    },
    /// POST this JSON to the Lambda. Answered by [`crate::Event::CallAnswered`].
    Call {
        /// What the answer has to bring back.
        call: CallId,
        /// The route to call.
        route: ApiRoute,
        /// The JSON to send.
        body: String,
    },
    /// Send these bytes of the file to S3, with [`crate::Event::Progress`] as they go. Answered by
    /// [`crate::Event::Answered`].
    Put {
        /// What the answer has to bring back.
        ticket: Ticket,
        /// The presigned request, to be sent exactly as it was signed.
        request: SignedRequest,
        /// The range of the file, in bytes.
        range: Range<u64>,
        /// How these bytes become the body.
        body: BodySource,
    },
    /// Send this request without file bytes to S3. Answered by [`crate::Event::Answered`].
    Send {
        /// What the answer has to bring back.
        ticket: Ticket,
        /// The presigned request, to be sent exactly as it was signed.
        request: SignedRequest,
        /// The XML to send; empty if the request has no body.
        body: String,
    },
    /// Stop the command with this ticket. Its answer is not awaited any more.
    Cancel {
        /// The command to stop.
        ticket: Ticket,
    },
    /// Stop the call with this id. Its answer is not awaited any more.
    CancelCall {
        /// The call to stop.
        call: CallId,
    },
    /// Send [`crate::Event::Tick`] at this time, on the clock of the events. It replaces any time asked for before.
    WakeAt(Duration),
    /// What [`crate::Engine::view`] returns for this file has changed.
    Changed(FileId),
    /// Keep what [`crate::Engine::record`] returns for this file, in place of all that was kept before.
    Save(FileId),
    /// Keep the part of this number, which [`crate::Engine::recorded_part`] returns, besides what is kept.
    SavePart(FileId, u32),
    /// Delete what is kept of this file.
    Forget(FileId),
    /// Every file of this batch is stored or off the list, and so is its manifest. Delete what is kept of its stored
    /// files.
    ForgetBatch(BatchId),
    /// S3 has this file. Note what [`crate::Engine::stored`] returns of it for the manifest and the receipt of its batch.
    Stored(FileId),
    /// Nothing of this batch is unfinished: write its manifest, of what was noted and of what
    /// [`crate::Engine::not_stored`] returns, and hold it under this id for [`Command::Put`], until
    /// [`Command::Removed`]. Answered by [`crate::Event::ManifestWritten`] or [`crate::Event::ManifestNotWritten`].
    WriteManifest {
        /// The id of the manifest, which is no file on the list.
        manifest: FileId,
        /// The batch.
        batch: BatchId,
    },
    /// S3 has the manifest of this batch.
    ManifestStored {
        /// The batch.
        batch: BatchId,
        /// The key of the manifest.
        key: String,
    },
    /// Report by [`crate::Event::Saved`] when all that was to be kept so far is on the disk. Where the browser stores
    /// nothing, that is at once.
    ReportSaved(SaveId),
    /// The file is off the list. Whatever is held for it can be dropped.
    Removed(FileId),
}
