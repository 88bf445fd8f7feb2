//! What becomes of the files that the user picks: new uploads, or the files of those that wait for them.

use std::collections::{HashMap, VecDeque};

use engine::{Attachment, Engine, Event, FileDescription, FileId, FileStatus, Mismatch};
use web_sys::File;
use wire::BatchId;

use crate::{driver::Driver, effects::handle::FileHandle, intake::IfClutter};

/// A file that the user picked.
#[derive(Clone)]
pub(crate) struct Picked {
    pub(crate) file: File,
    pub(crate) description: FileDescription,
    pub(crate) handle: Option<FileHandle>,
}

/// Adds files of a choice to the list, or returns them to the interrupted uploads that they belong to. If the user was
/// asked for the file of one of these, it is `expected`.
pub(crate) fn add(driver: &Driver, choice: u32, picked: Vec<Picked>, expected: Option<FileId>) {
    let batch = driver.intake.borrow_mut().batch(choice);
    if driver.intake.borrow().is_cancelled(batch) {
        return;
    }
    let mut interrupted = driver.query(|engine| Interrupted::new(engine, expected, picked.len()));
    let mut new = Vec::new();
    for picked in picked {
        let Some((id, fit)) = interrupted.take(&picked.description) else {
            new.push(picked);
            continue;
        };
        if fit == Fit::Guessed {
            driver.guesses.borrow_mut().insert(id, (batch, picked.clone()));
        }
        attach(driver, id, picked, Attachment::Picked);
    }
    sort_out(driver, batch, new, IfClutter::LeaveOut);
}

/// Adds what was left out of the user's last choice as clutter.
pub(crate) fn add_clutter(driver: &Driver) {
    let clutter = driver.intake.borrow_mut().take_clutter();
    for (batch, picked) in clutter {
        sort_out(driver, batch, picked, IfClutter::Take);
    }
}

/// Adds those of the files that go onto the list, and reports what does not.
fn sort_out(driver: &Driver, batch: BatchId, picked: Vec<Picked>, if_clutter: IfClutter) {
    let new = driver.query(|engine| {
        let mut intake = driver.intake.borrow_mut();
        intake.sort_out(engine, batch, picked, if_clutter)
    });
    add_new(driver, batch, new);
    driver.report_left_out();
}

fn add_new(driver: &Driver, batch: BatchId, picked: Vec<Picked>) {
    if picked.is_empty() {
        return;
    }
    let first = driver.query(Engine::next_file_id).0;
    let (mut files, mut handles) = (Vec::new(), Vec::new());
    for (id, picked) in (first..).map(FileId).zip(picked) {
        driver.files.add(id, picked.file, picked.handle.clone());
        driver.intake.borrow_mut().note_listed(id, &picked.description);
        files.push(picked.description);
        handles.extend(picked.handle.map(|handle| (id, handle)));
    }
    driver.note_added(batch);
    driver.handle(Event::FilesAdded { batch, files });
    for (id, handle) in handles {
        driver.store.set_handle(id, handle);
    }
    driver.write_records();
}

/// Looks whether a file was rightly taken for that of an interrupted upload. If its bytes are others, it is a new one.
pub(crate) fn review_guess(driver: &Driver, id: FileId) {
    if !driver.guesses.borrow().contains_key(&id) {
        return;
    }
    let outcome = driver.query(|engine| engine.view(id).map(|view| outcome(&view.status)));
    if outcome == Some(Guess::Open) {
        return;
    }
    let guessed = driver.guesses.borrow_mut().remove(&id);
    if let Some((batch, picked)) = guessed.filter(|_| outcome == Some(Guess::Wrong)) {
        add_new(driver, batch, vec![picked]);
    }
}

/// What became of a file that was taken for that of an interrupted upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guess {
    Open,
    Right,
    Wrong,
}

const fn outcome(status: &FileStatus) -> Guess {
    match status {
        FileStatus::Interrupted(Some(Mismatch::Content)) => Guess::Wrong,
        FileStatus::Confirming
        | FileStatus::Finishing
        | FileStatus::Stored
        | FileStatus::Failed(_)
        | FileStatus::Cancelled
        | FileStatus::Interrupted(_)
        | FileStatus::Elsewhere => Guess::Right,
        _ => Guess::Open,
    }
}

/// Returns a file to the interrupted upload that it belongs to, if that still waits for it. The handle of a file that
/// was picked is not stored: it may turn out to be another file.
pub(crate) fn attach(driver: &Driver, id: FileId, picked: Picked, attachment: Attachment) {
    let Picked {
        file,
        mut description,
        handle,
    } = picked;
    let Some(view) = driver.query(|engine| engine.view(id)) else {
        return;
    };
    if !matches!(
        view.status,
        FileStatus::Interrupted(_) | FileStatus::Unreadable { .. }
    ) {
        return;
    }
    // A file that came with its folder may come back alone.
    if base_name(&view.name) == base_name(&description.name) {
        description.name = view.name;
    }
    driver.files.add(id, file, handle);
    driver.intake.borrow_mut().note_listed(id, &description);
    driver.handle(Event::Attached {
        id,
        description,
        attachment,
    });
}

