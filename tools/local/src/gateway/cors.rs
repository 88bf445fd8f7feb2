//! Cross-origin resource sharing as an HTTP API does it (Amazon API Gateway Developer Guide, "Configure CORS
//! for HTTP APIs in API Gateway"): the API answers preflights itself, and the headers of its integration
//! do not count.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;

use crate::bucket_cors::matches;

/// The API's CORS configuration.
pub(crate) struct Cors {
    /// Origins, each with at most one `*`, which stands for any text.
    allowed_origins: Vec<String>,
}

impl Cors {
    pub(crate) fn new(allowed_origins: Vec<String>) -> Self {
        Self { allowed_origins }
    }

    /// The answer to a preflight, which is never authorized and reaches no integration; `None` for any other
    /// request.
    pub(super) fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response<Full<Bytes>>> {
        if method != Method::OPTIONS || !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
            return None;
        }
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        if let Some(origin) = self.allowed(headers) {
            let answer = response.headers_mut();
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            for (name, value) in [
                (header::ACCESS_CONTROL_ALLOW_METHODS, "GET,POST"),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization,content-type"),
                (header::ACCESS_CONTROL_MAX_AGE, "7200"),
            ] {
                answer.insert(name, HeaderValue::from_static(value));
            }
        }
        Some(response)
    }

    /// Lets the page of an allowed origin read an answer, whoever made it.
    pub(super) fn allow_reading(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        for name in [
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            header::ACCESS_CONTROL_ALLOW_METHODS,
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            header::ACCESS_CONTROL_MAX_AGE,
        ] {
            answer.remove(name);
        }
        if let Some(origin) = self.allowed(request) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        }
    }

    /// The origin of a request, if it is an allowed one.
    fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        let text = origin.to_str().ok()?;
        let mut patterns = self.allowed_origins.iter();
        patterns
            .any(|pattern| matches(pattern, text))
            .then(|| origin.clone())
    }
}
