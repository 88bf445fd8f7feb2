//! What is asked of the Lambda, and what its answers do.

use engine::{
    ErrorKind, Event, FileId, FileStatus, HttpAnswer, Selection, Settings, TransportFailure, read_link_terms,
};
use proptest::prelude::*;

use crate::support::{MIB, Page, created, stored, success};

#[test]
fn a_hundred_small_files_are_planned_in_a_few_calls() {
    let mut page = Page::new(Settings::default());
    page.hold_calls = true;
    page.pick(&[1_000; 100]);
    page.release_calls();
    while let Some(name) = page.requests().first().map(|name| (*name).to_owned()) {
        page.answer(&name, stored());
    }
    assert_eq!(page.engine.totals().stored, 100);
    assert_eq!(page.calls.iter().sum::<usize>(), 100, "no file is planned twice");
    assert!(page.calls.len() <= 5, "{:?}", page.calls);
}

#[test]
fn small_files_are_planned_in_batches_while_others_are_stored() {
    let mut page = Page::new(Settings::default());
    page.pick(&[1_000; 1_000]);
    while let Some(name) = page.requests().first().map(|name| (*name).to_owned()) {
        page.answer(&name, stored());
    }
    assert_eq!(page.engine.totals().stored, 1_000);
    assert_eq!(
        page.calls.iter().sum::<usize>(),
        1_000,
        "no file is planned twice"
    );
    assert!(page.calls.len() <= 2 * 1_000 / 32, "{:?}", page.calls);
}

#[test]
fn no_more_parts_are_signed_than_will_soon_be_sent() {
    let mut page = Page::with_files(Settings::default(), &[2_000 * MIB]);
    page.answer("create 0", created());
    let signed: usize = page.calls.iter().skip(1).sum();
    assert!(signed < 3 * 6, "{signed} parts are signed for 6 requests");
}

/// One file is planned with this answer of the API.
fn check(answer: Result<HttpAnswer, TransportFailure>, expected: Option<ErrorKind>) {
    let mut page = Page::new(Settings {
        max_attempts: 1,
        ..Settings::default()
    });
    page.hold_calls = true;
    page.pick(&[1]);
    let call = page.held_calls[0].0;
    page.tell(Event::CallAnswered { call, answer });
    match expected {
        Some(kind) => assert_eq!(page.failure(0), kind),
        None => assert_eq!(page.requests(), ["put 0"]),
    }
}

fn answer(status: u16, body: &str) -> Result<HttpAnswer, TransportFailure> {
    Ok(HttpAnswer {
        status,
        ..success(body)
    })
}

