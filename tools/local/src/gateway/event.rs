//! HTTP requests as events of payload format 2.0.

use std::{collections::BTreeMap, net::IpAddr};

use base64ct::{Base64, Encoding as _};
use http::{HeaderValue, header, request::Parts};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::FormatItem, macros::format_description};

/// A time as `requestContext.time` has it, such as `12/Mar/2020:19:03:58 +0000`.
const CONTEXT_TIME: &[FormatItem<'static>] =
    format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");

/// What a request does not say itself.
pub(super) struct Arrival<'a> {
    pub(super) request_id: &'a str,
    pub(super) source_ip: Option<IpAddr>,
    pub(super) time: OffsetDateTime,
    /// What the authorizer says of it, if there is one.
    pub(super) authorizer: Option<Value>,
}

/// The event of a request.
pub(super) fn of(parts: &Parts, body: &[u8], arrival: &Arrival<'_>) -> Value {
    let text = std::str::from_utf8(body).ok().filter(|_| is_text(parts));
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": parts.uri.path(),
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "headers": headers(parts, arrival),
        "requestContext": context(parts, arrival),
        "isBase64Encoded": !body.is_empty() && text.is_none(),
    });
    let (cookies, parameters) = (cookies(parts), query_parameters(parts));
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    if !parameters.is_empty() {
        event["queryStringParameters"] = json!(parameters);
    }
    if !body.is_empty() {
        event["body"] = json!(text.map_or_else(|| Base64::encode_string(body), str::to_owned));
    }
    event
}

fn context(parts: &Parts, arrival: &Arrival<'_>) -> Value {
    let domain = text(parts.headers.get(header::HOST));
    let mut context = json!({
        "accountId": "123456789012",
        "apiId": "local",
        "domainName": domain,
        "domainPrefix": domain.split('.').next().unwrap_or_default(),
        "http": {
            "method": parts.method.as_str(),
            "path": parts.uri.path(),
            "protocol": "HTTP/1.1",
            "sourceIp": source_ip(arrival),
            "userAgent": text(parts.headers.get(header::USER_AGENT)),
        },
        "requestId": arrival.request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": arrival.time.format(CONTEXT_TIME).unwrap_or_default(),
        "timeEpoch": (arrival.time.unix_timestamp_nanos() / 1_000_000) as i64,
    });
    if let Some(authorizer) = &arrival.authorizer {
        context["authorizer"] = authorizer.clone();
    }
    context
}

/// The headers without cookies, by lower-case name; the values of a repeated header are comma-separated.
fn headers(parts: &Parts, arrival: &Arrival<'_>) -> BTreeMap<String, String> {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in &parts.headers {
        if name != header::COOKIE {
            add(&mut headers, name.as_str(), &text(Some(value)));
        }
    }
    add(&mut headers, "x-forwarded-for", &source_ip(arrival));
    // The gateway sets this one itself, whatever a proxy before it has said.
    headers.insert("x-forwarded-proto".to_owned(), "http".to_owned());
    headers
}

/// The decoded parameters of the query; the values of a repeated parameter are comma-separated.
fn query_parameters(parts: &Parts) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
        add(&mut parameters, &name, &value);
    }
    parameters
}

fn add(values: &mut BTreeMap<String, String>, name: &str, value: &str) {
    match values.get_mut(name) {
        Some(values) => {
            values.push(',');
            values.push_str(value);
        }
        None => {
            values.insert(name.to_owned(), value.to_owned());
        }
    }
}

fn cookies(parts: &Parts) -> Vec<String> {
    let headers = parts
        .headers
        .get_all(header::COOKIE)
        .iter()
        .map(|value| text(Some(value)));
    let cookies = headers.flat_map(|header| {
        header
            .split(';')
            .map(|cookie| cookie.trim().to_owned())
            .collect::<Vec<_>>()
    });
    cookies.collect()
}

/// Whether API Gateway passes a body on as text; any other body arrives in base64.
fn is_text(parts: &Parts) -> bool {
    let content_type = text(parts.headers.get(header::CONTENT_TYPE)).to_lowercase();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let is_text = media_type.starts_with("text/")
        || ["application/json", "application/javascript", "application/xml"].contains(&media_type);
    is_text && !parts.headers.contains_key(header::CONTENT_ENCODING)
}

