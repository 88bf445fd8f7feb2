//! What each answer of S3 leads to, from the answer to the next request.

use std::time::Duration;

use engine::{ErrorKind, Event, FileStatus, HttpAnswer, Selection, Settings};

use crate::support::{MIB, Page, busy, created, error, expired, gone, listed, stored, success, taken};

/// What the engine does after an answer.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// It waits, then sends the same again.
    Waits(ErrorKind),
    /// It sends the same again at once, with a new signature.
    Signs,
    /// It begins a new multipart upload.
    StartsOver,
    /// It gives the file up.
    Fails(ErrorKind),
}

fn next_of_part(answer: HttpAnswer) -> Next {
    let mut page = Page::uploading();
    let calls = page.calls.len();
    for number in [1, 2, 3] {
        page.answer(&format!("part {number} of 0"), answer.clone());
        if page.requests().contains(&"create 0") {
            return Next::StartsOver;
        }
        if let FileStatus::Failed(error) = page.status(0) {
            return Next::Fails(error.kind);
        }
    }
    match page.status(0) {
        FileStatus::Waiting { error, .. } => {
            assert!(page.wait() <= Duration::from_secs(1));
            assert!(!page.requests().is_empty());
            Next::Waits(error.kind)
        }
        FileStatus::Sending => {
            assert!(page.calls.len() > calls, "it is signed anew");
            Next::Signs
        }
        other => panic!("{other:?}"),
    }
}

fn check(answer: HttpAnswer, expected: Next) {
    assert_eq!(next_of_part(answer.clone()), expected, "{answer:?}");
}

#[test]
fn what_passes_is_waited_for() {
    for answer in [
        busy(),
        error(408, "", ""),
        error(502, "", ""),
        error(504, "", ""),
        error(400, "RequestTimeout", ""),
        error(400, "IncompleteBody", ""),
        error(503, "SlowDown", ""),
        error(429, "TooManyRequests", ""),
        error(520, "", ""),
        error(409, "OperationAborted", ""),
        error(409, "ConditionalRequestConflict", ""),
    ] {
        check(answer, Next::Waits(ErrorKind::S3Busy));
    }
    check(error(400, "BadDigest", ""), Next::Waits(ErrorKind::Corrupted));
}

#[test]
fn what_is_too_old_is_signed_again_at_once() {
    check(expired(), Next::Signs);
    check(error(400, "ExpiredToken", ""), Next::Signs);
    check(error(403, "RequestTimeTooSkewed", ""), Next::Signs);
    check(error(403, "ExpiredRequest", ""), Next::Signs);
    check(error(400, "TokenRefreshRequired", ""), Next::Signs);
}

#[test]
fn what_s3_dropped_starts_over() {
    check(gone(), Next::StartsOver);
}

#[test]
fn what_will_not_change_is_given_up() {
    check(
        error(403, "AccessDenied", "Access Denied"),
        Next::Fails(ErrorKind::AccessDenied),
    );
    check(
        error(403, "SignatureDoesNotMatch", ""),
        Next::Fails(ErrorKind::SignatureRefused),
    );
    check(
        error(400, "InvalidRequest", ""),
        Next::Fails(ErrorKind::S3Refused),
    );
}

#[test]
fn a_new_signature_counts_as_no_failure() {
    let mut page = Page::with_files(
        Settings {
            max_attempts: 1,
            ..Settings::default()
        },
        &[1],
    );
    page.answer("put 0", expired());
    page.answer("put 0", stored());
    assert_eq!(page.status(0), FileStatus::Stored);
}

#[test]
fn bytes_that_do_not_arrive_as_hashed_twice_are_given_up() {
    let mut page = Page::with_files(Settings::default(), &[1]);
    page.answer("put 0", error(400, "BadDigest", ""));
    page.wait();
    page.answer("put 0", error(400, "BadDigest", ""));
    assert_eq!(page.failure(0), ErrorKind::Corrupted);
}

