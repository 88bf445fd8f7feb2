//! Files that change, shrink or vanish.

use engine::{ErrorKind, Event, FileFailure, FileStatus, Selection, Settings};

use crate::support::{MIB, Page, created, listed, stored};

#[test]
fn a_file_that_changed_before_its_last_part_makes_no_object() {
    let mut page = Page::uploading();
    page.answer("part 1 of 0", stored());
    page.answer("part 2 of 0", stored());
    page.unreadable = Some(FileFailure::Unreadable);
    page.answer("part 3 of 0", stored());
    assert_eq!(page.failure(0), ErrorKind::FileChanged);
    assert_eq!(page.requests(), ["abort 0"]);
}

#[test]
fn other_bytes_under_the_same_name_are_found_when_a_part_is_hashed_again() {
    let mut page = Page::uploading();
    page.version = 1;
    page.lose("part 1 of 0");
    page.answer("list 0", listed(&[]));
    page.wait();
    assert_eq!(page.failure(0), ErrorKind::FileChanged);
}

#[test]
fn a_file_that_vanished_is_named_and_the_others_go_on() {
    let mut page = Page::new(Settings::default());
    page.unreadable = Some(FileFailure::Missing);
    page.pick(&[1]);
    page.unreadable = None;
    page.pick(&[1]);
    assert_eq!(page.failure(0), ErrorKind::FileMissing);
    assert_eq!(page.requests(), ["put 1"]);
}

#[test]
fn a_changed_file_that_is_tried_again_is_sent_as_it_is_now() {
    let mut page = Page::uploading();
    page.answer("part 1 of 0", stored());
    page.version = 1;
    page.lose("part 2 of 0");
    page.answer("list 0", listed(&[]));
    page.wait();
    page.answer("abort 0", stored());
    page.tell(Event::Retry(Selection::All));
    page.answer("create 0", created());
    assert_eq!(page.requests(), ["part 1 of 0", "part 2 of 0", "part 3 of 0"]);
}

#[test]
fn an_empty_file_is_stored_like_any_other() {
    let mut page = Page::with_files(Settings::default(), &[0, 16 * MIB, 16 * MIB + 1]);
    assert_eq!(page.requests(), ["create 2", "put 0", "put 1"]);
    page.answer("put 0", stored());
    assert_eq!(page.status(0), FileStatus::Stored);
}
