//! The first speed: one file finds it out, and those that may be sent whole wait for it.

use std::time::Duration;

use engine::{Event, Selection, Settings};

use crate::support::{MIB, Page, completed, created, stored};

/// Answers every request, each after this long, and returns their names in that order.
fn upload_all(page: &mut Page, each: Duration) -> Vec<String> {
    let mut answered = Vec::new();
    while let Some(name) = page.requests().first().map(|name| (*name).to_owned()) {
        page.now += each;
        let answer = match &*name {
            name if name.starts_with("create") => created(),
            name if name.starts_with("complete") => completed(),
            _ => stored(),
        };
        page.answer(&name, answer);
        answered.push(name);
    }
    answered
}

#[test]
fn of_many_files_only_the_first_is_sent_in_parts() {
    let mut page = Page::with_files(Settings::default(), &[50 * MIB; 25]);
    let requests = upload_all(&mut page, Duration::from_millis(1));
    let count = |kind: &str| requests.iter().filter(|name| name.starts_with(kind)).count();
    assert_eq!((count("create"), count("complete"), count("put")), (1, 1, 24));
    assert_eq!(page.engine.totals().stored, 25);
}

#[test]
fn a_part_that_takes_too_long_ends_the_wait() {
    let mut page = Page::with_files(Settings::default(), &[40 * MIB; 2]);
    page.answer("create 0", created());
    // At a speed at which 8 MiB take longer than this, 40 MiB take longer than 8 s.
    for (milliseconds, is_waiting) in [(1_599, true), (2, false)] {
        page.now += Duration::from_millis(milliseconds);
        page.tell(Event::Tick);
        assert_eq!(
            !page.requests().contains(&"create 1"),
            is_waiting,
            "{milliseconds}"
        );
    }
}

#[test]
fn the_engine_is_woken_when_the_wait_ends() {
    let mut page = Page::with_files(Settings::default(), &[40 * MIB; 2]);
    page.answer("create 0", created());
    page.wait();
    assert!(page.requests().contains(&"create 1"), "{:?}", page.requests());
}

#[test]
fn nobody_waits_long_for_a_file_of_which_nothing_is_sent() {
    let mut page = Page::with_files(Settings::default(), &[50 * MIB; 2]);
    for (seconds, expected) in [(2, vec!["create 0"]), (1, vec!["create 0", "create 1"])] {
        page.now += Duration::from_secs(seconds);
        page.tell(Event::Tick);
        assert_eq!(page.requests(), expected, "after {seconds} s more");
    }
}

#[test]
fn nobody_waits_for_a_file_that_is_paused() {
    let mut page = Page::with_files(Settings::default(), &[50 * MIB; 2]);
    page.tell(Event::Pause(Selection::File(engine::FileId(0))));
    assert!(page.requests().contains(&"create 1"), "{:?}", page.requests());
}

#[test]
fn a_file_that_is_sent_in_parts_anyway_does_not_wait() {
    let page = Page::with_files(Settings::default(), &[50 * MIB, 65 * MIB]);
    assert_eq!(page.requests(), ["create 0", "create 1"]);
}

#[test]
fn few_parts_have_started_when_the_speed_is_known() {
    let mut page = Page::with_files(Settings::default(), &[1024 * MIB]);
    let requests = upload_all(&mut page, Duration::from_millis(1));
    let mut parts = requests.iter().filter_map(|name| page.ranges.get(name));
    let small = parts.clone().filter(|range| range.end - range.start < 32 * MIB);
    let settings = Settings::default();
    let most = settings.parallel_requests + settings.parallel_hashes;
    assert!(small.count() <= most + 1, "{requests:?}");
    assert!(parts.any(|range| range.end == 1024 * MIB));
}