#[test]
fn failures_count_until_bytes_move_that_never_moved_before() {
    let mut page = Page::with_files(
        Settings {
            max_attempts: 2,
            ..Settings::default()
        },
        &[1_000],
    );
    for sent in [10, 20, 30] {
        page.progress("put 0", sent);
        page.answer("put 0", busy());
        page.wait();
    }
    page.progress("put 0", 30);
    page.answer("put 0", busy());
    assert_eq!(
        page.failure(0),
        ErrorKind::S3Busy,
        "the same 30 bytes are no progress"
    );
}

#[test]
fn a_complete_that_always_fails_is_given_up() {
    let mut page = Page::completing();
    let mut completes = 0;
    while !matches!(page.status(0), FileStatus::Failed(_)) {
        match page.requests().first() {
            Some(&"complete 0") => {
                completes += 1;
                page.answer("complete 0", busy());
            }
            Some(_) => page.answer("list 0", crate::support::listed(&[1, 2, 3])),
            None => drop(page.wait()),
        }
    }
    assert_eq!((completes, page.failure(0)), (8, ErrorKind::S3Busy));
    page.tell(Event::Retry(Selection::All));
    assert_eq!(page.requests(), ["list 0"], "the parts are kept");
}

#[test]
fn an_upload_dropped_again_and_again_fails_and_may_be_retried() {
    let mut page = Page::uploading();
    for _ in 0..3 {
        page.answer("part 1 of 0", gone());
        page.answer("abort 0", gone());
        page.answer("create 0", created());
    }
    page.answer("part 1 of 0", gone());
    assert_eq!(page.failure(0), ErrorKind::UploadGone);
    page.answer("abort 0", gone());
    page.tell(Event::Retry(Selection::All));
    page.answer("create 0", created());
    page.answer("part 1 of 0", gone());
    assert!(page.requests().contains(&"create 0"), "the count begins anew");
}

#[test]
fn a_key_that_is_taken_at_once_is_somebody_elses() {
    let mut page = Page::with_files(Settings::default(), &[1]);
    page.answer("put 0", taken());
    assert_eq!(page.planned[1].1, [("0".to_owned(), 2)]);
    page.answer("put 0", stored());
    assert_eq!(page.status(0), FileStatus::Stored);
}

#[test]
fn a_key_that_is_taken_after_a_lost_answer_is_ones_own() {
    let mut page = Page::with_files(Settings::default(), &[1]);
    page.lose("put 0");
    page.wait();
    page.answer("put 0", taken());
    assert_eq!(page.status(0), FileStatus::Stored);
}

#[test]
fn a_key_taken_after_a_pause_is_ones_own_even_without_progress() {
    let mut page = Page::with_files(Settings::default(), &[1_000]);
    page.tell(Event::Pause(Selection::All));
    page.tell(Event::Resume(Selection::All));
    page.answer("put 0", taken());
    assert_eq!(page.status(0), FileStatus::Stored);
}

/// S3 stored a part, and something removed the `ETag` from its answer.
fn without_etag() -> HttpAnswer {
    HttpAnswer {
        etag: None,
        request_id: Some("R".into()),
        ..stored()
    }
}

#[test]
fn an_etag_that_was_removed_is_taken_from_s3s_list() {
    let mut page = Page::uploading();
    page.answer("part 1 of 0", stored());
    page.answer("part 2 of 0", without_etag());
    page.answer("list 0", listed(&[2]));
    page.answer("part 3 of 0", without_etag());
    page.answer("list 0", listed(&[3]));
    assert_eq!(page.requests(), ["complete 0"], "no part is sent twice");
}

#[test]
fn without_checksums_an_accepted_part_is_known_by_its_size() {
    let lists_no_checksum = |numbers| {
        let mut list = listed(numbers);
        while let Some(start) = list.body.find("<ChecksumSHA256>") {
            let end = list.body.find("</ChecksumSHA256>").expect("an end") + "</ChecksumSHA256>".len();
            list.body.replace_range(start..end, "");
        }
        list
    };
    for (answer, expected) in [
        (without_etag(), vec!["part 1 of 0", "part 3 of 0"]),
        (
            success("<html>"),
            vec!["part 1 of 0", "part 3 of 0", "part 2 of 0"],
        ),
    ] {
        let mut page = Page::uploading();
        page.answer("part 2 of 0", answer);
        page.answer("list 0", lists_no_checksum(&[2]));
        page.pass(Duration::from_secs(2));
        assert_eq!(page.requests(), expected);
    }
}

