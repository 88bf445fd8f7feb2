//! Files that were picked together, and the names that they get.

use engine::{
    Attachment, ErrorKind, Event, FileDescription, FileId, FileStatus, HttpAnswer, Selection, Settings,
};

use crate::support::{Page, batch, created, described, gone, listed, stored, success, taken};

fn add(page: &mut Page, number: u8, sizes: &[u64]) {
    page.tell(Event::FilesAdded {
        batch: batch(number),
        files: described(sizes),
    });
}

fn asked(page: &Page, call: usize) -> Vec<(&str, u32)> {
    let (_, files) = &page.planned[call];
    files.iter().map(|(file, copy)| (&**file, *copy)).collect()
}

#[test]
fn files_of_two_batches_are_planned_apart() {
    let mut page = Page::new(Settings::default());
    page.hold_saves = true;
    add(&mut page, 1, &[1]);
    add(&mut page, 2, &[1]);
    let batches: Vec<_> = page.planned.iter().map(|(batch, _)| *batch).collect();
    assert_eq!(batches, [Some(batch(1)), Some(batch(2))]);
}

#[test]
fn a_file_of_an_earlier_version_joins_the_batch_that_is_opened() {
    let mut dead = Page::with_files(Settings::default(), &[1]);
    dead.kept.values_mut().for_each(|record| {
        record.batch = None;
        record.object = None;
    });
    let mut page = Page::after(&dead);
    page.attach(0, Attachment::Handle);
    assert_eq!(page.planned[0].0, None);
    assert_eq!(page.kept[&FileId(0)].batch, Some(batch(7)));
}

#[test]
fn nothing_is_sent_before_its_key_is_on_record() {
    let mut page = Page::new(Settings::default());
    page.hold_saves = true;
    page.pick(&[1, 1]);
    assert!(page.requests().is_empty(), "{:?}", page.requests());
    let key = page.kept[&FileId(1)].object.as_ref().map(|object| &*object.key);
    assert_eq!(key, Some("uploads/1"));
    page.tell(Event::Saved(page.held_saves[1]));
    assert_eq!(page.requests(), ["put 1"]);
}

#[test]
fn a_storage_that_never_answers_holds_nothing_up_for_long() {
    let mut page = Page::new(Settings::default());
    page.hold_saves = true;
    page.pick(&[1]);
    page.wait();
    assert_eq!(page.requests(), ["put 0"]);
}

#[test]
fn a_pause_while_the_record_is_written_starts_anew() {
    let mut page = Page::new(Settings::default());
    page.hold_saves = true;
    page.pick(&[1]);
    page.tell(Event::Pause(Selection::All));
    page.tell(Event::Saved(page.held_saves[0]));
    assert!(page.requests().is_empty());
    page.tell(Event::Resume(Selection::All));
    page.tell(Event::Saved(page.held_saves[1]));
    assert_eq!(page.requests(), ["put 0"]);
}

#[test]
fn files_of_one_name_get_numbers() {
    let mut page = Page::new(Settings::default());
    page.one_name = true;
    page.pick(&[1, 1, 1]);
    for _ in 0..3 {
        let name = page.requests()[0].to_owned();
        page.answer(&name, stored());
    }
    let key = |file| page.engine.view(FileId(file)).and_then(|view| view.key);
    let keys: Vec<_> = (0..3).filter_map(key).collect();
    assert_eq!(keys, ["uploads/name (0)", "uploads/name (2)", "uploads/name (3)"]);
}

#[test]
fn large_files_of_one_name_get_numbers_too() {
    const SIZE: u64 = 70 << 20;
    let mut page = Page::new(Settings::default());
    page.one_name = true;
    page.pick(&[SIZE, SIZE]);
    assert!(
        page.planned
            .iter()
            .any(|(_, files)| *files == [("1".to_owned(), 2)])
    );
    assert_eq!(page.requests(), ["create 0", "create 1"]);
}

/// A page after one that died while the file was on its way, with its file.
fn after_a_crash(version: u8) -> Page {
    let dead = Page::with_files(Settings::default(), &[1]);
    assert_eq!(dead.requests(), ["put 0"]);
    let mut page = Page::after(&dead);
    page.version = version;
    page.attach(0, Attachment::Picked);
    page
}

