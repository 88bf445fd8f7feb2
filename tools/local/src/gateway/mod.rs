//! API Gateway: an HTTP API with a `$default` route to the Lambda, and one to the function that looks at stored
//! objects (Amazon API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs").

mod authorizer;
mod cors;
mod event;
mod host;
mod issuer_keys;
mod response;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use uuid::Uuid;

pub(crate) use authorizer::Authorizer;
pub use authorizer::AuthorizerOptions;
use authorizer::Denial;
pub(crate) use cors::Cors;

use crate::{
    lambda::{Lambda, LambdaFailed},
    server::{Handler, Peer},
};

/// The largest payload in bytes: 10 MB (Amazon API Gateway Developer Guide, "Quotas for HTTP APIs").
const MAX_PAYLOAD_BYTES: usize = 10 * 1024 * 1024;

/// The most bytes of the request line and the headers together (the same quotas).
const MAX_HEAD_BYTES: usize = 10_240;

/// An HTTP API in front of the Lambda.
pub(crate) struct Gateway {
    pub(crate) functions: Functions,
    /// Checks every request's token, unless it goes by an upload link, and lets pages read the answers; without it
    /// anybody may call.
    pub(crate) guard: Option<Guard>,
    /// The host by which it may be called besides those that only this machine has.
    pub(crate) public_host: Option<String>,
}

/// The functions behind the routes.
#[derive(Clone)]
pub(crate) struct Functions {
    /// Answers every other route.
    pub(crate) lambda: Lambda,
    /// Answers `/verdicts` and `/link/verdicts`, if anything does.
    pub(crate) verdicts: Option<Arc<verdict::Function>>,
}

impl Functions {
    async fn invoke(&self, path: &str, event: String) -> Result<String, LambdaFailed> {
        let is_verdicts = ["/verdicts", "/link/verdicts"].contains(&without_stage(path));
        let Some(function) = self.verdicts.clone().filter(|_| is_verdicts) else {
            return self.lambda.invoke(event).await;
        };
        let request_id = Uuid::new_v4().to_string();
        let handling = tokio::task::spawn_blocking(move || function.handle(event.as_bytes(), &request_id));
        let answer = handling
            .await
            .ok()
            .and_then(Result::ok)
            .ok_or(LambdaFailed::Failed)?;
        serde_json::to_string(&answer).map_err(|_| LambdaFailed::Failed)
    }
}

/// What an API that asks for tokens has in front of its integration. It answers CORS itself, because the
/// Lambda never receives a request that is denied.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) authorizer: Arc<Authorizer>,
    pub(crate) cors: Arc<Cors>,
}

/// An answer of API Gateway itself.
enum Refusal {
    Error(StatusCode),
    Denied(Denial),
}

impl Handler for Gateway {
    type Body = Full<Bytes>;

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let request_id = Uuid::new_v4().to_string();
        let mut response = self.answer_with_cors(request, &request_id).await;
        if let Ok(request_id) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert("apigw-requestid", request_id);
        }
        response
    }
}

impl Gateway {
    async fn answer_with_cors(&self, request: Request<Incoming>, request_id: &str) -> Response<Full<Bytes>> {
        let Some(Guard { cors, .. }) = &self.guard else {
            return self.invoke(request, request_id).await.unwrap_or_else(own_answer);
        };
        let headers = request.headers().clone();
        if let Some(response) = cors.preflight(request.method(), &headers) {
            return response;
        }
        let mut response = self.invoke(request, request_id).await.unwrap_or_else(own_answer);
        cors.allow_reading(&headers, response.headers_mut());
        response
    }

    async fn invoke(
        &self,
        request: Request<Incoming>,
        request_id: &str,
    ) -> Result<Response<Full<Bytes>>, Refusal> {
        let (parts, body) = request.into_parts();
        if head_bytes(&parts) > MAX_HEAD_BYTES {
            return Err(Refusal::Error(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
        }
        if !host::is_own(&parts.headers, self.public_host.as_deref()) {
            return Err(Refusal::Error(StatusCode::FORBIDDEN));
        }
        let path = without_stage(parts.uri.path());
        let is_guarded = path != "/link" && !path.starts_with("/link/");
        let authorizer = match self.guard.as_ref().filter(|_| is_guarded) {
            Some(guard) => Some(
                guard
                    .authorizer
                    .authorize(&parts.headers)
                    .await
                    .map_err(Refusal::Denied)?,
            ),
            None => None,
        };
        let body = Limited::new(body, MAX_PAYLOAD_BYTES).collect().await;
        let body = body
            .map_err(|_| Refusal::Error(StatusCode::PAYLOAD_TOO_LARGE))?
            .to_bytes();
        let arrival = event::Arrival {
            request_id,
            source_ip: parts.extensions.get::<Peer>().map(|peer| peer.0.ip()),
            time: time::OffsetDateTime::now_utc(),
            authorizer,
        };
        let event = event::of(&parts, &body, &arrival).to_string();
        let answer =
            self.functions
                .invoke(parts.uri.path(), event)
                .await
                .map_err(|failure| match failure {
                    LambdaFailed::Failed => Refusal::Error(StatusCode::INTERNAL_SERVER_ERROR),
                    LambdaFailed::TimedOut => Refusal::Error(StatusCode::SERVICE_UNAVAILABLE),
                })?;
        response::read(&answer).ok_or(Refusal::Error(StatusCode::INTERNAL_SERVER_ERROR))
    }
}

/// A path without `/api`, the stage's name in a deployment.
fn without_stage(path: &str) -> &str {
    path.strip_prefix("/api")
        .filter(|rest| rest.starts_with('/'))
        .unwrap_or(path)
}

/// The size of the request line and the headers as HTTP/1.1 writes them.
fn head_bytes(parts: &Parts) -> usize {
    let target = parts
        .uri
        .path_and_query()
        .map_or(1, |target| target.as_str().len());
    let request_line = parts.method.as_str().len() + target + "  HTTP/1.1\r\n".len();
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    request_line + headers.sum::<usize>()
}

fn own_answer(refusal: Refusal) -> Response<Full<Bytes>> {
    match refusal {
        Refusal::Error(status) => own_error(status),
        Refusal::Denied(denial) => {
            tracing::info!("API denied a request: {denial}");
            let mut response = own_error(denial.status());
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, denial.challenge());
            response
        }
    }
}

/// An error of API Gateway itself.
fn own_error(status: StatusCode) -> Response<Full<Bytes>> {
    let message = match status {
        StatusCode::UNAUTHORIZED => "Unauthorized",
        StatusCode::FORBIDDEN => "Forbidden",
        StatusCode::PAYLOAD_TOO_LARGE => "Request Entity Too Large",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "Request Header Fields Too Large",
        StatusCode::SERVICE_UNAVAILABLE => "Service Unavailable",
        _ => "Internal Server Error",
    };
    let body = serde_json::json!({ "message": message }).to_string();
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
