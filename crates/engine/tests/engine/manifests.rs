//! The manifests of the batches.

use engine::{Attachment, Event, FileId, HttpAnswer, Selection, Settings};

use crate::support::{MIB, Page, busy, completed, created, error, expired, stored, taken};

fn page(sizes: &[u64]) -> Page {
    let settings = Settings {
        manifests: true,
        ..Settings::default()
    };
    Page::with_files(settings, sizes)
}

/// A page with two stored files, whose manifest is on its way.
fn closing() -> Page {
    let mut page = page(&[1, 2]);
    page.answer("put 0", stored());
    page.answer("put 1", stored());
    assert_eq!(page.requests(), ["manifest 1"]);
    page
}

/// What the last manifest says of each file, in short: its size, and how many parts its checksum is of, or why it is not
/// stored.
fn check_manifest(page: &Page, expected: &[&str]) {
    let lines = page.manifests.last().expect("a manifest");
    let short = |line: &String| {
        let (size, rest) = line.split_once(' ').expect("a size");
        let parts = rest
            .split_once("parts: ")
            .map(|(_, parts)| parts.trim_end_matches([' ', '}', ')']));
        format!("{size} {}", parts.unwrap_or(rest))
    };
    let short: Vec<String> = lines.iter().map(short).collect();
    assert_eq!(short, expected);
}

fn refused() -> HttpAnswer {
    error(403, "AccessDenied", "Access Denied")
}

#[test]
fn a_batch_that_has_ended_gets_a_manifest() {
    let mut page = closing();
    check_manifest(&page, &["1 None", "2 None"]);
    assert_eq!(page.kept.len(), 3);
    page.answer("manifest 1", stored());
    assert!(page.requests().is_empty());
    assert!(page.kept.is_empty(), "{:?}", page.kept);
}

#[test]
fn without_the_setting_there_is_no_manifest() {
    let mut page = Page::with_files(Settings::default(), &[1]);
    page.answer("put 0", stored());
    assert!(page.requests().is_empty());
    assert!(page.kept.is_empty());
}

#[test]
fn the_checksum_of_parts_is_that_of_their_digests() {
    let mut page = page(&[20 * MIB]);
    page.answer("create 0", created());
    for number in 1..=3 {
        page.answer(&format!("part {number} of 0"), stored());
    }
    page.answer("complete 0", completed());
    check_manifest(&page, &["20971520 Some(3"]);
}

#[test]
fn a_manifest_waits_for_its_record() {
    let mut page = page(&[1]);
    page.hold_saves = true;
    page.answer("put 0", stored());
    assert!(page.requests().is_empty() && page.engine.totals().is_closing);
    let saves = std::mem::take(&mut page.held_saves);
    for save in saves {
        page.tell(Event::Saved(save));
    }
    assert_eq!(page.requests(), ["manifest 1"]);
    page.answer("manifest 1", stored());
    assert!(!page.engine.totals().is_closing);
}

#[test]
fn a_batch_goes_on_while_a_file_is_paused() {
    let mut page = page(&[1, 2]);
    page.answer("put 0", stored());
    page.tell(Event::Pause(Selection::All));
    assert!(page.manifests.is_empty());
    page.tell(Event::Cancel(Selection::File(FileId(1))));
    check_manifest(&page, &["1 None", "2 None"]);
}

#[test]
fn a_batch_of_which_nothing_is_stored_has_no_manifest() {
    let mut page = page(&[1, 2]);
    page.answer("put 0", refused());
    page.tell(Event::Cancel(Selection::File(FileId(1))));
    assert!(page.manifests.is_empty() && page.requests().is_empty());
}

#[test]
fn a_file_that_is_stored_later_makes_another_edition() {
    let mut page = page(&[1, 2]);
    page.answer("put 0", stored());
    page.answer("put 1", refused());
    check_manifest(&page, &["1 None", "2 Some(AccessDenied)"]);
    page.tell(Event::Retry(Selection::File(FileId(1))));
    page.answer("put 1", stored());
    // One manifest at a time.
    assert_eq!(page.requests(), ["manifest 1"]);
    page.answer("manifest 1", stored());
    assert_eq!(page.requests(), ["manifest 2"]);
    check_manifest(&page, &["1 None", "2 None"]);
    page.answer("manifest 2", stored());
    assert!(page.kept.is_empty());
}

#[test]
fn a_manifest_is_sent_again_until_it_is_stored() {
    let mut page = closing();
    page.answer("manifest 1", busy());
    page.wait();
    page.answer("manifest 1", expired());
    page.lose("manifest 1");
    page.wait();
    // An earlier request has stored it.
    page.answer("manifest 1", taken());
    assert!(page.requests().is_empty() && page.kept.is_empty());
}

#[test]
fn a_key_that_is_somebody_elses_makes_another_edition() {
    let mut page = closing();
    page.answer("manifest 1", taken());
    page.answer("manifest 2", stored());
    assert!(page.requests().is_empty() && page.kept.is_empty());
}

#[test]
fn a_manifest_that_is_given_up_is_written_again_on_request() {
    let mut page = closing();
    page.answer("manifest 1", refused());
    assert!(page.requests().is_empty() && !page.kept.is_empty());
    page.tell(Event::Retry(Selection::All));
    page.answer("manifest 1", stored());
    assert!(page.kept.is_empty());
}

#[test]
fn a_manifest_that_moves_is_not_given_up() {
    let mut page = closing();
    for sent in 1..4 {
        page.pass(Settings::default().stall / 2);
        page.progress("manifest 1", sent);
        page.tell(Event::Tick);
    }
    assert_eq!(page.requests(), ["manifest 1"]);
}

#[test]
fn after_a_crash_the_same_manifest_is_no_other_edition() {
    let dead = closing();
    let mut page = Page::after(&dead);
    assert_eq!(page.requests(), ["manifest 1"]);
    page.answer("manifest 1", taken());
    assert!(page.requests().is_empty());
}

#[test]
fn after_a_crash_a_manifest_names_what_was_stored_before() {
    let mut dead = page(&[1, 2]);
    dead.answer("put 0", stored());
    let mut page = Page::after(&dead);
    assert!(page.manifests.is_empty());
    page.attach(0, Attachment::Handle);
    page.answer("put 0", stored());
    check_manifest(&page, &["1 None", "2 None"]);
}

#[test]
fn a_manifest_that_more_files_came_before_is_written_after_them() {
    let mut page = page(&[1]);
    page.writes_manifests = false;
    page.answer("put 0", stored());
    assert!(page.manifests.is_empty());
    page.writes_manifests = true;
    page.pick(&[2]);
    assert!(page.manifests.is_empty());
    page.answer("put 1", stored());
    check_manifest(&page, &["1 None", "2 None"]);
    assert_eq!(page.requests(), ["manifest 1"]);
}
