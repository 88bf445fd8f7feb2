//! Answers as HTTP, and as API Gateway takes them from a Lambda.

use std::collections::BTreeMap;

use http::{
    HeaderValue, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};
use serde::Serialize;
use wire::{ApiError, ErrorBody, ErrorCode, FilePlan};

use crate::cors;

/// An answer in payload format 2.0 (Amazon API Gateway Developer Guide, "Lambda function response for
/// format 2.0"). As JSON it is always one that API Gateway accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProxyResponse {
    status_code: u16,
    headers: BTreeMap<String, String>,
    body: String,
    is_base64_encoded: bool,
}

impl From<Response<String>> for ProxyResponse {
    fn from(response: Response<String>) -> Self {
        let (parts, body) = response.into_parts();
        let headers = parts.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.as_str().to_owned(), value.into_owned())
        });
        Self {
            status_code: parts.status.as_u16(),
            headers: headers.collect(),
            body,
            is_base64_encoded: false,
        }
    }
}

/// A JSON answer. No cache may keep it, because it can have signed URLs. If `content` cannot be written as JSON, the
/// answer is an `InternalError`.
pub fn json(status: StatusCode, content: &impl Serialize) -> Response<String> {
    let (status, text) = match serde_json::to_string(content) {
        Ok(text) => (status, text),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            let body = r#"{"error":{"code":"InternalError","message":"the answer could not be written"}}"#;
            (StatusCode::INTERNAL_SERVER_ERROR, body.to_owned())
        }
    };
    let mut response = Response::new(text);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The answer to a request that is refused as a whole; `files` says why each file of a `POST /uploads` was.
pub fn refusal(error: ApiError, files: Option<Vec<FilePlan>>) -> Response<String> {
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json(status, &ErrorBody { error, files })
}

/// The answer to the CORS preflight of a path that takes these methods, comma-separated: 204 without a body.
pub fn preflight(methods: &'static str) -> Response<String> {
    let mut response = Response::new(String::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    cors::add_preflight_headers(methods, response.headers_mut());
    response
}

/// The refusal of a method that a path does not take; `methods` are those that it takes, comma-separated.
pub fn method_not_allowed(methods: &'static str) -> Response<String> {
    let message = format!("this path takes {methods}");
    let mut response = refusal(ApiError::new(ErrorCode::MethodNotAllowed, message), None);
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(methods));
    response
}

/// The error of a path that is not there.
pub fn not_found() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "there is no such path")
}

/// The first error of a batch, if every entry has one; a batch of which anything was done is not refused.
pub fn first_if_all<'a>(errors: impl Iterator<Item = Option<&'a ApiError>>) -> Option<&'a ApiError> {
    let errors: Option<Vec<_>> = errors.collect();
    errors?.first().copied()
}