fn source_ip(arrival: &Arrival<'_>) -> String {
    arrival.source_ip.map(|ip| ip.to_string()).unwrap_or_default()
}

fn text(value: Option<&HeaderValue>) -> String {
    value
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::Request;
    use time::macros::datetime;

    use super::*;

    /// Compares the event of a request with the expected one.
    fn check(request: Request<&[u8]>, expected: &str) {
        let (parts, body) = request.into_parts();
        let arrival = Arrival {
            request_id: "JKJaXmPLvHcESHA=",
            source_ip: Some([192, 0, 2, 1].into()),
            time: datetime!(2020-03-12 19:03:58.390 UTC),
            authorizer: None,
        };
        let expected: Value = serde_json::from_str(expected).expect("JSON");
        assert_eq!(of(&parts, body, &arrival), expected);
    }

    #[test]
    fn everything_of_a_request_is_in_its_event() {
        let request = Request::post("/my/path?parameter1=value1&parameter1=value%202&parameter2=")
            .header("Host", "id.execute-api.us-east-1.amazonaws.com")
            .header("User-Agent", "agent")
            .header("Header1", "value1")
            .header("Header1", "value2")
            .header("Cookie", "cookie1=a; cookie2=b")
            .header("Cookie", "cookie3=c")
            .header("Content-Type", "application/json; charset=utf-8")
            .body(r#"{"a": "ä"}"#.as_bytes());
        check(
            request.expect("a request"),
            r#"{
                "version": "2.0",
                "routeKey": "$default",
                "rawPath": "/my/path",
                "rawQueryString": "parameter1=value1&parameter1=value%202&parameter2=",
                "cookies": ["cookie1=a", "cookie2=b", "cookie3=c"],
                "headers": {
                    "content-type": "application/json; charset=utf-8",
                    "header1": "value1,value2",
                    "host": "id.execute-api.us-east-1.amazonaws.com",
                    "user-agent": "agent",
                    "x-forwarded-for": "192.0.2.1",
                    "x-forwarded-proto": "http"
                },
                "queryStringParameters": {"parameter1": "value1,value 2", "parameter2": ""},
                "requestContext": {
                    "accountId": "123456789012",
                    "apiId": "local",
                    "domainName": "id.execute-api.us-east-1.amazonaws.com",
                    "domainPrefix": "id",
                    "http": {
                        "method": "POST",
                        "path": "/my/path",
                        "protocol": "HTTP/1.1",
                        "sourceIp": "192.0.2.1",
                        "userAgent": "agent"
                    },
                    "requestId": "JKJaXmPLvHcESHA=",
                    "routeKey": "$default",
                    "stage": "$default",
                    "time": "12/Mar/2020:19:03:58 +0000",
                    "timeEpoch": 1584039838390
                },
                "body": "{\"a\": \"ä\"}",
                "isBase64Encoded": false
            }"#,
        );
    }

    /// Sends a body with the headers and checks what the event says of it.
    fn check_body(headers: &[(&str, &str)], body: &[u8], expected: Option<&str>, is_base64: bool) {
        let mut request = Request::post("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let arrival = Arrival {
            request_id: "",
            source_ip: None,
            time: OffsetDateTime::UNIX_EPOCH,
            authorizer: None,
        };
        let event = of(&parts, body, &arrival);
        assert_eq!(
            event.get("body").and_then(Value::as_str),
            expected,
            "{headers:?} {body:?}"
        );
        assert_eq!(event["isBase64Encoded"], json!(is_base64), "{headers:?} {body:?}");
    }

    #[test]
    fn only_text_travels_as_text() {
        check_body(&[], b"", None, false);
        check_body(&[("content-type", "text/plain")], b"a", Some("a"), false);
        check_body(&[("content-type", "Application/JSON")], b"{}", Some("{}"), false);
        check_body(&[("content-type", "text/plain")], b"\xff", Some("/w=="), true);
        check_body(
            &[("content-type", "application/octet-stream")],
            b"a",
            Some("YQ=="),
            true,
        );
        check_body(&[], b"a", Some("YQ=="), true);
        check_body(
            &[("content-type", "text/plain"), ("content-encoding", "gzip")],
            b"a",
            Some("YQ=="),
            true,
        );
    }
}
