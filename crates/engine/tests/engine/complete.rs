//! The way from the last part to the object.

use engine::{Attachment, ErrorKind, Event, FileFailure, FileStatus, HttpAnswer};

use crate::support::{Page, busy, completed, created, error, gone, listed, stored, success, taken};

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
        "<html>",
        "<ListPartsResult/>",
        "<CompleteMultipartUploadResult><Key>other</Key></CompleteMultipartUploadResult>",
    ] {
        let again = [("list 0", listed(&[1, 2, 3])), ("complete 0", completed())];
        check(Some(success(body)), &again, None);
    }
}

#[test]
fn a_conflict_with_an_earlier_complete_is_waited_out() {
    let conflict = || error(409, "ConditionalRequestConflict", "");
    let parts = || listed(&[1, 2, 3]);
    let lost_then_conflict = |end: (&'static str, HttpAnswer)| {
        let mut then = vec![("list 0", parts())];
        for _ in 0..4 {
            then.extend([("complete 0", conflict()), ("list 0", parts())]);
        }
        then.pop();
        then.push(end);
        then
    };
    check(None, &lost_then_conflict(("list 0", gone())), None);
    let mut then_taken = lost_then_conflict(("list 0", parts()));
    then_taken.extend([("complete 0", taken()), ("list 0", gone())]);
    check(None, &then_taken, None);
    let mut then_done = lost_then_conflict(("list 0", parts()));
    then_done.push(("complete 0", completed()));
    check(Some(busy()), &then_done, None);
}

#[test]
fn a_conflict_that_no_complete_of_ours_explains_starts_over() {
    let mut page = Page::completing();
    page.answer("complete 0", error(409, "ConditionalRequestConflict", ""));
    assert!(page.requests().contains(&"create 0"), "{:?}", page.requests());
}

#[test]
fn an_aborted_operation_is_tried_again_with_the_same_parts() {
    check(
        Some(error(409, "OperationAborted", "")),
        &[("list 0", listed(&[1, 2, 3])), ("complete 0", completed())],
        None,
    );
}

#[test]
fn a_taken_key_is_somebody_elses_unless_the_upload_is_gone() {
    let lost_then_taken = [
        ("list 0", listed(&[1, 2, 3])),
        ("complete 0", taken()),
        ("list 0", gone()),
    ];
    check(None, &lost_then_taken, None);

    let mut page = Page::completing();
    page.answer("complete 0", taken());
    assert_eq!(page.planned[1].1, [("0".to_owned(), 2)]);

    let mut page = Page::completing();
    page.lose("complete 0");
    page.wait();
    page.answer("list 0", listed(&[1, 2, 3]));
    page.answer("complete 0", taken());
    page.answer("list 0", listed(&[1, 2, 3]));
    assert_eq!(page.planned[1].1, [("0".to_owned(), 2)]);
}

#[test]
fn of_parts_that_differ_only_the_missing_one_is_sent_again() {
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
fn an_upload_that_may_have_been_dropped_is_not_taken_for_stored() {
    let mut page = Page::completing();
    page.lose("complete 0");
    page.server_ahead = 2 * 24 * 3600;
    page.tell(Event::Woke);
    page.answer("list 0", gone());
    assert!(page.requests().contains(&"create 0"), "{:?}", page.requests());
}

/// A page whose Complete got no answer, and whose upload was gone when it may have been dropped. The file was touched
/// meanwhile, and is this version of it now.
fn touched_after_completing(version: u8) -> Page {
    let mut page = Page::completing();
    page.lose("complete 0");
    page.server_ahead = 2 * 24 * 3600;
    page.tell(Event::Woke);
    page.answer("list 0", gone());
    page.unreadable = Some(FileFailure::Unreadable);
    let mut created = created();
    created.body = created.body.replace("<UploadId>id<", "<UploadId>other<");
    page.answer("create 0", created);
    page.answer("abort 0", gone());
    page.unreadable = None;
    (page.version, page.modified) = (version, 7);
    while page.requests().is_empty() {
        page.wait();
    }
    page.answer("list 0", listed(&[]));
    for number in 1..=3 {
        page.answer(&format!("part {number} of 0"), stored());
    }
    page
}

#[test]
fn a_touched_file_is_compared_with_the_object_of_its_parts() {
    for crashes in [false, true] {
        let mut page = touched_after_completing(0);
        if crashes {
            let dead = page;
            page = Page::after(&dead);
            page.server_ahead = dead.server_ahead;
            page.attach(0, Attachment::Picked);
            page.answer("list 0", listed(&[1, 2, 3]));
        }
        page.answer("complete 0", taken());
        if crashes {
            page.answer("list 0", listed(&[1, 2, 3]));
        }
        page.answer("list 0", gone());
        page.answer("complete 0", gone());
        assert_eq!(page.status(0), FileStatus::Stored);
    }
}

#[test]
fn other_bytes_are_not_taken_for_the_object_of_its_parts() {
    let mut page = touched_after_completing(1);
    page.answer("complete 0", taken());
    page.answer("list 0", gone());
    assert_eq!(page.planned.last().map(|(_, files)| files[0].1), Some(2));
    assert!(page.requests().contains(&"create 0"), "{:?}", page.requests());
}
