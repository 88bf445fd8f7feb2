//! The events that API Gateway's HTTP APIs and function URLs send, payload format 2.0 (Amazon API Gateway
//! Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs").

use std::{collections::HashMap, net::IpAddr};

use base64ct::{Base64, Encoding as _};
use serde::Deserialize;
use serde_json::Value;
use wire::{ApiError, ErrorCode};

use crate::{
    caller::{Caller, Principal},
    object::JsonObject,
};

/// The stage that is not part of a path.
const DEFAULT_STAGE: &str = "$default";

/// The header with the addresses that a request came by, and the one that CloudFront sets in each.
const FORWARDED_FOR: &str = "x-forwarded-for";
const CLOUDFRONT_ID: &str = "x-amz-cf-id";

/// The fields of an event that are read; any others are tolerated.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    raw_path: String,
    #[serde(default)]
    raw_query_string: Option<String>,
    #[serde(default)]
    headers: Option<HashMap<String, String>>,
    request_context: JsonObject<RequestContext>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    #[serde(default)]
    request_id: Option<String>,
    #[serde(default)]
    stage: Option<String>,
    http: JsonObject<HttpContext>,
    #[serde(default)]
    authorizer: Option<JsonObject<Authorizer>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HttpContext {
    method: String,
    #[serde(default)]
    source_ip: Option<String>,
}

#[derive(Deserialize)]
struct Authorizer {
    #[serde(default)]
    jwt: Option<JsonObject<Token>>,
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    claims: Option<JsonObject<Claims>>,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    sub: Option<Value>,
    /// As Amazon Cognito calls it.
    #[serde(default, rename = "cognito:groups")]
    cognito_groups: Option<Value>,
    #[serde(default)]
    groups: Option<Value>,
}

/// An HTTP request, as the event describes it.
#[derive(Debug)]
pub struct Request {
    /// The method in upper case.
    pub method: String,
    /// The path without the stage and without `/api`, one of which a distribution in front puts first.
    pub path: String,
    /// The query as it was sent, still percent-encoded; empty if there was none.
    pub query: String,
    /// Who sent it.
    pub caller: Caller,
    headers: HashMap<String, String>,
    body: Body,
}

/// A body as the event carries it.
#[derive(Debug)]
enum Body {
    Text(String),
    Base64(String),
}

impl Request {
    /// Reads an event in JSON; `request_id` is Lambda's own, for an event without one.
    ///
    /// # Errors
    ///
    /// `InvalidRequest` if the event is not of payload format 2.0. The message does not quote it, because an event can
    /// have tokens in it.
    pub fn read(event: &[u8], request_id: &str) -> Result<Self, ApiError> {
        let JsonObject(event): JsonObject<Event> = serde_json::from_slice(event).map_err(|_| {
            let message = "the event is not of API Gateway's payload format 2.0";
            ApiError::new(ErrorCode::InvalidRequest, message)
        })?;
        let JsonObject(context) = event.request_context;
        let JsonObject(http) = context.http;
        let headers = event.headers.unwrap_or_default();
        let source_ip = http.source_ip.unwrap_or_default();
        let body = event.body.unwrap_or_default();
        let (principal, groups) = signed_in(context.authorizer);
        Ok(Self {
            method: http.method,
            path: route_path(&event.raw_path, context.stage.as_deref()).to_owned(),
            query: event.raw_query_string.unwrap_or_default(),
            caller: Caller {
                request_id: context.request_id.unwrap_or_else(|| request_id.to_owned()),
                visitor_ip: visitor(&headers, &source_ip),
                source_ip,
                principal,
                groups,
            },
            headers,
            body: if event.is_base64_encoded.unwrap_or_default() {
                Body::Base64(body)
            } else {
                Body::Text(body)
            },
        })
    }

    /// The value of a header; `name` is in lower case, as format 2.0 writes every name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The length of the body in bytes, without decoding it; of a text that is said to be base64 and is not, about what
    /// it would decode to.
    pub fn body_bytes(&self) -> usize {
        match &self.body {
            Body::Text(text) => text.len(),
            Body::Base64(text) => {
                let padding = text.bytes().rev().take(2).filter(|byte| *byte == b'=');
                text.len().div_ceil(4) * 3 - padding.count()
            }
        }
    }

    /// The body's bytes.
    ///
    /// # Errors
    ///
    /// `InvalidRequest` if it is said to be base64 (RFC 4648, section 4) and is not.
    pub fn into_body(self) -> Result<Vec<u8>, ApiError> {
        match self.body {
            Body::Text(text) => Ok(text.into_bytes()),
            Body::Base64(text) => Base64::decode_vec(&text).map_err(|_| {
                let message = "the event's body is not base64, although the event says so";
                ApiError::new(ErrorCode::InvalidRequest, message)
            }),
        }
    }
}