#[test]
fn every_answer_of_the_api_has_its_kind() {
    let put = r#"{"method":"PUT","url":"put 0","headers":{},"expiresAt":9000000000}"#;
    let plan = |id| {
        format!(
            r#"{{"serverTime":1800000000,"batch":"01a3185c-5000-7000-8000-000000000000","files":[{{"id":"{id}","key":"k","put":{put}}}]}}"#
        )
    };
    check(answer(200, &plan("0")), None);
    check(answer(200, &plan("1")), Some(ErrorKind::ApiUnexpectedAnswer));
    check(
        answer(200, r#"{"serverTime":1800000000,"files":[]}"#),
        Some(ErrorKind::ApiUnexpectedAnswer),
    );
    check(answer(200, "<html>"), Some(ErrorKind::ApiUnexpectedAnswer));
    check(
        answer(
            413,
            r#"{"error":{"code":"FileTooLarge","message":"m","maxBytes":0}}"#,
        ),
        Some(ErrorKind::FileTooLarge),
    );
    check(
        answer(401, r#"{"message":"Unauthorized"}"#),
        Some(ErrorKind::NotSignedIn),
    );
    check(
        answer(403, r#"{"message":"Forbidden"}"#),
        Some(ErrorKind::ApiRefused),
    );
    check(
        answer(503, r#"{"message":"Service Unavailable"}"#),
        Some(ErrorKind::ApiBusy),
    );
    check(answer(429, ""), Some(ErrorKind::ApiBusy));
    check(Err(TransportFailure::NoAnswer), Some(ErrorKind::ApiUnreachable));
}

#[test]
fn a_sign_in_that_ends_midway_is_waited_out_for_as_long_as_it_takes() {
    let mut page = Page::with_files(
        Settings {
            max_attempts: 2,
            ..Settings::default()
        },
        &[1],
    );
    page.hold_calls = true;
    page.pick(&[1]);
    for _ in 0..5 {
        let call = page.held_calls.pop().expect("the call is tried again").0;
        let answer = answer(401, r#"{"message":"Unauthorized"}"#);
        page.tell(Event::CallAnswered { call, answer });
        assert_eq!(page.status(1), FileStatus::SignedOut);
        page.wait();
    }
    page.release_calls();
    assert_eq!(page.requests(), ["put 0", "put 1"]);
}

#[test]
fn a_large_file_says_that_it_waits_for_a_sign_in() {
    let mut page = Page::new(Settings::default());
    page.pick(&[100 * MIB]);
    page.hold_calls = true;
    page.answer("create 0", created());
    while let Some((call, ..)) = page.held_calls.pop() {
        let answer = answer(401, r#"{"message":"Unauthorized"}"#);
        page.tell(Event::CallAnswered { call, answer });
    }
    assert_eq!(page.status(0), FileStatus::SignedOut);
}

#[test]
fn a_link_that_ends_is_waited_out_while_what_was_signed_goes_on() {
    let mut page = Page::with_files(
        Settings {
            max_attempts: 2,
            ..Settings::default()
        },
        &[400 * MIB],
    );
    page.answer("create 0", created());
    page.hold_calls = true;
    let sent = page.requests().len();
    assert!(sent > 0, "parts are signed");
    for code in ["LinkExpired", "LinkRevoked", "InvalidLink", "LinkNotYetValid"] {
        while let Some(part) = page.requests().first().map(|part| (*part).to_owned()) {
            page.answer(&part, stored());
        }
        let call = page.held_calls.pop().expect("the call is tried again").0;
        let body = format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
        page.tell(Event::CallAnswered {
            call,
            answer: answer(403, &body),
        });
        assert_eq!(page.status(0), FileStatus::LinkEnded, "{code}");
        page.wait();
    }
    page.release_calls();
    assert!(!page.requests().is_empty(), "it goes on where it was");
}

#[test]
fn no_call_plans_more_files_than_the_settings_allow() {
    let mut page = Page::new(Settings {
        files_per_plan: 3,
        ..Settings::default()
    });
    page.pick(&[1_000; 10]);
    while let Some(name) = page.requests().first().map(|name| (*name).to_owned()) {
        page.answer(&name, stored());
    }
    assert_eq!(page.engine.totals().stored, 10);
    assert!(page.calls.iter().all(|files| *files <= 3), "{:?}", page.calls);
}

#[test]
fn the_terms_of_a_link_are_read_or_say_why_there_are_none() {
    let terms = r#"{"serverTime":1,"expiresAt":2,"maxBytes":3,"maxFiles":4,"types":[]}"#;
    let read = |answer| read_link_terms(answer).map_err(|error| error.kind);
    assert_eq!(read(answer(200, terms)).map(|terms| terms.max_bytes), Ok(3));
    let refused = |status, code| {
        answer(
            status,
            &format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#),
        )
    };
    for (answer, kind) in [
        (refused(401, "InvalidLink"), ErrorKind::InvalidLink),
        (refused(403, "LinkExpired"), ErrorKind::LinkExpired),
        (refused(403, "LinkRevoked"), ErrorKind::LinkRevoked),
        (refused(403, "LinkNotYetValid"), ErrorKind::LinkNotYetValid),
        (answer(200, "<html>"), ErrorKind::ApiUnexpectedAnswer),
        (answer(503, ""), ErrorKind::ApiBusy),
        (Err(TransportFailure::NoAnswer), ErrorKind::ApiUnreachable),
    ] {
        assert_eq!(read(answer), Err(kind));
    }
}

#[test]
fn a_renewed_sign_in_is_tried_at_once() {
    let mut page = Page::with_files(Settings::default(), &[1]);
    page.hold_calls = true;
    page.pick(&[1]);
    let call = page.held_calls.pop().expect("a call").0;
    let answer = answer(401, r#"{"message":"Unauthorized"}"#);
    page.tell(Event::CallAnswered { call, answer });
    assert!(page.held_calls.is_empty(), "the wait is skipped");
    page.tell(Event::SignedIn);
    assert_eq!(page.held_calls.len(), 1);
    page.release_calls();
    assert_eq!(page.requests(), ["put 0", "put 1"]);
}

#[test]
fn one_refused_file_does_not_spoil_the_others_of_its_call() {
    let mut page = Page::new(Settings::default());
    page.hold_calls = true;
    page.pick(&[1, 1, 1]);
    let (call, route, body) = page.held_calls.pop().expect("a call for two files");
    let mut answer = page.lambda(route, &body);
    let mut json: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
    let refused = json["files"][0]["id"].clone();
    json["files"][0] =
        serde_json::json!({"id": refused, "error": {"code": "TypeNotAllowed", "message": "m"}});
    answer.body = json.to_string();
    page.tell(Event::CallAnswered {
        call,
        answer: Ok(answer),
    });
    page.release_calls();
    let failed = refused.as_str().and_then(|id| id.parse().ok()).expect("an id");
    assert_eq!(page.failure(failed), ErrorKind::TypeNotAllowed);
    assert_eq!(page.requests().len(), 2);
    let kept: Vec<u32> = page.kept.keys().map(|id| id.0).collect();
    assert_eq!(kept.len(), 2, "a file that is never accepted does not come back");
    assert!(!kept.contains(&failed), "{kept:?}");
}

#[test]
fn a_plan_with_more_parts_than_s3_takes_is_refused() {
    let mut page = Page::new(Settings::default());
    page.hold_calls = true;
    page.pick(&[20 * MIB]);
    let (call, route, body) = page.held_calls[0].clone();
    let mut answer = page.lambda(route, &body);
    answer.body = answer
        .body
        .replace(&format!("\"partSize\":{}", 8 * MIB), "\"partSize\":1");
    page.tell(Event::CallAnswered {
        call,
        answer: Ok(answer),
    });
    assert_eq!(page.failure(0), ErrorKind::ApiUnexpectedAnswer);
}

#[test]
fn signatures_that_are_dead_on_arrival_are_not_asked_for_for_ever() {
    let mut page = Page::new(Settings::default());
    page.url_seconds = 0;
    page.pick(&[1, 20 * MIB]);
    while page.engine.totals().failed < 2 {
        page.wait();
    }
    assert_eq!(
        (page.failure(0), page.failure(1)),
        (ErrorKind::Expired, ErrorKind::Expired)
    );
    assert!(page.calls.len() < 12, "{:?}", page.calls);
}

#[test]
fn an_api_that_is_down_is_waited_for_and_then_given_up() {
    let mut page = Page::new(Settings::default());
    page.hold_calls = true;
    page.pick(&[1]);
    let mut tries = 0;
    while let Some((call, ..)) = page.held_calls.pop() {
        tries += 1;
        page.tell(Event::CallAnswered {
            call,
            answer: Err(TransportFailure::NoAnswer),
        });
        while page.engine.totals().failed == 0 && page.held_calls.is_empty() {
            assert!(
                matches!(page.status(0), FileStatus::Waiting { .. }),
                "{:?}",
                page.status(0)
            );
            page.wait();
        }
    }
    assert_eq!((tries, page.failure(0)), (8, ErrorKind::ApiUnreachable));
    page.hold_calls = false;
    page.tell(Event::Retry(Selection::All));
    assert_eq!(page.requests(), ["put 0"]);
}

/// Answers all calls that are held as something on the way does that refuses calls of more than `limit` bytes, and
/// returns the bytes of those that it refused.
fn call_through(page: &mut Page, limit: usize, refusal: &HttpAnswer) -> Vec<usize> {
    let mut refused = Vec::new();
    for _ in 0..500 {
        let Some((call, route, body)) = page.held_calls.pop() else {
            break;
        };
        let answer = if body.len() > limit {
            refused.push(body.len());
            refusal.clone()
        } else {
            page.lambda(route, &body)
        };
        page.tell(Event::CallAnswered {
            call,
            answer: Ok(answer),
        });
        while page.requests().len() > 2 {
            let name = page.requests()[0].to_owned();
            page.answer(
                &name,
                if name.starts_with("create") {
                    created()
                } else {
                    stored()
                },
            );
        }
    }
    refused
}

fn refusals() -> [HttpAnswer; 5] {
    let of = |status, body| HttpAnswer {
        status,
        ..success(body)
    };
    [
        of(403, "<html>"),
        of(413, ""),
        of(406, "<html>"),
        of(400, ""),
        of(403, r#"{"message":"Forbidden"}"#),
    ]
}

#[test]
fn no_call_is_larger_than_8_000_bytes() {
    let mut page = Page::new(Settings::default());
    page.hold_calls = true;
    page.pick(&[1_000; 300]);
    page.pick(&[2_000 * MIB]);
    let refused = call_through(&mut page, 8_000, &refusals()[0]);
    assert_eq!((refused, page.engine.totals().failed), (vec![], 0));
}

#[test]
fn a_call_that_a_stranger_refuses_is_halved() {
    for refusal in refusals() {
        let mut page = Page::new(Settings::default());
        page.hold_calls = true;
        page.pick(&[1_000; 100]);
        let refused = call_through(&mut page, 1_000, &refusal);
        assert!((1..=8).contains(&refused.len()), "{refused:?} {refusal:?}");
        assert_eq!(page.engine.totals().failed, 0, "{refusal:?}");
    }
}

#[test]
fn a_file_that_is_refused_alone_fails_alone() {
    let mut page = Page::new(Settings::default());
    page.hold_calls = true;
    page.pick(&[1_000; 20]);
    let refusal = &refusals()[0];
    for _ in 0..500 {
        let Some((call, route, body)) = page.held_calls.pop() else {
            break;
        };
        let is_refused = body.contains(r#""id":"7""#);
        let answer = if is_refused {
            refusal.clone()
        } else {
            page.lambda(route, &body)
        };
        page.tell(Event::CallAnswered {
            call,
            answer: Ok(answer),
        });
        while let Some(name) = page.requests().first().map(|name| (*name).to_owned()) {
            page.answer(&name, stored());
        }
    }
    assert_eq!(page.failure(7), ErrorKind::ApiRefused);
    assert_eq!(page.engine.totals().stored, 19);
}

#[test]
fn a_portal_in_place_of_the_api_is_waited_out() {
    let mut page = Page::new(Settings::default());
    page.hold_calls = true;
    page.pick(&[1]);
    let call = page.held_calls.pop().expect("a call").0;
    page.tell(Event::CallAnswered {
        call,
        answer: answer(200, "<html>Welcome"),
    });
    assert!(
        matches!(page.status(0), FileStatus::Waiting { .. }),
        "{:?}",
        page.status(0)
    );
    page.wait();
    page.release_calls();
    page.answer("put 0", stored());
    assert_eq!(page.status(0), FileStatus::Stored);
}

/// Texts that are near to what the Lambda answers, and texts that are not.
fn any_answer() -> impl Strategy<Value = String> {
    let json = prop_oneof![
        Just(
            r#"{"serverTime":18446744073709551615,"files":[{"id":"0","key":"k","put":{"method":"PUT","url":"u","headers":{},"expiresAt":0}}]}"#
        ),
        Just(
            r#"{"serverTime":1,"files":[{"id":"1","key":"k","create":{"method":"POST","url":"u","headers":{},"expiresAt":18446744073709551615},"partSize":18446744073709551615}]}"#
        ),
        Just(
            r#"{"serverTime":1,"files":[{"id":"1","key":"k","create":{"method":"POST","url":"u","headers":{},"expiresAt":2},"partSize":0}]}"#
        ),
        Just(
            r#"{"serverTime":1,"requests":[{"signed":{"method":"PUT","url":"u","headers":{},"expiresAt":2}}]}"#
        ),
        Just(r#"{"serverTime":1,"requests":[{"error":{"code":"InvalidKey","message":""}}]}"#),
        Just(
            r#"{"error":{"code":"InvalidSize","message":""},"files":[{"id":"0","error":{"code":"Teapot","message":""}}]}"#
        ),
    ];
    let cut = (json, 0..200_usize).prop_map(|(text, end)| text[..end.min(text.len())].to_owned());
    prop_oneof![
        ".{0,80}",
        cut.clone(),
        cut.prop_map(|text| text.replace('1', "0"))
    ]
}

proptest! {
    #[test]
    fn no_answer_of_the_api_loses_a_file(
        answers in prop::collection::vec((any_answer(), prop_oneof![Just(200_u16), any::<u16>()]), 1..6)
    ) {
        let mut page = Page::new(Settings::default());
        page.hold_calls = true;
        page.pick(&[1, 20 * MIB]);
        for (body, status) in answers {
            let Some((call, ..)) = page.held_calls.pop() else { break };
            page.tell(Event::CallAnswered { call, answer: answer(status, &body) });
        }
        prop_assert_eq!(page.engine.totals().files, 2);
        page.tell(Event::Cancel(Selection::All));
        page.release_calls();
        for file in [0, 1] {
            page.tell(Event::Retry(Selection::File(FileId(file))));
        }
        let both = |page: &Page| page.requests().contains(&"put 0") && page.requests().contains(&"create 1");
        while !both(&page) {
            page.wait();
        }
    }
}
