//! The files on the simulated disk. Their bytes do not exist: a range of a version of a file is
//! named instead, and its digest is computed from that name.

use std::ops::Range;

use engine::{FileDescription, FileFailure, FileId};
use wire::{BatchId, Sha256Digest};

/// The bits of a version that count the changes; the other one says that another file is in the place of the first.
const CHANGES: u32 = !ANOTHER_FILE;
pub(crate) const ANOTHER_FILE: u32 = 1 << 31;

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

/// What happens to a file after it was picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is deleted.
    Vanished,
    /// It cannot be read for a while: a share, a stick or a cloud folder is away, or a scanner holds it.
    Away(FileFailure),
    /// It is touched, or replaced by equal bytes.
    Touched,
    /// It is replaced by as many other bytes.
    OtherBytes,
    /// It is replaced by more bytes.
    OtherSize,
}

/// What a browser does with a file that changed since it was picked or opened anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noticing {
    /// Every read fails, as the File API requires.
    AtOnce,
    /// Reads succeed with the bytes of now; only a check of the file's snapshot state fails. Browsers that look at
    /// the time of the last change only now and then do that.
    AtCheck,
}

/// Whether a file can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    There,
    Away(FileFailure),
    Gone,
}

/// A file on the disk, and the browser's view of it.
#[derive(Debug)]
pub(crate) struct DiskFile {
    /// The batch that it was picked in.
    pub(crate) batch: BatchId,
    /// Its size when it was picked first.
    pub(crate) picked_size: u64,
    /// As it is on the disk now.
    pub(crate) description: FileDescription,
    pub(crate) version: u32,
    pub(crate) presence: Presence,
    /// Whether its bytes or its size are not those that were picked first.
    pub(crate) has_changed: bool,
    /// Whether another file of the same name and size has been in its place.
    pub(crate) was_replaced: bool,
    /// The file as the browser opened it.
    opened: FileDescription,
    opened_version: u32,
    noticing: Noticing,
    /// Whether the browser can take it anew from where it came.
    has_handle: bool,
}

impl DiskFile {
    pub(crate) fn new(
        batch: BatchId,
        description: FileDescription,
        noticing: Noticing,
        has_handle: bool,
    ) -> Self {
        Self {
            batch,
            picked_size: description.size,
            opened: description.clone(),
            opened_version: 0,
            description,
            version: 0,
            presence: Presence::There,
            has_changed: false,
            was_replaced: false,
            noticing,
            has_handle,
        }
    }

    pub(crate) fn change(&mut self, change: Change) {
        match change {
            Change::Vanished => self.presence = Presence::Gone,
            Change::Away(failure) if self.presence == Presence::There => {
                self.presence = Presence::Away(failure);
            }
            Change::Away(_) => {}
            Change::Touched => self.description.last_modified += 1_000,
            Change::OtherBytes | Change::OtherSize => {
                self.version += 1;
                self.has_changed = true;
                self.description.last_modified += 1_000;
                self.description.size += u64::from(change == Change::OtherSize);
            }
        }
    }

    /// It can be read again, unless it was deleted meanwhile.
    pub(crate) fn return_to_disk(&mut self) {
        if let Presence::Away(_) = self.presence {
            self.presence = Presence::There;
        }
    }

    pub(crate) fn read(&self, file: FileId, range: Range<u64>) -> Result<Content, FileFailure> {
        self.find()?;
        if self.is_outdated() && self.noticing == Noticing::AtOnce {
            return Err(FileFailure::Unreadable);
        }
        let version = self.version;
        Ok(Content { file, version, range })
    }

    pub(crate) fn check(&self) -> Result<(), FileFailure> {
        self.find()?;
        if self.is_outdated() {
            return Err(FileFailure::Unreadable);
        }
        Ok(())
    }

    /// The browser takes the file anew by its handle, or reads a byte of the one that it has.
    pub(crate) fn reopen(&mut self, file: FileId) -> Result<FileDescription, FileFailure> {
        if self.has_handle && !self.was_replaced {
            self.find()?;
            self.open();
        } else {
            self.read(file, 0..self.opened.size.min(1))?;
        }
        Ok(self.opened.clone())
    }

    /// The browser has the file as it is now.
    pub(crate) fn open(&mut self) {
        self.opened = self.description.clone();
        self.opened_version = self.version;
    }

    /// Whether these are bytes from before a change that the browser had seen when it opened the file.
    pub(crate) const fn is_before_opened(&self, content: &Content) -> bool {
        content.version & CHANGES < self.opened_version & CHANGES
    }

    fn is_outdated(&self) -> bool {
        self.opened.last_modified != self.description.last_modified
    }

    const fn find(&self) -> Result<(), FileFailure> {
        match self.presence {
            Presence::There => Ok(()),
            Presence::Away(failure) => Err(failure),
            Presence::Gone => Err(FileFailure::Missing),
        }
    }

    /// Whether an upload of it may wait for a user for ever.
    pub(crate) fn is_lost(&self) -> bool {
        self.has_changed || self.presence == Presence::Gone
    }
}