/// What a file has to have in common with an upload before any of it is read: the name without the folders above it,
/// since a file that came with its folder may come back alone; and the size. Its time may differ, since copies,
/// phones and sync clients change it: the engine compares the bytes.
type Identity = (String, u64);

/// How sure it is that a file is that of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// The user was asked for it, or it has the same time.
    Sure,
    /// It may be another file of the same name and size.
    Guessed,
}

/// The interrupted uploads, by the identity of their files.
struct Interrupted {
    expected: Option<FileId>,
    /// The uploads of each identity, with the times of their files.
    by_identity: HashMap<Identity, VecDeque<(FileId, i64)>>,
}

impl Interrupted {
    /// The uploads that picked files may belong to. A user who was asked for the `expected` file and picks
    /// exactly one means that one, whatever it is.
    fn new(engine: &Engine, expected: Option<FileId>, picked: usize) -> Self {
        let mut by_identity = HashMap::<Identity, VecDeque<(FileId, i64)>>::new();
        for (id, file) in engine.without_file() {
            let uploads = by_identity.entry(identity(file)).or_default();
            uploads.push_back((id, file.last_modified));
        }
        let mut interrupted = by_identity.values().flatten();
        let expected = expected
            .filter(|expected| picked == 1 && interrupted.any(|(interrupted, _)| interrupted == expected));
        Self {
            expected,
            by_identity,
        }
    }

    /// Takes the upload that a file belongs to, of several the one whose file has the same time; no two files belong
    /// to the same one.
    fn take(&mut self, file: &FileDescription) -> Option<(FileId, Fit)> {
        if let Some(expected) = self.expected.take() {
            return Some((expected, Fit::Sure));
        }
        let uploads = self.by_identity.get_mut(&identity(file))?;
        let same_time = uploads.iter().position(|(_, time)| *time == file.last_modified);
        let (id, _) = uploads.remove(same_time.unwrap_or(0))?;
        let fit = same_time.map_or(Fit::Guessed, |_| Fit::Sure);
        Some((id, fit))
    }
}

fn identity(file: &FileDescription) -> Identity {
    (base_name(&file.name).to_owned(), file.size)
}

/// A name without the folders above it.
fn base_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
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

    /// Checks which uploads these files go to, after the uploads `a`, `a` of another time and `b` were interrupted.
    fn check(expected_file: Option<u32>, files: &[FileDescription], expected: &[Option<u32>]) {
        let records = [("a", 7), ("a", 9), ("b", 7)].map(|(name, last_modified)| UploadRecord {
            name: name.to_owned(),
            size: 5,
            media_type: String::new(),
            last_modified,
            batch: None,
            copy: 0,
            has_ended: false,
            stored: None,
            manifest: None,
            fields: Default::default(),
            object: None,
            multipart: None,
        });
        let restored = Event::Restored {
            records: records.into(),
            owner: Owner::ThisPage,
        };
        let mut engine = Engine::new(Settings::default(), 1);
        engine.handle(restored, Duration::ZERO);
        let mut interrupted = Interrupted::new(&engine, expected_file.map(FileId), files.len());
        let taken: Vec<_> = files
            .iter()
            .map(|file| interrupted.take(file).map(|(id, _)| id.0))
            .collect();
        assert_eq!(taken, expected);
    }

    fn at_time(name: &str, last_modified: i64) -> FileDescription {
        FileDescription {
            last_modified,
            ..file(name)
        }
    }

    #[wasm_bindgen_test]
    fn a_file_goes_to_the_upload_with_its_name_and_size() {
        let larger = FileDescription { size: 6, ..file("b") };
        check(
            None,
            &[larger, file("c"), at_time("b", 8), file("b")],
            &[None, None, Some(2), None],
        );
    }

    #[wasm_bindgen_test]
    fn the_time_decides_only_between_uploads_alike() {
        check(None, &[at_time("a", 9), at_time("a", 8)], &[Some(1), Some(0)]);
        check(None, &[at_time("a", 8), at_time("a", 8)], &[Some(0), Some(1)]);
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
    fn a_single_file_goes_to_the_upload_that_still_asks_for_it() {
        check(Some(1), &[file("c")], &[Some(1)]);
        check(Some(1), &[file("b"), file("c")], &[Some(2), None]);
        check(Some(9), &[file("c")], &[None]);
    }

    #[wasm_bindgen_test]
    fn a_guess_is_wrong_only_once_the_bytes_differ() {
        for (status, expected) in [
            (FileStatus::Queued, Guess::Open),
            (FileStatus::Comparing, Guess::Open),
            (FileStatus::Interrupted(Some(Mismatch::Content)), Guess::Wrong),
            (FileStatus::Interrupted(Some(Mismatch::Unreadable)), Guess::Right),
            (FileStatus::Stored, Guess::Right),
        ] {
            assert_eq!(outcome(&status), expected, "{status:?}");
        }
    }
}
