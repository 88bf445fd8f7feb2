//! Files that cannot be read for a while, that change, or that vanish.

use std::time::Duration;

use engine::{Attachment, ErrorKind, Event, FileFailure, FileStatus, Mismatch, Selection, Settings};

use crate::support::{MIB, Page, created, listed, stored, success};

const GONE: Mismatch = Mismatch::Unreadable;

/// A page with parts 1 and 2 stored, whose file cannot be read when the answer to the last part is lost.
fn unreadable() -> Page {
    let mut page = Page::uploading();
    page.answer("part 1 of 0", stored());
    page.answer("part 2 of 0", stored());
    page.unreadable = Some(FileFailure::Missing);
    page.lose("part 3 of 0");
    page.answer("list 0", listed(&[1, 2]));
    page.wait();
    assert!(is_unreadable(&page.status(0)), "{:?}", page.status(0));
    page
}

const fn is_unreadable(status: &FileStatus) -> bool {
    matches!(status, FileStatus::Unreadable { .. })
}

fn wait_until(page: &mut Page, is_over: impl Fn(&FileStatus) -> bool) -> Duration {
    let begin = page.now;
    while !is_over(&page.status(0)) {
        page.wait();
    }
    page.now - begin
}

#[test]
fn a_file_that_comes_back_goes_on_with_its_parts() {
    for seconds in [1, 3, 20, 50] {
        let mut page = unreadable();
        page.pass(Duration::from_secs(seconds));
        assert!(is_unreadable(&page.status(0)), "{:?}", page.status(0));
        page.unreadable = None;
        wait_until(&mut page, |status| !is_unreadable(status));
        assert_eq!(page.requests(), ["part 3 of 0"], "{seconds}");
    }
}

#[test]
fn a_file_that_is_away_is_among_those_that_a_user_can_pick() {
    let mut page = unreadable();
    let without_file = |page: &Page| page.engine.without_file().map(|(id, _)| id.0).collect::<Vec<_>>();
    assert_eq!(without_file(&page), [0]);
    page.unreadable = None;
    page.attach(0, Attachment::Picked);
    page.answer("list 0", listed(&[1, 2]));
    assert_eq!(without_file(&page), [0; 0]);
    assert_eq!(page.requests(), ["part 3 of 0"]);
}

#[test]
fn a_file_that_stays_away_waits_with_its_parts() {
    let mut page = unreadable();
    let waited = wait_until(&mut page, |status| !is_unreadable(status));
    assert!((50..=70).contains(&waited.as_secs()), "{waited:?}");
    assert_eq!(page.status(0), FileStatus::Interrupted(Some(GONE)));
    assert!(page.requests().is_empty(), "{:?}", page.requests());
    let kept = page.kept.values().next().expect("a record");
    assert_eq!(kept.multipart.as_ref().map(|upload| upload.parts.len()), Some(2));
}

#[test]
fn a_file_that_stayed_away_goes_on_when_it_is_tried_again_or_picked() {
    for is_picked in [false, true] {
        let mut page = unreadable();
        wait_until(&mut page, |status| !is_unreadable(status));
        page.unreadable = None;
        if is_picked {
            page.attach(0, Attachment::Picked);
        } else {
            page.tell(Event::Retry(Selection::All));
        }
        page.answer("list 0", listed(&[1, 2]));
        assert_eq!(page.requests(), ["part 3 of 0"]);
    }
}

#[test]
fn a_file_that_is_away_before_it_is_completed_is_completed_later() {
    let mut page = Page::uploading();
    page.answer("part 1 of 0", stored());
    page.answer("part 2 of 0", stored());
    page.unreadable = Some(FileFailure::Unreadable);
    page.answer("part 3 of 0", stored());
    assert!(is_unreadable(&page.status(0)));
    page.unreadable = None;
    page.wait();
    assert_eq!(page.requests(), ["complete 0"]);
}

#[test]
fn small_files_wait_likewise_and_others_go_on() {
    let mut page = Page::new(Settings::default());
    page.unreadable = Some(FileFailure::Missing);
    page.pick(&[1]);
    page.unreadable = None;
    page.pick(&[1]);
    assert_eq!(page.requests(), ["put 1"]);
    page.wait();
    assert_eq!(page.requests(), ["put 1", "put 0"]);
}

#[test]
fn a_touched_file_goes_on_and_nothing_of_it_is_sent_again() {
    let mut page = unreadable();
    page.unreadable = None;
    page.modified = 7;
    page.wait();
    page.answer("list 0", listed(&[1, 2]));
    assert_eq!(page.requests(), ["part 3 of 0"]);
    assert_eq!(page.kept.values().next().map(|kept| kept.last_modified), Some(7));
    page.answer("part 3 of 0", stored());
    page.answer("complete 0", success("<CompleteMultipartUploadResult/>"));
    assert_eq!(page.status(0), FileStatus::Stored);
}

#[test]
fn a_file_of_other_bytes_or_another_size_has_changed() {
    for (version, reopened_size) in [(1, None), (0, Some(20 * MIB - 1))] {
        let mut page = unreadable();
        page.unreadable = None;
        page.modified = 7;
        page.version = version;
        page.reopened_size = reopened_size;
        page.wait();
        if reopened_size.is_none() {
            page.answer("list 0", listed(&[1, 2]));
        }
        assert_eq!(page.failure(0), ErrorKind::FileChanged, "{reopened_size:?}");
        assert_eq!(page.requests(), ["abort 0"]);
    }
}

#[test]
fn an_unreadable_file_can_be_paused_cancelled_and_taken_off() {
    for (event, expected) in [
        (Event::Pause(Selection::All), FileStatus::Paused),
        (Event::Cancel(Selection::All), FileStatus::Cancelled),
    ] {
        let mut page = unreadable();
        page.tell(event);
        assert_eq!(page.status(0), expected);
        page.unreadable = None;
        page.pass(Duration::from_secs(100));
        assert_eq!(page.status(0), expected);
    }
}

#[test]
fn other_bytes_are_found_when_a_part_is_hashed_again() {
    let mut page = Page::uploading();
    page.version = 1;
    page.lose("part 1 of 0");
    page.answer("list 0", listed(&[]));
    page.wait();
    assert_eq!(page.failure(0), ErrorKind::FileChanged);
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
    assert_eq!(page.requests(), ["put 0", "put 1"]);
    page.answer("put 0", stored());
    assert_eq!(page.status(0), FileStatus::Stored);
}
