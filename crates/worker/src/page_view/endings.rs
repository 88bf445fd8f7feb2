//! Which files have ended, and whether the set-up may be at fault.

use std::collections::{BTreeSet, HashSet};

use engine::{Engine, ErrorKind, FileId, FileStatus, FileView};
use messages::{Ended, Outcome, ToPage};

use super::row;

/// What the page has learned about the end of files.
#[derive(Default)]
pub(super) struct Endings {
    /// Files whose end was sent; a file that is tried again can end again.
    ended: HashSet<FileId>,
    /// Whether the page knows that the set-up may be at fault.
    is_setup_suspected: bool,
}

impl Endings {
    pub(super) fn remove(&mut self, removed: &HashSet<FileId>) {
        self.ended.retain(|ended| !removed.contains(ended));
    }

    /// The files among those that have changed whose end the page does not know.
    pub(super) fn ended(&mut self, engine: &Engine, changed: &BTreeSet<FileId>) -> Option<ToPage> {
        let mut endings = Vec::new();
        for id in changed {
            let ending = engine.view(*id).and_then(|view| ending(*id, view));
            match ending {
                Some(ending) if self.ended.insert(*id) => endings.push(ending),
                Some(_) => {}
                None => {
                    self.ended.remove(id);
                }
            }
        }
        (!endings.is_empty()).then_some(ToPage::Ended(endings))
    }

    /// Reports once that the set-up may be at fault.
    pub(super) fn setup_suspected(&mut self, engine: &Engine, changed: &BTreeSet<FileId>) -> Option<ToPage> {
        let is_suspect = |id: &FileId| match engine.view(*id).map(|view| view.status) {
            Some(FileStatus::Failed(error) | FileStatus::Waiting { error, .. }) => {
                is_caused_by_setup(error.kind)
            }
            _ => false,
        };
        let is_new = !self.is_setup_suspected && changed.iter().any(is_suspect);
        self.is_setup_suspected |= is_new;
        is_new.then_some(ToPage::SetupSuspected)
    }
}

fn ending(id: FileId, view: FileView) -> Option<Ended> {
    let outcome = match view.status {
        FileStatus::Stored => Outcome::Stored {
            key: view.key.unwrap_or_default(),
        },
        FileStatus::Failed(error) => Outcome::Failed {
            error: row::error(error),
        },
        _ => return None,
    };
    Some(Ended {
        id,
        name: view.name,
        size: view.size,
        outcome,
    })
}

/// Whether a mistake in the set-up can cause such an error, rather than the file or the moment.
const fn is_caused_by_setup(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ApiUnreachable
            | ErrorKind::ApiUnexpectedAnswer
            | ErrorKind::S3Unreachable
            | ErrorKind::S3Blocked
            | ErrorKind::Expired
            | ErrorKind::ClockSkewed
            | ErrorKind::AccessDenied
            | ErrorKind::SignatureRefused
            | ErrorKind::EtagHidden
            | ErrorKind::S3UnexpectedAnswer
            | ErrorKind::S3Refused
    )
}
