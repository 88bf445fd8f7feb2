//! The Runtime API of the Lambda service, from which a function's program takes its events
//! (AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes").

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use serde_json::json;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot, watch};
use uuid::Uuid;

use crate::server::Handler;

/// What every path starts with.
const ROOT: &str = "/2018-06-01/runtime/";

/// The largest answer of a function in bytes: 6 MB (AWS Lambda Developer Guide, "Lambda quotas").
const MAX_ANSWER_BYTES: usize = 6 * 1024 * 1024;

/// How long a function may take: what API Gateway waits for an integration.
const FUNCTION_TIMEOUT: Duration = Duration::from_secs(30);

/// What every function learns that it is.
const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:local";

/// A trace that is not sampled.
const TRACE_ID: &str = "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0";

/// The events of one function, on their way from whoever invokes it to the program that asks for them.
pub(crate) struct RuntimeApi {
    invocations: mpsc::UnboundedSender<Invocation>,
    waiting: AsyncMutex<mpsc::UnboundedReceiver<Invocation>>,
    running: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
    start: watch::Sender<Start>,
}

/// A program's answer to an event, or an error as JSON.
pub(crate) type Outcome = Result<Bytes, Bytes>;

/// How far a program has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// It has not asked for an event.
    Pending,
    /// It asks for events.
    Ready,
    /// It has reported an error instead, as JSON.
    Failed(Bytes),
}

struct Invocation {
    request_id: String,
    event: Bytes,
    outcome: oneshot::Sender<Outcome>,
}

/// The function did not answer in time.
#[derive(Debug)]
pub(crate) struct TimedOut;

impl RuntimeApi {
    pub(crate) fn new() -> Self {
        let (invocations, waiting) = mpsc::unbounded_channel();
        Self {
            invocations,
            waiting: AsyncMutex::new(waiting),
            running: Mutex::default(),
            start: watch::Sender::new(Start::Pending),
        }
    }

    /// Observes how the program starts.
    pub(crate) fn start(&self) -> watch::Receiver<Start> {
        self.start.subscribe()
    }

    /// Sends the program an event and waits for its answer.
    pub(crate) async fn invoke(&self, event: Bytes) -> Result<Outcome, TimedOut> {
        let (outcome, answered) = oneshot::channel();
        let request_id = Uuid::new_v4().to_string();
        let invocation = Invocation {
            request_id: request_id.clone(),
            event,
            outcome,
        };
        self.invocations.send(invocation).map_err(|_| TimedOut)?;
        let answered = tokio::time::timeout(FUNCTION_TIMEOUT, answered).await;
        self.running().remove(&request_id);
        answered.map_err(|_| TimedOut)?.map_err(|_| TimedOut)
    }

    /// The next event, once there is one.
    async fn next(&self) -> Response<Full<Bytes>> {
        self.start.send_replace(Start::Ready);
        // The program's own request is dropped with its connection, and no event is lost with it.
        let invocation = self.waiting.lock().await.recv().await;
        let Some(invocation) = invocation else {
            return refusal(StatusCode::INTERNAL_SERVER_ERROR, "Runtime.Shutdown");
        };
        let deadline = SystemTime::now() + FUNCTION_TIMEOUT;
        let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default();
        let response = Response::builder()
            .header("lambda-runtime-aws-request-id", &invocation.request_id)
            .header("lambda-runtime-deadline-ms", deadline.as_millis().to_string())
            .header("lambda-runtime-invoked-function-arn", FUNCTION_ARN)
            .header("lambda-runtime-trace-id", TRACE_ID)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(invocation.event));
        let Ok(response) = response else {
            return refusal(StatusCode::INTERNAL_SERVER_ERROR, "Runtime.InvalidHeader");
        };
        self.running().insert(invocation.request_id, invocation.outcome);
        response
    }

    /// Takes the program's answer to an event.
    async fn take_outcome(
        &self,
        request_id: &str,
        request: Request<Incoming>,
        is_error: bool,
    ) -> Response<Full<Bytes>> {
        let body = Limited::new(request.into_body(), MAX_ANSWER_BYTES)
            .collect()
            .await;
        let Ok(body) = body else {
            return refusal(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge");
        };
        let Some(outcome) = self.running().remove(request_id) else {
            return refusal(StatusCode::BAD_REQUEST, "InvalidRequestID");
        };
        let body = body.to_bytes();
        // Whoever invoked the function may be gone.
        outcome.send(if is_error { Err(body) } else { Ok(body) }).ok();
        accepted()
    }

    async fn fail_start(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let body = Limited::new(request.into_body(), MAX_ANSWER_BYTES)
            .collect()
            .await;
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        self.start.send_replace(Start::Failed(body));
        accepted()
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Outcome>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handler for std::sync::Arc<RuntimeApi> {
    type Body = Full<Bytes>;

    const LOGGED: bool = false;

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path().to_owned();
        let Some(operation) = path.strip_prefix(ROOT) else {
            return refusal(StatusCode::NOT_FOUND, "NotFound");
        };
        let operation: Vec<_> = operation.split('/').collect();
        match (request.method(), operation.as_slice()) {
            (&Method::GET, ["invocation", "next"]) => self.next().await,
            (&Method::POST, ["invocation", id, "response"]) => self.take_outcome(id, request, false).await,
            (&Method::POST, ["invocation", id, "error"]) => self.take_outcome(id, request, true).await,
            (&Method::POST, ["init", "error"]) => self.fail_start(request).await,
            _ => refusal(StatusCode::NOT_FOUND, "NotFound"),
        }
    }
}

fn accepted() -> Response<Full<Bytes>> {
    json_response(StatusCode::ACCEPTED, &json!({"status": "OK"}))
}

fn refusal(status: StatusCode, error_type: &str) -> Response<Full<Bytes>> {
    let message = status.canonical_reason().unwrap_or_default();
    json_response(status, &json!({"errorMessage": message, "errorType": error_type}))
}

fn json_response(status: StatusCode, body: &serde_json::Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    let is_json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, is_json);
    response
}
