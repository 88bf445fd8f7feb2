//! Which files are on the list.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use engine::{Engine, FileDescription, FileId, FileStatus};

/// The files on the list by what tells them apart: the name with the folders above it, the size and the time.
///
/// It holds a hash of that and not the name once more, since a list may have 100,000 files. Of files alike it knows the
/// last one.
#[derive(Default)]
pub(super) struct Listed {
    ids: HashMap<u64, FileId>,
}

impl Listed {
    pub(super) fn add(&mut self, id: FileId, file: &FileDescription) {
        self.ids.insert(fingerprint(file), id);
    }

    /// Whether the list has a file and it has not ended.
    pub(super) fn has(&self, engine: &Engine, file: &FileDescription) -> bool {
        let Some(id) = self.ids.get(&fingerprint(file)) else {
            return false;
        };
        match engine.view(*id) {
            Some(view) => !matches!(
                view.status,
                FileStatus::Stored | FileStatus::Failed(_) | FileStatus::Cancelled
            ),
            // The engine is going to have those that were sorted out together with this one.
            None => *id >= engine.next_file_id(),
        }
    }
}

fn fingerprint(file: &FileDescription) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&file.name, file.size, file.last_modified).hash(&mut hasher);
    hasher.finish()
}
