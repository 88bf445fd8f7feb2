//! Which interrupted upload a picked file belongs to.

use std::collections::{HashMap, VecDeque};

use engine::{Engine, FileDescription, FileId};

use crate::driver::base_name;

/// What tells files apart before anything of them is read: the name without the folders above it, since
/// a file that came with its folder may come back alone; the size, and the time of the last change.
type Identity = (String, u64, i64);

/// The interrupted uploads, by what their files have to be.
pub(crate) struct Awaiting {
    awaited: Option<FileId>,
    by_identity: HashMap<Identity, VecDeque<FileId>>,
}

impl Awaiting {
    /// The uploads that so many picked files may belong to. A person who was asked for the file of one
    /// of them, `awaited`, and picks one file means that, whatever the file is.
    pub(crate) fn new(engine: &Engine, awaited: Option<FileId>, picked: usize) -> Self {
        let mut by_identity = HashMap::<Identity, VecDeque<FileId>>::new();
        for (id, file) in engine.interrupted() {
            by_identity.entry(identity(file)).or_default().push_back(id);
        }
        let is_interrupted = |id: &FileId| by_identity.values().any(|ids| ids.contains(id));
        let awaited = awaited.filter(|id| picked == 1 && is_interrupted(id));
        Self { awaited, by_identity }
    }

    /// The upload that a file belongs to; no two files belong to the same.
    pub(crate) fn take(&mut self, file: &FileDescription) -> Option<FileId> {
        let by_identity = || self.by_identity.get_mut(&identity(file))?.pop_front();
        self.awaited.take().or_else(by_identity)
    }
}

fn identity(file: &FileDescription) -> Identity {
    (base_name(&file.name).to_owned(), file.size, file.last_modified)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use engine::{Event, Owner, Settings, UploadRecord};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn file(name: &str) -> FileDescription {
        FileDescription {
            name: name.to_owned(),
            size: 5,
            media_type: String::new(),
            last_modified: 7,
        }
    }

    /// Which uploads these files go to, after the uploads `a`, `a` and `b` were interrupted.
    fn check(awaited: Option<u32>, files: &[FileDescription], expected: &[Option<u32>]) {
        let records = ["a", "a", "b"].map(|name| UploadRecord {
            name: name.to_owned(),
            size: 5,
            media_type: String::new(),
            last_modified: 7,
            multipart: None,
        });
        let restored = Event::Restored {
            records: records.into(),
            owner: Owner::ThisPage,
        };
        let mut engine = Engine::new(Settings::default(), 1);
        engine.handle(restored, Duration::ZERO, &mut Vec::new());
        let mut awaiting = Awaiting::new(&engine, awaited.map(FileId), files.len());
        let taken: Vec<_> = files
            .iter()
            .map(|file| awaiting.take(file).map(|id| id.0))
            .collect();
        assert_eq!(taken, expected);
    }

    #[wasm_bindgen_test]
    fn a_file_goes_to_the_upload_with_its_name_size_and_time() {
        let changed = FileDescription {
            last_modified: 8,
            ..file("a")
        };
        let larger = FileDescription { size: 6, ..file("b") };
        check(
            None,
            &[file("b"), file("b"), file("c"), changed, larger],
            &[Some(2), None, None, None, None],
        );
    }

    #[wasm_bindgen_test]
    fn two_files_alike_go_to_two_uploads_and_a_third_is_new() {
        check(
            None,
            &[file("a"), file("a"), file("a")],
            &[Some(0), Some(1), None],
        );
    }

    #[wasm_bindgen_test]
    fn one_file_goes_to_the_upload_that_asked_for_it_if_that_still_waits() {
        check(Some(1), &[file("c")], &[Some(1)]);
        check(Some(1), &[file("b"), file("c")], &[Some(2), None]);
        check(Some(9), &[file("c")], &[None]);
    }
}
