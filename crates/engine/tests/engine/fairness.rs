//! Who gets the requests.

use std::time::Duration;

use engine::{Command, Engine, Event, READ_TOGETHER_BYTES, READ_TOGETHER_FILES, Settings};

use crate::support::{MIB, Page, batch, completed, created, described, stored};

const GIANT: u64 = 2_000 * MIB;

fn with_budget(parallel_requests: usize) -> Settings {
    Settings {
        parallel_requests,
        ..Settings::default()
    }
}

#[test]
fn small_files_and_a_giant_share_the_budget() {
    let mut page = Page::with_files(with_budget(6), &[GIANT]);
    page.answer("create 0", created());
    page.pick(&[1; 50]);
    for _ in 0..20 {
        let first = page.requests()[0].to_owned();
        page.answer(&first, stored());
    }
    let parts = page
        .requests()
        .iter()
        .filter(|name| name.starts_with("part"))
        .count();
    assert_eq!((parts, page.requests().len()), (3, 6), "{:?}", page.requests());
}

#[test]
fn with_a_budget_of_one_they_take_turns() {
    let mut page = Page::with_files(with_budget(1), &[GIANT]);
    page.answer("create 0", created());
    page.pick(&[1; 50]);
    let mut order = Vec::new();
    for _ in 0..6 {
        let name = page.requests()[0].to_owned();
        page.answer(&name, stored());
        order.push(name.split(' ').next().expect("a word").to_owned());
    }
    assert_eq!(order, ["part", "put", "part", "put", "part", "put"]);
}

#[test]
fn what_nobody_else_wants_goes_to_whoever_can_use_it() {
    let mut page = Page::with_files(with_budget(6), &[GIANT]);
    page.answer("create 0", created());
    assert_eq!(page.requests().len(), 6);
    let page = Page::with_files(with_budget(6), &[1; 50]);
    assert_eq!(page.requests().len(), 6);
}

/// How many of a hundred files of this size are hashed at once.
fn check_hashed_at_once(size: u64, expected: usize) {
    let mut engine = Engine::new(Settings::default(), 1);
    let added = Event::FilesAdded {
        batch: batch(1),
        files: described(&[size; 100]),
    };
    engine.handle(added, Duration::ZERO);
    let hashes = engine
        .drain_commands()
        .filter(|command| matches!(command, Command::Hash { .. }));
    assert_eq!(hashes.count(), expected, "{size}");
}

#[test]
fn many_small_files_are_hashed_in_the_place_of_one_part() {
    let parallel_hashes = Settings::default().parallel_hashes;
    check_hashed_at_once(MIB, parallel_hashes);
    check_hashed_at_once(READ_TOGETHER_BYTES + 1, parallel_hashes);
    check_hashed_at_once(READ_TOGETHER_BYTES, parallel_hashes * READ_TOGETHER_FILES);
    check_hashed_at_once(0, parallel_hashes * READ_TOGETHER_FILES);
}

#[test]
fn a_completion_goes_before_everything_else() {
    let mut page = Page::with_files(with_budget(1), &[20 * MIB]);
    page.answer("create 0", created());
    page.answer("part 1 of 0", stored());
    page.answer("part 2 of 0", stored());
    page.pick(&[1; 50]);
    page.answer("part 3 of 0", stored());
    let next = page.requests()[0].to_owned();
    page.answer(&next, stored());
    assert_eq!(page.requests(), ["complete 0"]);
    page.answer("complete 0", completed());
}

#[test]
fn s3_asking_for_less_gets_less_and_then_slowly_more() {
    let mut page = Page::with_files(with_budget(6), &[1; 90]);
    let first = page.requests()[0].to_owned();
    page.answer(&first, crate::support::error(503, "SlowDown", ""));
    let mut most = 0;
    for _ in 0..5 {
        let next = page.requests()[0].to_owned();
        page.answer(&next, stored());
        most = most.max(page.requests().len());
    }
    assert!(page.requests().len() <= 4, "{:?}", page.requests());
    for _ in 0..40 {
        let next = page.requests()[0].to_owned();
        page.answer(&next, stored());
    }
    assert_eq!(page.requests().len(), 6);
}