#[test]
fn a_hidden_etag_is_an_error_only_if_no_list_helps() {
    let mut page = Page::uploading();
    page.answer("part 1 of 0", stored());
    while !matches!(page.status(0), FileStatus::Failed(_)) {
        if page.requests().contains(&"list 0") {
            page.answer("list 0", listed(&[1]));
        } else if page.requests().contains(&"part 2 of 0") {
            page.answer("part 2 of 0", without_etag());
        } else {
            page.pass(Duration::from_secs(10));
        }
    }
    assert_eq!(page.failure(0), ErrorKind::EtagHidden);

    let mut page = Page::uploading();
    page.answer("part 2 of 0", without_etag());
    page.answer("list 0", error(403, "AccessDenied", "Access Denied"));
    assert_eq!(page.failure(0), ErrorKind::EtagHidden);
    page.tell(Event::Retry(Selection::All));
    page.answer("list 0", listed(&[2]));
    page.answer("list 0", listed(&[1, 2]));
    assert_eq!(page.requests(), ["part 3 of 0"], "the part is kept");
}

#[test]
fn a_strangers_success_stores_nothing() {
    for answer in [
        success("<html>"),
        success(""),
        HttpAnswer {
            status: 204,
            ..stored()
        },
        HttpAnswer {
            status: 206,
            ..stored()
        },
    ] {
        let mut page = Page::with_files(Settings::default(), &[1]);
        page.answer("put 0", answer.clone());
        assert_ne!(page.status(0), FileStatus::Stored, "{answer:?}");
        page.wait();
        page.answer("put 0", taken());
        assert_eq!(page.status(0), FileStatus::Stored, "S3 proves it");

        let mut page = Page::uploading();
        page.answer("part 2 of 0", answer.clone());
        page.answer("list 0", listed(&[2]));
        assert_eq!(page.requests(), ["part 1 of 0", "part 3 of 0"], "{answer:?}");
    }
}

#[test]
fn a_stranger_who_never_goes_away_is_an_error_of_its_own() {
    let mut page = Page::with_files(Settings::default(), &[1]);
    while page.engine.totals().failed == 0 {
        if page.requests().is_empty() {
            page.wait();
        } else {
            page.answer("put 0", success("<html>"));
        }
    }
    assert_eq!(page.failure(0), ErrorKind::S3UnexpectedAnswer);
}

#[test]
fn another_uploads_documents_are_not_believed() {
    let create = |key: &str| {
        success(&format!(
            "<InitiateMultipartUploadResult><Key>{key}</Key><UploadId>id</UploadId></InitiateMultipartUploadResult>"
        ))
    };
    let mut page = Page::with_files(Settings::default(), &[20 * MIB]);
    page.answer("create 0", create("uploads/other"));
    assert!(page.requests().is_empty(), "{:?}", page.requests());
    page.wait();
    page.answer("create 0", create("uploads/0"));
    assert_eq!(page.requests().len(), 3);

    page.lose("part 1 of 0");
    let mut list = listed(&[1]);
    list.body = list.body.replace("<Part>", "<UploadId>other</UploadId><Part>");
    page.answer("list 0", list.clone());
    page.wait();
    list.body = list.body.replace("other", "id");
    page.answer("list 0", list);
    assert_eq!(page.requests(), ["part 2 of 0", "part 3 of 0"]);
}

#[test]
fn a_stale_url_is_not_even_tried() {
    let mut page = Page::with_files(
        Settings {
            parallel_requests: 1,
            ..Settings::default()
        },
        &[MIB, MIB],
    );
    let calls = page.calls.len();
    page.now += Duration::from_secs(899);
    page.answer("put 0", stored());
    assert_eq!(page.calls.len(), calls + 1, "the second is signed again first");
    assert_eq!(page.requests(), ["put 1"]);
}
