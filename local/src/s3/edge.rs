//! The outermost layer of S3: ids, CORS, planned failures and error documents around s3s.

use std::sync::Arc;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header, request::Parts,
};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use s3s::service::{S3Service, S3ServiceBuilder};

use super::{
    access::{Access, Secrets},
    authorization::{check_form, with_expiry, with_skew},
    body::BodyWatch,
    cors::CorsConfiguration,
    failure::{Failure, FailureSlot, RequestIds},
    operations::Operations,
    signature,
};
use crate::{
    controls::{Controls, RecordedRequest},
    server::Handler,
};

/// S3 as clients see it.
#[derive(Clone)]
pub(crate) struct Edge {
    service: S3Service,
    region: Arc<str>,
    cors: Arc<CorsConfiguration>,
    controls: Arc<Controls>,
}

impl Edge {
    pub(crate) fn new(operations: Operations, access: Access, region: &str, cors: CorsConfiguration) -> Self {
        let controls = Arc::clone(&access.controls);
        let mut builder = S3ServiceBuilder::new(operations);
        builder.set_auth(Secrets);
        builder.set_access(access);
        Self {
            service: builder.build(),
            region: region.into(),
            cors: Arc::new(cors),
            controls,
        }
    }
}

impl Handler for Edge {
    type Body = s3s::Body;

    async fn answer(&self, request: Request<Incoming>) -> Response<s3s::Body> {
        let ids = RequestIds::new();
        let (parts, body) = request.into_parts();
        let asked = Asked::of(&parts);
        let (watch, body) = BodyWatch::over(body, Arc::clone(&self.controls));
        let outcome = self.outcome(parts, body, &watch).await;
        let mut response = match outcome {
            Ok(response) => response,
            Err(failure) => error_response(&failure, &ids, &asked.method),
        };
        if asked.method != Method::OPTIONS {
            response
                .headers_mut()
                .extend(self.cors().actual(&asked.method, &asked.headers));
        }
        insert(response.headers_mut(), "x-amz-request-id", &ids.request_id);
        insert(response.headers_mut(), "x-amz-id-2", &ids.host_id);
        let body_bytes = watch.read();
        if !asked.headers.contains_key(header::EXPECT) {
            watch.discard_rest().await;
        }
        self.controls.record(RecordedRequest {
            method: asked.method.to_string(),
            path: asked.uri.path().to_owned(),
            host: asked
                .headers
                .get(header::HOST)
                .and_then(|host| host.to_str().ok())
                .unwrap_or_default()
                .to_owned(),
            query: asked.uri.query().unwrap_or_default().to_owned(),
            status: response.status().as_u16(),
            body_bytes,
        });
        response
    }
}

impl Edge {
    /// The bucket's CORS configuration as it is now.
    fn cors(&self) -> Arc<CorsConfiguration> {
        self.controls
            .bucket_cors()
            .unwrap_or_else(|| Arc::clone(&self.cors))
    }

    async fn outcome(
        &self,
        parts: Parts,
        body: s3s::Body,
        watch: &BodyWatch,
    ) -> Result<Response<s3s::Body>, Failure> {
        if parts.method == Method::OPTIONS {
            let mut response = Response::new(s3s::Body::empty());
            *response.headers_mut() = self.cors().preflight(&parts.headers)?;
            return Ok(response);
        }
        if let Some((status, code)) = self.controls.take_planned_failure(&parts.method) {
            return Err(planned(status, code));
        }
        check_form(&parts.uri, &parts.headers, &self.region)?;
        check_length(&parts)?;
        let asked = Asked::of(&parts);
        let slot = FailureSlot::default();
        let mut request = Request::from_parts(parts, body);
        request.extensions_mut().insert(slot.clone());
        request.extensions_mut().insert(watch.clone());
        let response = self
            .service
            .call(request)
            .await
            .map_err(|_| Failure::internal())?;
        if let Some(failure) = slot.take() {
            return Err(failure);
        }
        if response.status().is_client_error() || response.status().is_server_error() {
            return Err(s3s_failure(response, &asked).await);
        }
        Ok(response)
    }
}

