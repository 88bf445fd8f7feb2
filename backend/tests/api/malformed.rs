//! Events that API Gateway would not send: each has an answer that API Gateway takes.

use proptest::prelude::*;
use serde_json::{Value, json};
use wire::ErrorCode::{self, *};

use crate::support::{self, Stage, event, presign_event, with_body};

fn check_bytes(event: &[u8], code: ErrorCode) {
    let stage = Stage::new(&[]);
    let response = stage.send_bytes(event);
    let body = support::json(&response);
    assert_eq!(
        (response.status().as_u16(), &body["error"]["code"]),
        (code.status(), &code.as_str().into()),
        "{}",
        String::from_utf8_lossy(event)
    );
    assert_eq!(stage.signings(), 0);
}

#[test]
fn bytes_that_are_no_event_are_a_bad_request() {
    let cut = event("post_uploads").to_string();
    let cut = &cut.as_bytes()[..cut.len() / 2];
    for event in [b"".as_slice(), b"{}", b"null", b"\xff\xfe", b"{\"a\":", cut] {
        check_bytes(event, InvalidRequest);
    }
}

#[test]
fn a_bad_event_is_audited_under_lambda_s_own_request_id() {
    let stage = Stage::new(&[]);
    stage.send_bytes(b"{}");
    let lines = stage.log_lines();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["request_id"], "8476a536-e9f4-11e8-9739-2dfe598c3fcd");
    assert_eq!(lines[0]["code"], "InvalidRequest");
}

/// Changes one place of a recorded event, which `pointer` names as in RFC 6901.
fn check_changed(name: &str, pointer: &str, value: Value, code: ErrorCode) {
    let mut event = event(name);
    let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
    event.pointer_mut(parent).expect("a parent")[field] = value;
    check_bytes(event.to_string().as_bytes(), code);
}

#[test]
fn a_field_of_the_wrong_type_is_a_bad_request() {
    for (pointer, value) in [
        ("/rawPath", json!(null)),
        ("/headers", json!([])),
        ("/headers/content-type", json!(1)),
        ("/requestContext", json!(null)),
        ("/requestContext/http/method", json!(7)),
        ("/requestContext/authorizer", json!("token")),
        ("/body", json!({"files": []})),
        ("/isBase64Encoded", json!("true")),
    ] {
        check_changed("post_uploads", pointer, value, InvalidRequest);
    }
}

#[test]
fn a_body_that_is_not_base64_as_it_claims_is_a_bad_request() {
    for body in ["!!!!", "e30", "e30=\n", "{\"files\": []}  "] {
        check_changed("post_uploads_base64", "/body", json!(body), InvalidRequest);
    }
}

#[test]
fn a_large_body_is_refused_before_it_is_decoded() {
    let body = "e30=".repeat(10 * 1024 * 1024 / 4);
    check_changed("post_uploads_base64", "/body", json!(body), BodyTooLarge);
    let body = " ".repeat(10 * 1024 * 1024);
    check_changed("post_uploads", "/body", json!(body), BodyTooLarge);
}

#[test]
fn a_method_and_a_path_that_no_url_has_are_answered() {
    let path = json!("/ <>\u{0}é");
    check_changed("get_presign", "/rawPath", path, NotFound);
    let method = json!("G E T");
    check_changed(
        "get_presign",
        "/requestContext/http/method",
        method,
        MethodNotAllowed,
    );
}

#[test]
fn a_query_that_no_url_has_is_still_read() {
    let response = Stage::new(&[]).send(&presign_event("key=a <b>.txt"));
    assert_eq!(response.status(), 200);
    assert_eq!(support::json(&response)["key"], "a <b>.txt");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|fields| fields.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// The places of every value in a JSON value.
fn pointers(value: &Value, prefix: &str, found: &mut Vec<String>) {
    found.push(prefix.to_owned());
    if let Value::Object(fields) = value {
        for (name, value) in fields {
            let name = name.replace('~', "~0").replace('/', "~1");
            pointers(value, &format!("{prefix}/{name}"), found);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_one_field_of_an_event_becomes_there_is_an_answer(
        name in prop::sample::select(vec!["get_presign", "post_uploads", "post_uploads_base64", "post_uploads_signed_in", "post_sign"]),
        place in any::<prop::sample::Index>(),
        value in any_json(),
    ) {
        let mut event = event(name);
        let mut places = Vec::new();
        pointers(&event, "", &mut places);
        let place = place.get(&places);
        *event.pointer_mut(place).expect("a place") = value;
        let response = Stage::new(&[]).send(&event);
        prop_assert_ne!(response.status(), 500);
    }

    #[test]
    fn whatever_the_body_is_there_is_an_answer(name in prop::sample::select(vec!["post_uploads", "post_sign"]), body in any_json()) {
        let response = Stage::new(&[]).send(&with_body(name, &body.to_string()));
        prop_assert!(response.status().is_client_error());
    }

    #[test]
    fn whatever_the_query_is_there_is_an_answer(query in any::<String>()) {
        let response = Stage::new(&[]).send(&presign_event(&format!("key={query}")));
        prop_assert!(response.status() == 200 || response.status() == 400);
    }
}
