//! `POST /verdicts` and `POST /link/verdicts`.

use std::time::{Duration, UNIX_EPOCH};

use lambda_api::{LinkSecret, Links, new_link};
use serde_json::{Value, json};
use verdict::{Answer, TAG};
use wire::LinkRequest;

use crate::support::{Object, World};

/// The event of a request by a caller who is signed in as `me`.
fn event(method: &str, path: &str, body: &str) -> Value {
    json!({
        "rawPath": path,
        "headers": {"content-type": "application/json", "origin": "https://page.example"},
        "requestContext": {"http": {"method": method}, "authorizer": {"jwt": {"claims": {"sub": "me"}}}},
        "body": body,
    })
}

fn ask(world: &World, event: &Value) -> (u64, Value, Value) {
    let (answer, _) = world.handle(&event.to_string());
    let Ok(Answer::Response(response)) = answer else {
        panic!("{answer:?}");
    };
    let response = serde_json::to_value(response).expect("JSON");
    let body = response["body"].as_str().expect("a body");
    let status = response["statusCode"].as_u64().expect("a status");
    (
        status,
        serde_json::from_str(body).unwrap_or_default(),
        response["headers"].clone(),
    )
}

fn ask_for(world: &World, keys: &[&str]) -> (u64, Value) {
    let body = json!({ "keys": keys }).to_string();
    let (status, body, _) = ask(world, &event("POST", "/verdicts", &body));
    (status, body)
}

#[test]
fn each_key_has_its_verdict() {
    let world = World::new();
    for verdict in ["clean", "mismatch", "forbidden", "unknown"] {
        let object = Object::new("", b"", "e").tagged(TAG, verdict);
        world.store(&format!("uploads/me/1/{verdict}"), None, object);
    }
    world.store("uploads/me/1/new", None, Object::new("", b"", "e"));
    let keys = ["clean", "mismatch", "forbidden", "unknown", "new", "nowhere"]
        .map(|name| format!("uploads/me/1/{name}"));
    let (status, body) = ask_for(&world, &keys.each_ref().map(String::as_str));
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        body["verdicts"],
        json!([{"verdict": "clean"}, {"verdict": "mismatch"}, {"verdict": "forbidden"}, {"verdict": "unknown"}, "pending", "pending"])
    );
}

#[test]
fn no_caller_learns_of_the_files_of_another() {
    let world = World::new();
    for key in ["uploads/you/1/a", "uploads/me2/1/a", "uploads/me", "me/1/a", ""] {
        world.store(key, None, Object::new("", b"", "e").tagged(TAG, "clean"));
        let (status, body) = ask_for(&world, &[key]);
        assert_eq!(
            (status, &body["error"]["code"]),
            (403, &json!("Forbidden")),
            "{key}"
        );
        let (status, body) = ask_for(&world, &[key, "uploads/me/1/a"]);
        assert_eq!(status, 200);
        assert_eq!(body["verdicts"][0]["error"]["code"], "Forbidden", "{key}");
        assert_eq!(body["verdicts"][1], "pending");
    }
}

#[test]
fn a_file_with_malware_is_forbidden_whatever_it_looks_like() {
    let world = World::new();
    let object = Object::new("", b"", "e")
        .tagged(TAG, "clean")
        .tagged("GuardDutyMalwareScanStatus", "THREATS_FOUND");
    world.store("uploads/me/1/a", None, object);
    let (_, body) = ask_for(&world, &["uploads/me/1/a"]);
    assert_eq!(body["verdicts"][0], json!({"verdict": "forbidden"}));
}

