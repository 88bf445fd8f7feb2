//! A bucket with two endpoints, of which the second one may be out of reach.

use std::time::Duration;

use engine::{ErrorKind, Event, FileStatus, Settings};

use crate::support::{MIB, Page, completed, created, listed, stored, taken};

fn settings() -> Settings {
    Settings {
        parallel_requests: 2,
        second_endpoint: true,
        ..Settings::default()
    }
}

/// A page with small files, with one request in flight to the second endpoint.
fn with_files(count: usize) -> Page {
    let page = Page::with_files(settings(), &vec![1; count]);
    assert_eq!(
        page.requests(),
        ["put 0", "put 1 at the second endpoint", "put 2"]
    );
    page
}

#[test]
fn the_second_endpoint_takes_as_many_once_it_has_answered() {
    let mut page = with_files(8);
    page.answer("put 1 at the second endpoint", stored());
    assert_eq!(
        page.requests(),
        [
            "put 0",
            "put 2",
            "put 3 at the second endpoint",
            "put 5 at the second endpoint"
        ]
    );
}

#[test]
fn a_byte_that_moved_is_as_good_as_an_answer() {
    let mut page = with_files(8);
    page.progress("put 1 at the second endpoint", 1);
    assert_eq!(page.requests().len(), 4, "{:?}", page.requests());
}

#[test]
fn what_was_signed_for_an_endpoint_out_of_reach_goes_to_the_other_one() {
    let mut page = with_files(8);
    page.lose("put 1 at the second endpoint");
    for _ in 0..7 {
        let next = page.requests()[0].to_owned();
        assert!(!next.contains("second"), "{next}");
        page.answer(&next, stored());
    }
    page.wait();
    page.answer("put 1", stored());
    for file in 0..8 {
        assert_eq!(page.status(file), FileStatus::Stored, "{file}");
    }
}

#[test]
fn a_file_that_may_be_stored_keeps_its_key_at_the_other_endpoint() {
    let mut page = with_files(3);
    page.answer("put 0", stored());
    page.answer("put 2", stored());
    page.progress("put 1 at the second endpoint", 1);
    page.lose("put 1 at the second endpoint");
    page.wait();
    page.lose("put 1 at the second endpoint");
    page.wait();
    page.answer("put 1", taken());
    assert_eq!(page.status(1), FileStatus::Stored);
}

#[test]
fn another_network_is_another_chance() {
    let mut page = with_files(3);
    page.lose("put 1 at the second endpoint");
    page.tell(Event::Offline);
    page.tell(Event::Online);
    page.pick(&[1, 1]);
    let second = page
        .requests()
        .into_iter()
        .filter(|name| name.contains("second"))
        .count();
    assert_eq!(second, 1, "{:?}", page.requests());
}

#[test]
fn parts_go_to_both_endpoints_and_everything_else_to_the_first() {
    let mut page = Page::with_files(settings(), &[20 * MIB]);
    page.answer("create 0", created());
    assert_eq!(
        page.requests(),
        ["part 1 of 0", "part 2 of 0 at the second endpoint", "part 3 of 0"]
    );
    page.lose("part 2 of 0 at the second endpoint");
    page.answer("part 1 of 0", stored());
    assert_eq!(page.requests(), ["part 3 of 0", "list 0"]);
    page.answer("list 0", listed(&[1]));
    page.answer("part 3 of 0", stored());
    page.pass(Duration::from_secs(5));
    page.answer("part 2 of 0", stored());
    assert_eq!(page.requests(), ["complete 0"]);
}

/// Answers everything that goes to the second endpoint, and loses the rest, until all has ended.
fn with_the_second_endpoint_alone(page: &mut Page) {
    for _ in 0..500 {
        let Some(name) = page.requests().first().map(|name| (*name).to_owned()) else {
            if page.engine.totals().unfinished() == 0 {
                return;
            }
            page.wait();
            continue;
        };
        match &*name {
            name if !name.contains("second") => page.lose(name),
            name if name.starts_with("create") => page.answer(name, created()),
            name if name.starts_with("complete") => page.answer(name, completed()),
            name if name.starts_with("list") => page.answer(name, listed(&[])),
            name => page.answer(name, stored()),
        }
    }
}

#[test]
fn everything_goes_by_the_second_endpoint_if_only_that_answers() {
    for sizes in [vec![1], vec![20 * MIB], vec![1, 1, 1, 20 * MIB, 40 * MIB]] {
        let mut page = Page::with_files(settings(), &sizes);
        with_the_second_endpoint_alone(&mut page);
        assert_eq!(page.engine.totals().stored, sizes.len(), "{sizes:?}");
    }
}

#[test]
fn an_abort_goes_by_the_endpoint_that_answers() {
    let mut page = Page::with_files(settings(), &[20 * MIB]);
    page.lose("create 0");
    page.wait();
    page.answer("create 0 at the second endpoint", created());
    page.tell(Event::Cancel(engine::Selection::All));
    assert_eq!(page.requests(), ["abort 0 at the second endpoint"]);
}

#[test]
fn a_host_that_never_answers_is_named_if_the_api_does() {
    let mut page = Page::with_files(Settings::default(), &[1]);
    while page.engine.totals().failed == 0 {
        if page.requests().is_empty() {
            page.wait();
        } else {
            page.lose("put 0");
        }
    }
    let FileStatus::Failed(error) = page.status(0) else {
        panic!("{:?}", page.status(0));
    };
    assert_eq!(error.kind, ErrorKind::S3Blocked);
    assert_eq!(error.host.as_deref(), Some("photos.example.com"));

    let mut page = Page::with_files(Settings::default(), &[1, 1]);
    page.answer("put 1", stored());
    while page.engine.totals().failed == 0 {
        if page.requests().is_empty() {
            page.wait();
        } else {
            page.lose("put 0");
        }
    }
    assert_eq!(
        page.failure(0),
        ErrorKind::S3Unreachable,
        "it has answered before"
    );
}

#[test]
fn after_a_loss_no_more_is_under_way_than_one_endpoint_takes() {
    let mut page = with_files(20);
    page.answer("put 1 at the second endpoint", stored());
    assert_eq!(page.requests().len(), 4);
    page.lose("put 0");
    assert_eq!(page.requests().len(), 3);
    page.answer("put 2", stored());
    assert_eq!(page.requests().len(), 2);
}
