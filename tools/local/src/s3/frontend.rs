//! The outermost layer of S3: ids, CORS, planned failures and error documents around s3s.

use std::sync::Arc;

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts,
};
use hyper::body::Incoming;
use s3s::service::{S3Service, S3ServiceBuilder};

use super::{
    access::{Access, Secrets},
    authorization::check_form,
    body::BodyWatch,
    bucket::Bucket,
    failure::{Failure, FailureSlot, RequestIds, usual_message},
    request_head::RequestHead,
    s3s_failure::s3s_failure,
};
use crate::{
    account::REGION,
    bucket_cors::{CorsConfiguration, PreflightRefusal},
    controls::{Controls, RecordedRequest},
    server::Handler,
};

/// S3 as clients see it.
#[derive(Clone)]
pub(crate) struct S3Frontend {
    service: S3Service,
    cors: Arc<CorsConfiguration>,
    controls: Arc<Controls>,
}

impl S3Frontend {
    pub(crate) fn new(bucket: Bucket, access: Access, cors: CorsConfiguration) -> Self {
        let controls = Arc::clone(&access.controls);
        let mut builder = S3ServiceBuilder::new(bucket);
        builder.set_auth(Secrets);
        builder.set_access(access);
        Self {
            service: builder.build(),
            cors: Arc::new(cors),
            controls,
        }
    }
}

impl Handler for S3Frontend {
    type Body = s3s::Body;

    async fn answer(&self, request: Request<Incoming>) -> Response<s3s::Body> {
        let ids = RequestIds::new();
        let (parts, body) = request.into_parts();
        let head = RequestHead::of(&parts);
        let (watch, body) = BodyWatch::over(body, Arc::clone(&self.controls));
        let outcome = self.outcome(parts, body, &watch).await;
        let mut response = outcome.unwrap_or_else(|failure| error_response(&failure, &ids, &head.method));
        let headers = response.headers_mut();
        if head.method != Method::OPTIONS {
            headers.extend(self.cors().headers_for(&head.method, &head.headers));
        }
        insert(headers, "x-amz-request-id", &ids.request_id);
        insert(headers, "x-amz-id-2", &ids.host_id);
        let body_bytes = watch.bytes_read();
        if !head.headers.contains_key(header::EXPECT) {
            watch.discard_rest().await;
        }
        let host = head.headers.get(header::HOST);
        self.controls.record(RecordedRequest {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            host: host
                .and_then(|host| host.to_str().ok())
                .unwrap_or_default()
                .to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            status: response.status().as_u16(),
            body_bytes,
        });
        response
    }
}

impl S3Frontend {
    /// The bucket's CORS configuration as it is now.
    fn cors(&self) -> Arc<CorsConfiguration> {
        let replaced = self.controls.state().bucket_cors.clone();
        replaced.unwrap_or_else(|| Arc::clone(&self.cors))
    }

    /// Refuses what a test has made unknown.
    fn check_known_headers(&self, headers: &HeaderMap) -> Result<(), Failure> {
        let state = self.controls.state();
        let is_refused = |name: &&HeaderName| {
            let mut refused = state.refused_headers.iter();
            refused.any(|beginning| name.as_str().starts_with(beginning))
        };
        match headers.keys().find(is_refused) {
            Some(name) => Err(Failure::not_implemented_header(name.as_str())),
            None => Ok(()),
        }
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
            let message = usual_message(&code);
            return Err(Failure::new(code, message).with_status(status));
        }
        self.check_known_headers(&parts.headers)?;
        check_form(&parts.uri, &parts.headers, REGION)?;
        check_length(&parts)?;
        let head = RequestHead::of(&parts);
        let slot = FailureSlot::default();
        let mut request = Request::from_parts(parts, body);
        request.extensions_mut().insert(slot.clone());
        request.extensions_mut().insert(watch.clone());
        let response = self
            .service
            .call(request)
            .await
            .map_err(|_| Failure::of("InternalError"))?;
        if let Some(failure) = slot.take() {
            return Err(failure);
        }
        if response.status().is_client_error() || response.status().is_server_error() {
            return Err(s3s_failure(response, &head).await);
        }
        Ok(response)
    }
}

/// Checks what S3 demands of a request with a body before it looks at anything else of it.
///
/// # Errors
/// 411 MissingContentLength for a PUT without a length; 501 NotImplemented for a body in chunks of HTTP.
fn check_length(parts: &Parts) -> Result<(), Failure> {
    let headers = &parts.headers;
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(Failure::not_implemented_header("Transfer-Encoding"));
    }
    if parts.method == Method::PUT && !headers.contains_key(header::CONTENT_LENGTH) {
        return Err(Failure::of("MissingContentLength"));
    }
    Ok(())
}

impl From<PreflightRefusal> for Failure {
    fn from(refusal: PreflightRefusal) -> Self {
        match refusal {
            PreflightRefusal::NoOrigin => Self::new(
                "BadRequest",
                "Insufficient information. Origin request header needed.",
            ),
            PreflightRefusal::UnknownMethod(method) => Self::new(
                "BadRequest",
                format!("Invalid Access-Control-Request-Method: {method}"),
            ),
            PreflightRefusal::NotAllowed { method } => Self::new(
                "AccessForbidden",
                "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
            )
            .with_status(StatusCode::FORBIDDEN)
            .with("Method", method)
            .with("ResourceType", "OBJECT"),
        }
    }
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