#[test]
fn nobody_calls_the_function_beside_the_distribution() {
    let world = World::with_variables(&[("ORIGIN_SECRET", "secret")]);
    let mut event = event("POST", "/verdicts", r#"{"keys": ["uploads/me/1/a"]}"#);
    let (status, body, _) = ask(&world, &event);
    assert_eq!((status, &body["error"]["code"]), (403, &json!("Forbidden")));
    event["headers"]["x-slipway-origin"] = "secret".into();
    assert_eq!(ask(&world, &event).0, 200);
}

#[test]
fn a_token_without_a_subject_is_refused() {
    let mut event = event("POST", "/verdicts", r#"{"keys": ["uploads/anonymous/1/a"]}"#);
    event["requestContext"]["authorizer"]["jwt"]["claims"] = json!({});
    let (status, body, _) = ask(&World::new(), &event);
    assert_eq!((status, &body["error"]["code"]), (401, &json!("NotSignedIn")));
}

#[test]
fn what_is_not_asked_as_it_should_be_is_refused_with_a_code() {
    let world = World::new();
    let check = |method: &str, path: &str, body: &str, status: u64, code: &str| {
        let (answered, answer, _) = ask(&world, &event(method, path, body));
        assert_eq!(
            (answered, &answer["error"]["code"]),
            (status, &json!(code)),
            "{method} {path} {body}"
        );
    };
    check("POST", "/verdicts", "", 400, "MissingBody");
    check("POST", "/verdicts", "{", 400, "InvalidJson");
    check("POST", "/verdicts", "{}", 400, "InvalidRequest");
    check("POST", "/verdicts", r#"{"keys": "a"}"#, 400, "InvalidRequest");
    check("POST", "/verdicts", r#"{"keys": [1]}"#, 400, "InvalidRequest");
    check(
        "POST",
        "/verdicts",
        r#"{"keys": ["a"], "more": 1}"#,
        400,
        "InvalidRequest",
    );
    check("POST", "/verdicts", r#"{"keys": []}"#, 400, "InvalidBatchSize");
    let many = json!({ "keys": vec!["uploads/me/1/a"; 101] }).to_string();
    check("POST", "/verdicts", &many, 400, "InvalidBatchSize");
    check("GET", "/verdicts", "", 405, "MethodNotAllowed");
    check("POST", "/uploads", "", 404, "NotFound");
}

#[test]
fn a_page_of_an_allowed_origin_may_ask() {
    let world = World::with_variables(&[("ALLOWED_ORIGINS", "https://page.example")]);
    for method in ["OPTIONS", "POST"] {
        let (_, _, headers) = ask(
            &world,
            &event(method, "/api/verdicts", r#"{"keys": ["uploads/me/1/a"]}"#),
        );
        assert_eq!(
            headers["access-control-allow-origin"], "https://page.example",
            "{method}"
        );
    }
}

#[test]
fn a_store_that_fails_is_an_error_of_that_key() {
    let world = World::new();
    world.fail(Some("GetObjectTagging"));
    let (status, body) = ask_for(&world, &["uploads/me/1/a"]);
    assert_eq!((status, &body["error"]["code"]), (500, &json!("InternalError")));
}

const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// The time in the world's environment.
const NOW: u64 = 1_795_509_768;

/// A request for the verdicts of keys by an upload link for the folder `acme`, and the link's own folder.
fn by_link(keys: &dyn Fn(&str) -> Vec<String>) -> (Value, String) {
    let request = LinkRequest {
        folder: "acme".to_owned(),
        expires_in: 60,
        ..LinkRequest::default()
    };
    let link = new_link(request, None, [0; 10], UNIX_EPOCH + Duration::from_secs(NOW)).expect("a link");
    let secret = LinkSecret::parse(SECRET).expect("a secret");
    let token = Links::new(secret, Default::default())
        .sign(&link)
        .expect("a token");
    let folder = format!("uploads/links/acme/{}", link.jti);
    let mut event = event(
        "POST",
        "/link/verdicts",
        &json!({ "keys": keys(&folder) }).to_string(),
    );
    event["headers"]["authorization"] = format!("Bearer {token}").into();
    (event, folder)
}

#[test]
fn who_has_a_link_learns_of_its_files_and_no_others() {
    let world = World::with_variables(&[("LINK_SECRET", SECRET)]);
    let (event, folder) = by_link(&|folder| {
        let other = "uploads/links/acme/01a3185c-5000-7000-8000-000000000000/1/a";
        [
            format!("{folder}/1/a"),
            "uploads/me/1/a".to_owned(),
            other.to_owned(),
        ]
        .into()
    });
    let object = Object::new("", b"", "e").tagged(TAG, "clean");
    world.store(&format!("{folder}/1/a"), None, object);
    let (status, body, _) = ask(&world, &event);
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["verdicts"][0], json!({"verdict": "clean"}));
    for index in [1, 2] {
        assert_eq!(body["verdicts"][index]["error"]["code"], "Forbidden");
    }
}

#[test]
fn a_link_that_is_not_valid_learns_nothing() {
    let (mut event, folder) = by_link(&|folder| vec![format!("{folder}/1/a")]);
    let code = |variables: &[(&str, &str)], event: &Value| {
        let (status, body, _) = ask(&World::with_variables(variables), event);
        (
            status,
            body["error"]["code"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let jti = folder.rsplit('/').next().expect("an id");
    let revoked = [("LINK_SECRET", SECRET), ("REVOKED_LINKS", jti)];
    assert_eq!(code(&[], &event), (404, "NotFound".to_owned()));
    assert_eq!(code(&revoked, &event), (403, "LinkRevoked".to_owned()));
    event["headers"]["authorization"] = "Bearer a.b.c".into();
    assert_eq!(
        code(&[("LINK_SECRET", SECRET)], &event),
        (401, "InvalidLink".to_owned())
    );
}
