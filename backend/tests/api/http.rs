//! Routes, methods and headers.

use ::http::Response;
use serde_json::Value;

use crate::support::{Stage, event, json};

fn header<'a>(response: &'a Response<String>, name: &str) -> Option<&'a str> {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().expect("text"))
}

fn with_path(stage_name: &str, method: &str, path: &str) -> Value {
    let mut event = event("get_health");
    event["rawPath"] = path.into();
    event["requestContext"]["stage"] = stage_name.into();
    event["requestContext"]["http"]["path"] = path.into();
    event["requestContext"]["http"]["method"] = method.into();
    event
}

fn check(stage_name: &str, method: &str, path: &str, status: u16) -> Response<String> {
    let response = Stage::new(&[]).send(&with_path(stage_name, method, path));
    assert_eq!(response.status(), status, "{method} {path} of stage {stage_name}");
    response
}

#[test]
fn the_backend_says_that_it_is_there() {
    let response = Stage::new(&[]).send(&event("get_health"));
    assert_eq!(response.status(), 200);
    assert_eq!(response.body(), r#"{"status":"ok"}"#);
}

#[test]
fn a_stage_and_api_may_come_first() {
    check("$default", "GET", "/health", 200);
    check("$default", "GET", "/api/health", 200);
    check("prod", "GET", "/prod/health", 200);
    check("prod", "GET", "/prod/api/health", 200);
}

#[test]
fn other_paths_are_not_found() {
    for path in [
        "/",
        "/api",
        "/healthy",
        "/health/",
        "/api/api/health",
        "/x/health",
        "/Presign",
    ] {
        let response = check("$default", "GET", path, 404);
        assert_eq!(json(&response)["error"]["code"], "NotFound");
    }
}

#[test]
fn a_path_with_another_method_names_its_own() {
    for (method, path, allow) in [
        ("POST", "/health", "GET, OPTIONS"),
        ("DELETE", "/presign", "GET, OPTIONS"),
        ("GET", "/uploads", "POST, OPTIONS"),
        ("PUT", "/sign", "POST, OPTIONS"),
        ("GET", "/manifests", "POST, OPTIONS"),
    ] {
        let response = check("$default", method, path, 405);
        assert_eq!(json(&response)["error"]["code"], "MethodNotAllowed");
        assert_eq!(header(&response, "allow"), Some(allow));
    }
}

#[test]
fn json_answers_are_neither_kept_nor_guessed_at() {
    let ok = Stage::new(&[]).send(&event("get_presign"));
    for response in [ok, check("$default", "GET", "/", 404)] {
        assert_eq!(header(&response, "content-type"), Some("application/json"));
        assert_eq!(header(&response, "cache-control"), Some("no-store"));
        assert_eq!(header(&response, "x-content-type-options"), Some("nosniff"));
    }
}

#[test]
fn a_preflight_of_an_allowed_origin_is_let_through() {
    let response = Stage::new(&[]).send(&event("options_uploads"));
    assert_eq!((response.status().as_u16(), response.body().as_str()), (204, ""));
    assert_eq!(
        header(&response, "access-control-allow-origin"),
        Some("https://upload.example.com")
    );
    assert_eq!(
        header(&response, "access-control-allow-methods"),
        Some("POST, OPTIONS")
    );
    assert_eq!(
        header(&response, "access-control-allow-headers"),
        Some("authorization, content-type")
    );
    assert_eq!(header(&response, "vary"), Some("Origin"));
}

#[test]
fn every_answer_to_an_allowed_origin_can_be_read() {
    for name in ["post_uploads", "post_uploads_no_body"] {
        let response = Stage::new(&[]).send(&event(name));
        let allowed = header(&response, "access-control-allow-origin");
        assert_eq!(allowed, Some("https://upload.example.com"), "{name}");
    }
}

#[test]
fn another_origin_gets_its_answer_without_leave_to_read_it() {
    for name in ["post_uploads", "options_uploads"] {
        let mut event = event(name);
        event["headers"]["origin"] = "https://evil.example".into();
        let response = Stage::new(&[]).send(&event);
        assert!(response.status().is_success());
        assert_eq!(header(&response, "access-control-allow-origin"), None, "{name}");
        assert_eq!(header(&response, "vary"), Some("Origin"));
    }
}
