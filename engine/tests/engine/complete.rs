//! The way from the last part to the object.

use engine::{ErrorKind, Event, FileStatus, HttpAnswer};

use crate::support::{Page, busy, completed, error, gone, listed, stored, success, taken};

/// How a file ends whose first Complete ends like this, after S3 was asked and answered that.
fn check(complete: Option<HttpAnswer>, then: &[(&str, HttpAnswer)], expected: Option<ErrorKind>) {
    let mut page = Page::completing();
    match complete {
        Some(answer) => page.answer("complete 0", answer),
        None => page.lose("complete 0"),
    }
    for (name, answer) in then {
        if page.requests().is_empty() {
            page.wait();
        }
        assert_eq!(page.requests(), [*name]);
        page.answer(name, answer.clone());
    }
    match expected {
        None => assert_eq!(page.status(0), FileStatus::Stored),
        Some(kind) => assert_eq!(page.failure(0), kind),
    }
}

#[test]
fn a_complete_that_succeeds_is_the_end() {
    check(Some(completed()), &[], None);
}

#[test]
fn a_complete_without_an_answer_is_settled_by_asking_s3() {
    check(None, &[("list 0", gone())], None);
    check(
        None,
        &[("list 0", listed(&[1, 2, 3])), ("complete 0", completed())],
        None,
    );
    check(None, &[("list 0", busy()), ("list 0", gone())], None);
    check(
        None,
        &[("list 0", listed(&[1, 2, 3])), ("complete 0", gone())],
        None,
    );
}

#[test]
fn a_200_is_believed_only_with_the_right_body() {
    for body in [
        "",
        "<Error><Code>InternalError</Code></Error>",
        "<CompleteMultipartUpl",
    ] {
        let again = [("list 0", listed(&[1, 2, 3])), ("complete 0", completed())];
        check(Some(success(body)), &again, None);
    }
}

#[test]
fn a_taken_key_is_somebody_elses_unless_the_upload_is_gone() {
    check(Some(taken()), &[], Some(ErrorKind::AlreadyExists));
    let lost_then_taken = |list: HttpAnswer| {
        [
            ("list 0", listed(&[1, 2, 3])),
            ("complete 0", taken()),
            ("list 0", list),
        ]
    };
    check(None, &lost_then_taken(gone()), None);
    check(
        None,
        &lost_then_taken(listed(&[1, 2, 3])),
        Some(ErrorKind::AlreadyExists),
    );
}

#[test]
fn parts_that_s3_does_not_have_as_named_are_looked_up_and_only_the_missing_one_is_sent_again() {
    check(
        Some(error(400, "InvalidPart", "")),
        &[
            ("list 0", listed(&[1, 3])),
            ("part 2 of 0", stored()),
            ("complete 0", completed()),
        ],
        None,
    );
}

#[test]
fn an_upload_that_is_gone_without_a_lost_complete_starts_over() {
    let mut page = Page::completing();
    page.answer("complete 0", gone());
    assert!(page.requests().contains(&"create 0"), "{:?}", page.requests());
}

#[test]
fn an_upload_that_the_lifecycle_may_have_dropped_is_not_taken_for_stored() {
    let mut page = Page::completing();
    page.lose("complete 0");
    page.server_ahead = 2 * 24 * 3600;
    page.tell(Event::Woke);
    page.answer("list 0", gone());
    assert!(page.requests().contains(&"create 0"), "{:?}", page.requests());
}
