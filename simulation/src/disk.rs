//! The files on the simulated disk. Their bytes do not exist: a range of a version of a file is
//! named instead, and its digest is computed from that name.

use std::ops::Range;

use engine::{FileDescription, FileFailure, FileId};
use wire::Sha256Digest;

/// Bytes, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) file: FileId,
    /// How often the file had changed when it was read.
    pub(crate) version: u32,
    pub(crate) range: Range<u64>,
}

impl Content {
    pub(crate) const fn size(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// Stands for the SHA-256: different contents have different ones.
    pub(crate) fn digest(&self) -> Sha256Digest {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&self.file.0.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.version.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.range.start.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.range.end.to_le_bytes());
        Sha256Digest::new(bytes)
    }
}

/// What somebody did to a file after it was picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Its bytes changed and every read fails, as the File API asks of browsers.
    Noticed,
    /// Its bytes changed and reads succeed with the new ones; only a check of the file's snapshot
    /// state fails. Browsers that look at the time of the last change once in a while do that.
    Unnoticed,
    /// It was deleted.
    Vanished,
}

/// A file on the disk.
#[derive(Debug)]
pub(crate) struct DiskFile {
    pub(crate) description: FileDescription,
    pub(crate) version: u32,
    pub(crate) change: Option<Change>,
    /// Whether another file of the same name, size and time has been in its place.
    pub(crate) was_replaced: bool,
}

impl DiskFile {
    pub(crate) const fn new(description: FileDescription) -> Self {
        Self {
            description,
            version: 0,
            change: None,
            was_replaced: false,
        }
    }

    pub(crate) const fn change(&mut self, change: Change) {
        self.version += 1;
        self.change = Some(change);
    }

    pub(crate) const fn read(&self, file: FileId, range: Range<u64>) -> Result<Content, FileFailure> {
        match self.change {
            Some(Change::Vanished) => Err(FileFailure::Missing),
            Some(Change::Noticed) => Err(FileFailure::Unreadable),
            Some(Change::Unnoticed) | None => Ok(Content {
                file,
                version: self.version,
                range,
            }),
        }
    }

    pub(crate) const fn check(&self) -> Result<(), FileFailure> {
        match self.change {
            Some(Change::Vanished) => Err(FileFailure::Missing),
            Some(Change::Noticed | Change::Unnoticed) => Err(FileFailure::Unreadable),
            None => Ok(()),
        }
    }
}
