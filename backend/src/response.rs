//! Answers as HTTP.

use lambda_http::{
    Body, Response,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
    },
};
use serde::Serialize;
use wire::{ApiError, ErrorBody, FilePlan};

/// A JSON answer. No cache may keep it, because it can carry signed URLs.
pub(crate) fn json(status: StatusCode, content: &impl Serialize) -> Response<Body> {
    let (status, text) = match serde_json::to_string(content) {
        Ok(text) => (status, text),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            let body = r#"{"error":{"code":"InternalError","message":"the answer could not be written"}}"#;
            (StatusCode::INTERNAL_SERVER_ERROR, body.to_owned())
        }
    };
    let mut response = Response::new(Body::Text(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The answer to a request that is refused as a whole; `files` says why each file of a batch was.
pub(crate) fn refusal(error: ApiError, files: Option<Vec<FilePlan>>) -> Response<Body> {
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json(status, &ErrorBody { error, files })
}

/// An answer without a body.
pub(crate) fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