#[test]
fn what_was_stored_before_a_crash_is_not_stored_again() {
    let mut page = after_a_crash(0);
    page.answer("put 0", taken());
    assert_eq!(page.status(0), FileStatus::Stored);
    assert_eq!(page.planned.len(), 1);
    let key = page.engine.view(FileId(0)).and_then(|view| view.key);
    assert_eq!(key.as_deref(), Some("uploads/0"));
}

/// A page after one that died once a whole file, which something on the way refused, went on in parts. The file was
/// touched since.
fn after_a_crash_in_parts() -> Page {
    let mut dead = Page::with_files(Settings::default(), &[16 << 20]);
    let refusal = HttpAnswer {
        status: 413,
        ..success("<html>")
    };
    dead.answer("put 0", refusal);
    dead.answer("create 0", created());
    let mut page = Page::after(&dead);
    let id = FileId(0);
    let (_, description) = page.engine.without_file().next().expect("an upload");
    let description = FileDescription {
        last_modified: description.last_modified + 1,
        ..description.clone()
    };
    let attachment = Attachment::Picked;
    page.tell(Event::Attached {
        id,
        description,
        attachment,
    });
    page
}

#[test]
fn a_touched_whole_file_is_found_when_its_parts_are_complete() {
    let mut page = after_a_crash_in_parts();
    page.answer("list 0", listed(&[]));
    while page.requests() != ["complete 0"] {
        let part = page.requests()[0].to_owned();
        page.answer(&part, stored());
    }
    page.answer("complete 0", taken());
    page.answer("put 0", taken());
    assert_eq!(page.status(0), FileStatus::Stored);
}

#[test]
fn a_touched_whole_file_is_found_when_its_parts_are_gone() {
    let mut page = after_a_crash_in_parts();
    page.answer("list 0", gone());
    page.answer("put 0", taken());
    assert_eq!(page.status(0), FileStatus::Stored);
}

#[test]
fn a_removed_upload_keeps_the_key_that_s3_may_have() {
    let mut dead = Page::new(Settings::default());
    dead.one_name = true;
    dead.pick(&[1, 1]);
    let mut page = Page::after(&dead);
    page.hold_saves = true;
    page.tell(Event::Remove(Selection::File(FileId(0))));
    let kept = page.kept.get(&FileId(0)).expect("a record");
    let key = kept.object.as_ref().map(|object| object.key.as_str());
    assert_eq!((kept.has_ended, key), (true, Some("uploads/name (0)")));
    page.tell(Event::Saved(page.held_saves[0]));
    assert_eq!(page.engine.record(FileId(0)), None, "it is on the disk");
}

#[test]
fn other_bytes_after_a_crash_are_another_object() {
    let mut page = after_a_crash(1);
    assert_eq!(asked(&page, 1), [("0", 2)]);
    page.answer("put 0", stored());
    assert_eq!(page.status(0), FileStatus::Stored);
}

#[test]
fn a_cancelled_file_that_was_stored_is_not_stored_again() {
    let mut page = Page::with_files(Settings::default(), &[1]);
    page.tell(Event::Cancel(Selection::All));
    page.tell(Event::Retry(Selection::File(FileId(0))));
    page.answer("put 0", taken());
    assert_eq!(page.status(0), FileStatus::Stored);
}

#[test]
fn a_large_file_whose_key_is_always_taken_is_given_up() {
    let mut page = Page::completing();
    for copy in 2..5 {
        page.answer("complete 0", taken());
        assert_eq!(page.planned.last().map(|(_, files)| files[0].1), Some(copy));
        assert_eq!(page.requests(), ["create 0", "abort 0"]);
        page.answer("create 0", created());
        page.answer("abort 0", success(""));
        while page.requests() != ["complete 0"] {
            let part = page.requests()[0].to_owned();
            page.answer(&part, stored());
        }
    }
    page.answer("complete 0", taken());
    assert_eq!(page.failure(0), ErrorKind::AlreadyExists);
}
