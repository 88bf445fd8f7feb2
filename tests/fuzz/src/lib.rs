//! A signing Lambda for the fuzz targets, and what must hold of every answer.

use std::{
    sync::{Arc, LazyLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_credential_types::Credentials;
use backend::{Backend, Settings};
use lambda_api::Environment;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

/// The folder of callers who are not signed in: bucket, prefix, principal.
pub const OWN_FOLDER: &str = "/photos/uploads/anonymous/";

/// What `GET /presign` may sign keys below: bucket and prefix.
pub const PREFIX: &str = "/photos/uploads/";

const ENDPOINT: &str = "http://127.0.0.1:9000";

static BACKEND: LazyLock<Backend> = LazyLock::new(|| {
    let settings = Settings::from_variables(|name| {
        let value = match name {
            "BUCKET_NAME" => "photos",
            "AWS_REGION" => "us-east-1",
            "AWS_ENDPOINT_URL_S3" => ENDPOINT,
            _ => return None,
        };
        Some(value.to_owned())
    });
    Backend::new(settings.expect("settings"), Arc::new(FixedEnvironment))
});

struct FixedEnvironment;

impl Environment for FixedEnvironment {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_764_008_400)
    }

    fn credentials(&self) -> Credentials {
        Credentials::new(
            "ASIAIOSFODNN7EXAMPLE",
            "secret",
            Some("token".to_owned()),
            None,
            "fuzz",
        )
    }

    fn random(&self) -> [u8; 10] {
        [0; 10]
    }

    fn write_metrics(&self, document: &str) {
        assert!(!document.contains("X-Amz-"), "{document}");
    }
}

/// An event of API Gateway's HTTP API, payload format 2.0, as JSON.
pub fn event(method: &str, path: &str, query: &str, body: &str) -> Vec<u8> {
    let event = json!({
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": method}, "stage": "$default"},
        "body": body,
        "isBase64Encoded": false,
    });
    event.to_string().into_bytes()
}

/// Has the backend handle an event, checks that the answer is well formed, and returns its status and body.
pub fn answer(event: &[u8]) -> (u64, Value) {
    let answer = serde_json::to_value(BACKEND.handle(event, "id")).expect("an answer is JSON");
    let status = answer["statusCode"].as_u64().expect("a status");
    assert!((200..500).contains(&status), "{answer}");
    let body = answer["body"].as_str().expect("a body");
    if status == 204 {
        return (status, Value::Null);
    }
    let body: Value = serde_json::from_str(body).expect("the body is JSON");
    assert_eq!(status >= 400, body.get("error").is_some(), "{answer}");
    (status, body)
}

/// Checks that every URL in a value is for a key in this folder, without empty, `.` or `..` segments.
pub fn check_urls(value: &Value, folder: &str) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(url) if name == "url" || name == "uploadURL" => check_url(url, folder),
                    other => check_urls(other, folder),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| check_urls(value, folder)),
        _ => {}
    }
}

fn check_url(url: &str, folder: &str) {
    let path = url.strip_prefix(ENDPOINT).expect("the service's URL");
    let path = path.split('?').next().unwrap_or_default();
    let path = percent_decode_str(path).decode_utf8().expect("UTF-8");
    let key = path.strip_prefix(folder).expect("a key in the folder");
    assert!(
        key.split('/').all(|segment| !["", ".", ".."].contains(&segment)),
        "{url}"
    );
    assert!(!key.contains(char::is_control), "{url}");
}
