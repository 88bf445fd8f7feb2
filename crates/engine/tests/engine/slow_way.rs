//! Bodies that something on the way takes at once and forwards slowly, and answers that do not come.

use std::time::Duration;

use engine::{BodySource, FileStatus, Settings};

use crate::support::{MIB, Page, created, listed, listing, stored, success};

fn settings() -> Settings {
    Settings {
        stall: Duration::from_secs(10),
        ..Settings::default()
    }
}

/// A page with a file of 40 MiB, whose parts are all out at once.
fn swallowed() -> Page {
    let mut page = Page::with_files(settings(), &[40 * MIB]);
    page.answer("create 0", created());
    assert_eq!(page.requests().len(), 5);
    page.pass(Duration::from_secs(1));
    for part in 1..=5 {
        for sent in 1..=8 {
            page.progress(&format!("part {part} of 0"), sent * MIB);
        }
    }
    page
}

fn seconds(page: &mut Page, seconds: u64) {
    for _ in 0..seconds {
        page.pass(Duration::from_secs(1));
    }
}

#[test]
fn forty_megabytes_at_500_kilobytes_per_second_are_stored_once() {
    let mut page = swallowed();
    for part in 1..=5 {
        assert_eq!(page.status(0), FileStatus::Confirming);
        seconds(&mut page, 17);
        page.answer(&format!("part {part} of 0"), stored());
    }
    page.answer("complete 0", success("<CompleteMultipartUploadResult/>"));
    assert_eq!(page.status(0), FileStatus::Stored);
}

#[test]
fn parts_that_are_all_forwarded_at_once_are_waited_for() {
    let mut page = swallowed();
    seconds(&mut page, 84);
    for part in 1..=5 {
        page.answer(&format!("part {part} of 0"), stored());
    }
    assert_eq!(page.requests(), ["complete 0"]);
}

#[test]
fn where_answers_are_fast_a_missing_one_is_not_waited_for() {
    let mut page = swallowed();
    for part in 1..=4 {
        page.answer(&format!("part {part} of 0"), stored());
    }
    seconds(&mut page, 9);
    assert_eq!(page.requests(), ["part 5 of 0"]);
    seconds(&mut page, 3);
    assert_eq!(page.requests(), ["list 0"]);
}

#[test]
fn patience_lasts_though_others_are_lost() {
    let mut page = swallowed();
    seconds(&mut page, 17);
    page.answer("part 1 of 0", stored());
    for part in 2..=4 {
        page.lose(&format!("part {part} of 0"));
    }
    // The first one was asked for before the others were lost.
    for _ in 0..2 {
        let there = (1..=4).map(|part| (part, u64::from(part - 1) * 8 * MIB..u64::from(part) * 8 * MIB));
        page.answer("list 0", listing(there));
    }
    page.pick(&[1_000]);
    page.answer("put 1", stored());
    seconds(&mut page, 60);
    assert_eq!(page.requests(), ["part 5 of 0"]);
}

/// A page on which `put 0` was sent whole with five others, and has no answer; a file of this size was answered later.
fn overtaken_by(size: u64) -> Page {
    let mut page = Page::with_files(settings(), &[MIB; 6]);
    page.progress("put 0", MIB);
    seconds(&mut page, 1);
    for file in 1..6 {
        page.answer(&format!("put {file}"), stored());
    }
    page.pick(&[size]);
    page.answer("put 6", stored());
    page
}

#[test]
fn an_answer_that_a_later_one_overtakes_is_given_up_soon() {
    let mut page = overtaken_by(MIB);
    let lost = page.ticket("put 0");
    seconds(&mut page, 9);
    assert_eq!(page.ticket("put 0"), lost);
    seconds(&mut page, 5);
    assert_ne!(page.ticket("put 0"), lost);
}

#[test]
fn a_smaller_body_overtakes_nothing() {
    let mut page = overtaken_by(MIB / 2);
    let lost = page.ticket("put 0");
    seconds(&mut page, 22);
    assert_eq!(page.ticket("put 0"), lost);
}