/// What is still needed of a request once s3s has consumed it.
struct Asked {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Asked {
    fn of(parts: &Parts) -> Self {
        Self {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
        }
    }
}

/// Checks what S3 demands of a request with a body before it looks at anything else of it.
///
/// # Errors
/// 411 MissingContentLength for a PUT without a length; 501 NotImplemented for a body in chunks of
/// HTTP, and for a form.
fn check_length(parts: &Parts) -> Result<(), Failure> {
    let headers = &parts.headers;
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(Failure::not_implemented_header("Transfer-Encoding"));
    }
    if parts.method == Method::PUT && !headers.contains_key(header::CONTENT_LENGTH) {
        return Err(Failure::missing_content_length());
    }
    let content_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if parts.method == Method::POST
        && content_type.is_some_and(|value| value.starts_with(b"multipart/form-data"))
    {
        return Err(Failure::new(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            "POST Object is not offered here.",
        ));
    }
    Ok(())
}

fn planned(status: StatusCode, code: String) -> Failure {
    let message = match code.as_str() {
        "SlowDown" => "Please reduce your request rate.",
        "AccessDenied" => "Access Denied",
        _ => "We encountered an internal error. Please try again.",
    };
    Failure::new(status, code, message)
}

/// An error of s3s as S3 answers it: with the elements that s3s leaves out.
async fn s3s_failure(response: Response<s3s::Body>, asked: &Asked) -> Failure {
    let status = response.status();
    let body = response
        .into_body()
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    let (code, message) = code_and_message(&body);
    let failure = Failure::new(status, code, message);
    match (failure.code.as_ref(), failure.message.as_ref()) {
        ("SignatureDoesNotMatch", _) => signature::mismatch(&asked.method, &asked.uri, &asked.headers),
        ("AccessDenied", "Request has expired") => with_expiry(failure, &asked.uri),
        ("RequestTimeTooSkewed", _) => {
            let message = "The difference between the request time and the current time is too large.";
            with_skew(
                Failure {
                    message: message.into(),
                    ..failure
                },
                &asked.uri,
                &asked.headers,
            )
        }
        ("InvalidAccessKeyId", _) => failure.with(
            "AWSAccessKeyId",
            signature::access_key(&asked.uri, &asked.headers),
        ),
        (code, "") => {
            let message = default_message(code);
            Failure {
                message: message.into(),
                ..failure
            }
        }
        _ => failure,
    }
}

/// The message of an error that s3s leaves without one (Amazon S3 API Reference, "Error responses").
fn default_message(code: &str) -> &'static str {
    match code {
        "AccessDenied" => "Access Denied",
        "IncompleteBody" => {
            "You did not provide the number of bytes specified by the Content-Length HTTP header"
        }
        "InvalidBucketName" => "The specified bucket is not valid.",
        "InvalidURI" => "Couldn't parse the specified URI.",
        "KeyTooLongError" => "Your key is too long",
        "MalformedXML" => {
            "The XML you provided was not well-formed or did not validate against our published schema"
        }
        "MethodNotAllowed" => "The specified method is not allowed against this resource.",
        "MissingContentLength" => "You must provide the Content-Length HTTP header.",
        "NotImplemented" => "A header you provided implies functionality that is not implemented",
        _ => "We encountered an internal error. Please try again.",
    }
}

fn code_and_message(body: &Bytes) -> (String, String) {
    let text = String::from_utf8_lossy(body);
    let Ok(document) = roxmltree::Document::parse(&text) else {
        return Default::default();
    };
    let element = |name: &str| {
        let found = document
            .root_element()
            .children()
            .find(|child| child.has_tag_name(name));
        found
            .and_then(|element| element.text())
            .unwrap_or_default()
            .to_owned()
    };
    (element("Code"), element("Message"))
}

fn error_response(failure: &Failure, ids: &RequestIds, method: &Method) -> Response<s3s::Body> {
    let body = match *method {
        Method::HEAD => s3s::Body::empty(),
        _ => s3s::Body::from(failure.to_xml(ids)),
    };
    let mut response = Response::new(body);
    *response.status_mut() = failure.status;
    insert(response.headers_mut(), "content-type", "application/xml");
    response
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
