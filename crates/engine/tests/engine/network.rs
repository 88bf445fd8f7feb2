//! A network that goes and comes, stalls, and a machine that sleeps.

use std::time::Duration;

use engine::{ErrorKind, Event, FileStatus, Selection, Settings};

use crate::support::{MIB, Page, created, listed, stored};

#[test]
fn offline_is_nobodys_failure_and_online_goes_on_at_once() {
    let mut page = Page::with_files(
        Settings {
            max_attempts: 1,
            ..Settings::default()
        },
        &[1],
    );
    page.tell(Event::Offline);
    page.lose("put 0");
    assert_eq!(page.status(0), FileStatus::Offline);
    assert!(page.requests().is_empty());
    page.tell(Event::Online);
    page.answer("put 0", stored());
    assert_eq!(page.status(0), FileStatus::Stored);
}

#[test]
fn online_without_offline_disturbs_nothing() {
    let mut page = Page::with_files(Settings::default(), &[1]);
    let ticket = page.ticket("put 0");
    page.tell(Event::Online);
    assert_eq!(page.ticket("put 0"), ticket);
}

#[test]
fn parts_cut_off_are_asked_for_before_they_are_sent_again() {
    let mut page = Page::uploading();
    page.progress("part 1 of 0", 8 * MIB);
    page.progress("part 2 of 0", MIB);
    page.tell(Event::Offline);
    page.tell(Event::Online);
    assert_eq!(page.requests(), ["list 0"]);
    page.answer("list 0", listed(&[1]));
    assert_eq!(page.requests(), ["part 2 of 0", "part 3 of 0"]);
}

#[test]
fn a_part_that_s3_does_not_list_is_sent_again() {
    let mut page = Page::uploading();
    page.progress("part 1 of 0", 8 * MIB);
    page.lose("part 1 of 0");
    page.answer("list 0", listed(&[]));
    page.wait();
    assert!(page.requests().contains(&"part 1 of 0"), "{:?}", page.requests());
}

#[test]
fn a_request_without_progress_is_given_up_and_one_with_progress_is_not() {
    let mut page = Page::with_files(Settings::default(), &[1_000, 1_000]);
    let (stalled, moving) = (page.ticket("put 0"), page.ticket("put 1"));
    for second in 1..=35 {
        page.pass(Duration::from_secs(1));
        page.progress("put 1", second);
    }
    assert_eq!(page.ticket("put 1"), moving);
    assert_ne!(page.ticket("put 0"), stalled, "it was cancelled and sent again");
}

#[test]
fn a_file_that_is_given_up_after_its_requests_stalled_says_so() {
    let settings = Settings {
        max_attempts: 1,
        ..Settings::default()
    };
    let mut page = Page::with_files(settings, &[1_000]);
    page.progress("put 0", 1);
    for _ in 1..=35 {
        page.pass(Duration::from_secs(1));
    }
    assert_eq!(page.failure(0), ErrorKind::Stalled);
}

#[test]
fn a_part_without_an_answer_is_asked_for_even_without_progress() {
    let mut page = Page::uploading();
    page.lose("part 2 of 0");
    page.answer("list 0", listed(&[2]));
    assert_eq!(page.requests(), ["part 1 of 0", "part 3 of 0"]);
}

#[test]
fn a_part_that_is_lost_while_s3_is_asked_for_another_is_asked_for_too() {
    let mut page = Page::uploading();
    page.lose("part 2 of 0");
    page.lose("part 1 of 0");
    page.answer("list 0", listed(&[2]));
    assert_eq!(page.requests(), ["part 3 of 0", "list 0"]);
    page.answer("list 0", listed(&[1, 2]));
    assert_eq!(page.requests(), ["part 3 of 0"]);
}

#[test]
fn a_listing_that_leads_nowhere_is_not_followed() {
    let mut page = Page::uploading();
    page.progress("part 3 of 0", 4 * MIB);
    page.lose("part 3 of 0");
    let body = "<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>2</NextPartNumberMarker></ListPartsResult>";
    page.answer("list 0", crate::support::success(body));
    assert!(
        matches!(page.status(0), FileStatus::Sending),
        "{:?}",
        page.status(0)
    );
    assert!(!page.requests().contains(&"list 0"), "it waits first");
}

#[test]
fn after_sleep_everything_begins_again_within_the_budget() {
    let mut page = Page::with_files(Settings::default(), &[1; 20]);
    let before = page.ticket("put 0");
    page.tell(Event::Woke);
    assert_eq!(page.requests().len(), 6);
    assert_ne!(page.ticket("put 0"), before);
}

#[test]
fn an_answer_to_an_old_attempt_changes_nothing() {
    let mut page = Page::uploading();
    let old = page.ticket("part 1 of 0");
    page.tell(Event::Pause(Selection::All));
    page.tell(Event::Resume(Selection::All));
    let requests = page.requests().len();
    page.tell(Event::Answered {
        ticket: old,
        answer: Ok(stored()),
    });
    assert_eq!(page.requests().len(), requests);
    assert_eq!(page.engine.totals().sent, 0);
}

#[test]
fn a_create_that_goes_on_through_a_pause_keeps_its_place_in_the_budget() {
    let mut page = Page::with_files(
        Settings {
            parallel_requests: 1,
            ..Settings::default()
        },
        &[20 * MIB],
    );
    page.tell(Event::Pause(Selection::All));
    page.tell(Event::Resume(Selection::All));
    page.pick(&[1]);
    assert_eq!(page.requests(), ["create 0"]);
    page.answer("create 0", created());
    assert_eq!(page.requests().len(), 1);
}