#[test]
fn overtaken_answers_make_nobody_more_patient() {
    let mut page = Page::new(settings());
    for round in 0..4 {
        let (lost, later) = (2 * round, 2 * round + 1);
        page.pick(&[MIB]);
        page.progress(&format!("put {lost}"), MIB);
        seconds(&mut page, 1);
        page.pick(&[MIB]);
        page.answer(&format!("put {later}"), stored());
        seconds(&mut page, 13);
        page.answer(&format!("put {lost}"), stored());
    }
    page.pick(&[4 * MIB]);
    page.progress("put 8", 4 * MIB);
    let lost = page.ticket("put 8");
    seconds(&mut page, 20);
    assert_ne!(page.ticket("put 8"), lost);
}

#[test]
fn speed_and_time_left_are_of_what_was_answered() {
    let mut page = swallowed();
    let totals = page.engine.totals();
    assert_eq!((totals.time_left, totals.bytes_per_second), (None, 0));
    for part in 1..=4 {
        seconds(&mut page, 17);
        page.answer(&format!("part {part} of 0"), stored());
    }
    let totals = page.engine.totals();
    let left = totals.time_left.expect("a time").as_secs();
    assert!((10..=30).contains(&left), "{left} s");
    assert!(
        (300_000..=700_000).contains(&totals.bytes_per_second),
        "{totals:?}"
    );
}

#[test]
fn after_a_stall_fewer_requests_are_in_flight() {
    let mut page = swallowed();
    seconds(&mut page, 200);
    page.answer("list 0", listed(&[]));
    seconds(&mut page, 10);
    assert!(page.requests().len() <= 3, "{:?}", page.requests());
}

#[test]
fn a_slice_without_an_answer_is_followed_by_bytes() {
    let mut page = Page::with_files(settings(), &[1_000, 1_000]);
    assert_eq!(page.bodies["put 0"], BodySource::Slice);
    page.progress("put 0", 1_000);
    page.answer("put 1", stored());
    seconds(&mut page, 15);
    assert_eq!(page.bodies["put 0"], BodySource::Bytes);
}

#[test]
fn a_slice_without_a_sign_of_life_is_followed_by_bytes() {
    let mut page = Page::with_files(settings(), &[1_000]);
    seconds(&mut page, 15);
    assert_eq!(page.bodies["put 0"], BodySource::Bytes);
    seconds(&mut page, 15);
    assert_eq!(page.bodies["put 0"], BodySource::Slice, "the way is at fault");
}

#[test]
fn a_page_whose_slices_are_never_answered_sends_bytes() {
    let mut page = Page::with_files(settings(), &[1_000]);
    page.progress("put 0", 1_000);
    seconds(&mut page, 15);
    page.answer("put 0", stored());
    page.pick(&[1_000, 1_000]);
    assert_eq!(page.bodies["put 1"], BodySource::Bytes);
    page.lose("put 1");
    page.wait();
    assert_eq!(page.bodies["put 1"], BodySource::Bytes);
}

#[test]
fn bodies_in_memory_are_bounded() {
    let settings = Settings {
        bodies_as_bytes: true,
        ..Settings::default()
    };
    let mut page = Page::with_files(settings, &[15 * MIB; 12]);
    assert_eq!(page.requests().len(), 4);
    for file in 0..12 {
        page.answer(&format!("put {file}"), stored());
    }
    assert_eq!(page.engine.totals().stored, 12);
}

#[test]
fn no_request_grows_beyond_what_a_phone_holds() {
    let settings = Settings {
        max_request_bytes: Some(8 * MIB),
        ..Settings::default()
    };
    let mut page = Page::with_files(settings, &[300 * MIB, 60 * MIB]);
    page.answer("create 0", created());
    page.answer("create 1", created());
    for part in 1..=30 {
        page.answer(&format!("part {part} of 0"), stored());
    }
    let largest = page.ranges.values().map(|range| range.end - range.start).max();
    assert_eq!(largest, Some(8 * MIB));
}