/// The address from which the user came. CloudFront adds the one that it saw to `X-Forwarded-For`, and API Gateway the one
/// of CloudFront's server behind it (Amazon CloudFront Developer Guide, "How CloudFront processes and forwards requests to
/// your custom origin server"). What stands before them is only what the user says.
fn visitor(headers: &HashMap<String, String>, source_ip: &str) -> String {
    let forwarded = headers
        .get(FORWARDED_FOR)
        .filter(|_| headers.contains_key(CLOUDFRONT_ID));
    let mut addresses = forwarded
        .into_iter()
        .flat_map(|list| list.rsplit(','))
        .map(str::trim);
    let seen = addresses.find(|address| *address != source_ip);
    let seen = seen.filter(|address| address.parse::<IpAddr>().is_ok());
    seen.unwrap_or(source_ip).to_owned()
}

/// Who is signed in according to the authorizer, and the groups that the token names. The first is `None` if it names
/// nobody that is understood here: there is no token in it, as with IAM or a Lambda authorizer, or none with a usable
/// `sub` claim.
fn signed_in(authorizer: Option<JsonObject<Authorizer>>) -> (Option<Principal>, Vec<String>) {
    let Some(JsonObject(authorizer)) = authorizer else {
        return (Some(Principal::anonymous()), Vec::new());
    };
    let Some(JsonObject(claims)) = authorizer.jwt.and_then(|JsonObject(token)| token.claims) else {
        return (None, Vec::new());
    };
    let subject = claims.sub.as_ref().and_then(Value::as_str);
    let groups = [claims.cognito_groups, claims.groups].into_iter().flatten();
    (
        subject.and_then(Principal::of_subject),
        groups.flat_map(read_groups).collect(),
    )
}

/// The names in a claim, which API Gateway writes as a text: a list as `[one two]`.
fn read_groups(claim: Value) -> Vec<String> {
    match claim {
        Value::String(text) => match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(list) => list.split_whitespace().map(str::to_owned).collect(),
            None => vec![text],
        },
        Value::Array(names) => names
            .iter()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}

/// The path without the stage, which API Gateway puts first unless it is `$default`, and without `/api`.
fn route_path<'a>(path: &'a str, stage: Option<&str>) -> &'a str {
    let path = match stage {
        Some(stage) if stage != DEFAULT_STAGE => strip_segment(path, stage),
        _ => path,
    };
    strip_segment(path, "api")
}

