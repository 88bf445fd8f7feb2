//! The Lambda's answers of payload format 2.0 as HTTP responses.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding as _};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde::Deserialize;
use serde_json::Value;

/// An answer with a status, as format 2.0 writes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    #[serde(default)]
    cookies: Vec<String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// Reads an answer; `None` if API Gateway could not read it, and would answer 500 itself.
///
/// JSON without `statusCode` is itself the body of a 200, by format 2.0.
pub(super) fn read(answer: &str) -> Option<Response<Full<Bytes>>> {
    let value: Value = serde_json::from_str(answer).ok()?;
    if value.get("statusCode").is_none() {
        return whole_body(value);
    }
    let answer: Answer = serde_json::from_value(value).ok()?;
    let body = answer.body.unwrap_or_default();
    let body = if answer.is_base64_encoded {
        Base64::decode_vec(&body).ok()?
    } else {
        body.into_bytes()
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = StatusCode::from_u16(answer.status_code).ok()?;
    let headers = response.headers_mut();
    for (name, value) in answer.headers {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_str(&value).ok()?);
    }
    for cookie in answer.cookies {
        headers.append(header::SET_COOKIE, HeaderValue::from_str(&cookie).ok()?);
    }
    // The gateway computes the length itself.
    headers.remove(header::CONTENT_LENGTH);
    headers
        .entry(header::CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("text/plain;charset=UTF-8"));
    Some(response)
}

fn whole_body(value: Value) -> Option<Response<Full<Bytes>>> {
    let body = match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Response::builder()
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::from(body))
        .ok()
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    /// A status, headers and a body.
    type Expected<'a> = (u16, &'a [(&'a str, &'a str)], &'a [u8]);

    /// Reads an answer and checks the response.
    async fn check(answer: &str, expected: Option<Expected<'_>>) {
        let response = read(answer);
        let Some((status, headers, body)) = expected else {
            assert!(response.is_none(), "{answer}");
            return;
        };
        let response = response.expect(answer);
        assert_eq!(response.status(), status, "{answer}");
        let pairs = response.headers().iter();
        let pairs: Vec<_> = pairs
            .map(|(name, value)| (name.as_str(), value.to_str().expect("text")))
            .collect();
        assert_eq!(pairs, headers, "{answer}");
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        assert_eq!(bytes, body, "{answer}");
    }

    #[tokio::test]
    async fn an_answer_of_format_2_0_is_read() {
        check(
            r#"{"statusCode": 201, "headers": {"content-type": "application/json", "x-number": 1}, "cookies": ["a=1", "b=2"], "body": "{}"}"#,
            Some((
                201,
                &[
                    ("content-type", "application/json"),
                    ("x-number", "1"),
                    ("set-cookie", "a=1"),
                    ("set-cookie", "b=2"),
                ],
                b"{}",
            )),
        )
        .await;
        let plain: &[_] = &[("content-type", "text/plain;charset=UTF-8")];
        check(r#"{"statusCode": 204}"#, Some((204, plain, b""))).await;
        check(
            r#"{"statusCode": 200, "body": "/w==", "isBase64Encoded": true}"#,
            Some((200, plain, b"\xff")),
        )
        .await;
        let json: &[_] = &[("content-type", "application/json")];
        check(r#"{"message": "hi"}"#, Some((200, json, br#"{"message":"hi"}"#))).await;
        check(r#""hi""#, Some((200, json, b"hi"))).await;
    }

    #[tokio::test]
    async fn what_is_no_answer_is_refused() {
        check("", None).await;
        check(r#"{"statusCode": 9}"#, None).await;
        check(r#"{"statusCode": "200"}"#, None).await;
        check(r#"{"statusCode": 200, "headers": {"a\n": "b"}}"#, None).await;
        check(
            r#"{"statusCode": 200, "body": "!", "isBase64Encoded": true}"#,
            None,
        )
        .await;
    }
}