fn strip_segment<'a>(path: &'a str, segment: &str) -> &'a str {
    path.strip_prefix('/')
        .filter(|_| !segment.is_empty())
        .and_then(|rest| rest.strip_prefix(segment))
        .filter(|rest| rest.starts_with('/'))
        .unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn event() -> Value {
        json!({"rawPath": "/health", "requestContext": {"http": {"method": "GET"}}})
    }

    fn check_refused(event: &str) {
        let error = Request::read(event.as_bytes(), "").expect_err(event);
        assert_eq!(error.code, ErrorCode::InvalidRequest, "{event}");
        assert!(!error.message.contains("secret"), "{}", error.message);
    }

    #[test]
    fn only_the_method_and_the_path_are_needed() {
        let request = Request::read(event().to_string().as_bytes(), "lambda-id").expect("a request");
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("GET", "/health")
        );
        assert_eq!(request.caller.request_id, "lambda-id");
        assert_eq!(request.caller.principal, Some(Principal::anonymous()));
        assert_eq!(request.into_body(), Ok(Vec::new()));
    }

    #[test]
    fn what_is_not_an_event_is_refused_and_not_quoted() {
        for event in ["", "{", "null", "[]", "\"secret\"", "{\"rawPath\": \"/secret\"}"] {
            check_refused(event);
        }
        for (pointer, value) in [
            ("/rawPath", json!(1)),
            ("/requestContext", json!("secret")),
            ("/requestContext/http", json!(null)),
            ("/requestContext/http", json!(["GET"])),
            ("/requestContext", json!(["id", "stage", {"method": "GET"}])),
            ("", json!(["/health", null, null, {"http": {"method": "GET"}}])),
            ("/requestContext/http/method", json!(null)),
        ] {
            let mut event = event();
            *event.pointer_mut(pointer).expect("a field") = value;
            check_refused(&event.to_string());
        }
        for (field, value) in [
            ("headers", json!({"a": 1})),
            ("headers", json!("secret")),
            ("body", json!({"secret": 1})),
            ("isBase64Encoded", json!("secret")),
            ("rawQueryString", json!(["secret"])),
        ] {
            let mut event = event();
            event[field] = value;
            check_refused(&event.to_string());
        }
    }

    #[test]
    fn a_version_1_event_is_refused() {
        check_refused(r#"{"version": "1.0", "path": "/health", "httpMethod": "GET", "requestContext": {}}"#);
    }

    #[test]
    fn an_authorizer_that_is_no_object_is_not_taken_for_none() {
        for authorizer in [
            json!([]),
            json!(""),
            json!({"jwt": []}),
            json!({"jwt": {"claims": ["me"]}}),
        ] {
            let mut event = event();
            event["requestContext"]["authorizer"] = authorizer;
            check_refused(&event.to_string());
        }
    }

    fn check_principal(authorizer: Value, expected: Option<Principal>) {
        let mut event = event();
        event["requestContext"]["authorizer"] = authorizer.clone();
        let request = Request::read(event.to_string().as_bytes(), "").expect("a request");
        assert_eq!(request.caller.principal, expected, "{authorizer}");
    }

    #[test]
    fn a_token_that_names_nobody_is_not_anonymous() {
        check_principal(Value::Null, Some(Principal::anonymous()));
        check_principal(
            json!({"jwt": {"claims": {"sub": "me"}}}),
            Principal::of_subject("me"),
        );
        check_principal(json!({"jwt": {}}), None);
        check_principal(json!({"jwt": null}), None);
        check_principal(json!({}), None);
        check_principal(json!({"iam": {"userId": "me"}}), None);
        check_principal(json!({"lambda": {"sub": "me"}}), None);
        check_principal(json!({"jwt": {"claims": null}}), None);
        check_principal(json!({"jwt": {"claims": {"sub": 1}}}), None);
    }

    fn check_groups(claims: Value, expected: &[&str]) {
        let mut event = event();
        event["requestContext"]["authorizer"] = json!({"jwt": {"claims": claims}});
        let request = Request::read(event.to_string().as_bytes(), "").expect("a request");
        assert_eq!(request.caller.groups, expected);
    }

    #[test]
    fn the_groups_are_those_of_the_token() {
        check_groups(json!({"sub": "me"}), &[]);
        check_groups(json!({"sub": "me", "groups": "makers"}), &["makers"]);
        check_groups(
            json!({"sub": "me", "groups": "[makers staff]"}),
            &["makers", "staff"],
        );
        check_groups(json!({"sub": "me", "cognito:groups": "[makers]"}), &["makers"]);
        check_groups(json!({"sub": "me", "groups": ["makers", 1]}), &["makers"]);
        check_groups(json!({"sub": "me", "groups": "[]"}), &[]);
        check_groups(json!({"sub": "me", "groups": {"makers": true}}), &[]);
    }

    fn check_visitor(forwarded_for: &str, by_cloudfront: bool, expected: &str) {
        let mut event = event();
        event["requestContext"]["http"]["sourceIp"] = "130.176.0.1".into();
        event["headers"] = json!({ "x-forwarded-for": forwarded_for });
        if by_cloudfront {
            event["headers"]["x-amz-cf-id"] = "id".into();
        }
        let request = Request::read(event.to_string().as_bytes(), "").expect("a request");
        let caller = request.caller;
        assert_eq!(caller.visitor_ip, expected, "{forwarded_for}");
        assert_eq!(caller.source_ip, "130.176.0.1");
    }

    #[test]
    fn the_visitor_is_whom_cloudfront_saw() {
        check_visitor("198.51.100.7, 130.176.0.1", true, "198.51.100.7");
        check_visitor("2001:db8::7, 130.176.0.1", true, "2001:db8::7");
        check_visitor("10.0.0.1, 198.51.100.7, 130.176.0.1", true, "198.51.100.7");
        check_visitor("198.51.100.7", true, "198.51.100.7");
        check_visitor("me, 130.176.0.1", true, "130.176.0.1");
        check_visitor("130.176.0.1", true, "130.176.0.1");
        check_visitor("", true, "130.176.0.1");
        check_visitor("198.51.100.7, 130.176.0.1", false, "130.176.0.1");
    }

    fn check_path(stage: Option<&str>, path: &str, expected: &str) {
        assert_eq!(route_path(path, stage), expected, "{path} of stage {stage:?}");
    }

    #[test]
    fn the_stage_and_api_are_dropped_once() {
        check_path(None, "/health", "/health");
        check_path(Some("$default"), "/api/health", "/health");
        check_path(Some("prod"), "/prod/api/health", "/health");
        check_path(Some("prod"), "/production/health", "/production/health");
        check_path(Some(""), "//health", "//health");
        check_path(Some("prod"), "/prod/prod/health", "/prod/health");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>()) {
            prop_assert!(Request::read(&bytes, "").is_err());
        }

        #[test]
        fn a_body_in_base64_is_the_body(body in any::<Vec<u8>>()) {
            let mut event = event();
            event["body"] = Base64::encode_string(&body).into();
            event["isBase64Encoded"] = true.into();
            let request = Request::read(event.to_string().as_bytes(), "").expect("a request");
            prop_assert_eq!(request.body_bytes(), body.len());
            prop_assert_eq!(request.into_body(), Ok(body));
        }
    }
}
