//! Faults and observations, for tests.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::{Method, StatusCode};
use tokio::sync::watch;

use crate::bucket_cors::CorsConfiguration;

/// How long S3 waits for the next byte of a body before it answers RequestTimeout.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// What a test can do to a running stack, and what it can see. A fault is made where the real one would
/// come from, if the real part can make it.
#[derive(Debug)]
pub struct Controls {
    state: Mutex<State>,
}

/// One request that S3 answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRequest {
    pub method: String,
    /// The path as it was sent: percent-encoded, starting with the bucket.
    pub path: String,
    /// The host that it was sent to, with its port; empty if the request named none.
    pub host: String,
    /// The query as it was sent; empty if there was none.
    pub query: String,
    /// The status of the answer.
    pub status: u16,
    /// How many bytes of the body had been read when the answer was made.
    pub body_bytes: u64,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) lambda_clock_offset_seconds: i64,
    pub(crate) gateway_clock_offset_seconds: i64,
    /// What the Lambda signs with instead of its role's secret.
    pub(crate) lambda_secret_access_key: Option<String>,
    pub(crate) is_lambda_session_expired: bool,
    /// What the bucket has instead of its own CORS configuration.
    pub(crate) bucket_cors: Option<Arc<CorsConfiguration>>,
    pub(crate) body_timeout: Duration,
    pub(crate) equal_parts: bool,
    /// What the names of headers begin with that S3 does not implement.
    pub(crate) refused_headers: Vec<String>,
    completion_gate: Option<Arc<Gate>>,
    bytes_per_second: Option<u64>,
    planned_failures: Vec<PlannedFailure>,
    requests: Vec<RecordedRequest>,
}

#[derive(Debug)]
struct PlannedFailure {
    remaining: usize,
    method: Method,
    status: StatusCode,
    code: String,
}

/// Where requests wait until it is opened.
#[derive(Debug)]
struct Gate {
    arrived: watch::Sender<usize>,
    is_open: watch::Sender<bool>,
}

/// Holds CompleteMultipartUpload requests until it is dropped.
#[derive(Debug)]
pub struct HeldCompletions {
    gate: Arc<Gate>,
}

impl HeldCompletions {
    /// Waits until this many requests are held, or have been.
    pub async fn wait_for(&self, count: usize) {
        let mut arrived = self.gate.arrived.subscribe();
        // The sender lives as long as this.
        arrived.wait_for(|arrived| *arrived >= count).await.ok();
    }
}

impl Drop for HeldCompletions {
    fn drop(&mut self) {
        self.gate.is_open.send_replace(true);
    }
}

impl Controls {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                lambda_clock_offset_seconds: 0,
                gateway_clock_offset_seconds: 0,
                lambda_secret_access_key: None,
                is_lambda_session_expired: false,
                bucket_cors: None,
                body_timeout: BODY_TIMEOUT,
                equal_parts: false,
                refused_headers: Vec::new(),
                completion_gate: None,
                bytes_per_second: None,
                planned_failures: Vec::new(),
                requests: Vec::new(),
            }),
        }
    }

    /// Makes the Lambda's clock wrong by this many seconds, so that what it signs is expired or
    /// skewed. 0 makes it right again.
    pub fn set_lambda_clock_offset_seconds(&self, seconds: i64) {
        self.state().lambda_clock_offset_seconds = seconds;
    }

    /// Makes the API's clock wrong by this many seconds, so that its authorizer takes tokens for expired or
    /// not yet valid. 0 makes it right again.
    pub fn set_gateway_clock_offset_seconds(&self, seconds: i64) {
        self.state().gateway_clock_offset_seconds = seconds;
    }

    /// Makes the Lambda sign with another secret, so that S3 answers SignatureDoesNotMatch. `None`
    /// restores the right one.
    pub fn set_lambda_secret_access_key(&self, secret_access_key: Option<String>) {
        self.state().lambda_secret_access_key = secret_access_key;
    }

    /// Ends the session of the Lambda's role, so that S3 answers ExpiredToken to every URL that
    /// the Lambda has signed and will sign. `false` revives it.
    pub fn set_lambda_session_expired(&self, expired: bool) {
        self.state().is_lambda_session_expired = expired;
    }

    /// Makes S3 refuse the next `count` requests of a method with this status and error code,
    /// without touching what is stored. A status of 200 makes an answer with `<Error>` in its
    /// body, as CompleteMultipartUpload can. Preflights are not affected.
    ///
    /// # Panics
    /// If `method` or `status` does not exist in HTTP.
    pub fn fail_next_s3_requests(&self, count: usize, method: &str, status: u16, code: &str) {
        let failure = PlannedFailure {
            remaining: count,
            method: method.parse().expect("a method"),
            status: StatusCode::from_u16(status).expect("a status"),
            code: code.to_owned(),
        };
        self.state().planned_failures.push(failure);
    }

    /// Replaces the bucket's CORS configuration by this one, in the JSON that
    /// `aws s3api put-bucket-cors` takes.
    ///
    /// # Panics
    /// If the text is no such JSON.
    pub fn set_bucket_cors(&self, configuration: &str) {
        let configuration = serde_json::from_str(configuration).expect("a CORS configuration");
        self.state().bucket_cors = Some(Arc::new(configuration));
    }

    /// Limits how fast S3 reads the body of each request; `None` ends the limit, also for requests
    /// in flight.
    pub fn set_s3_bytes_per_second(&self, bytes_per_second: Option<u64>) {
        self.state().bytes_per_second = bytes_per_second;
    }

    /// Sets how long S3 waits for the next byte of a body before it answers RequestTimeout; 20
    /// seconds if it is never set.
    pub fn set_s3_body_timeout(&self, timeout: Duration) {
        self.state().body_timeout = timeout;
    }

    /// Makes CompleteMultipartUpload refuse parts of unequal length, as Cloudflare R2 does: all but the last
    /// must have one length, and the last must not be longer.
    pub fn set_s3_equal_parts(&self, equal_parts: bool) {
        self.state().equal_parts = equal_parts;
    }

    /// Makes S3 answer 501 NotImplemented to every request with a header whose name begins with one of these, in lower
    /// case, as services do that know no conditional writes or no checksums.
    pub fn set_s3_refused_headers(&self, beginnings: &[&str]) {
        self.state().refused_headers = beginnings.iter().map(|name| (*name).to_owned()).collect();
    }

    /// Holds every CompleteMultipartUpload from now on while S3 assembles its object, until the returned value
    /// is dropped.
    pub fn hold_s3_completions(&self) -> HeldCompletions {
        let gate = Arc::new(Gate {
            arrived: watch::Sender::new(0),
            is_open: watch::Sender::new(false),
        });
        self.state().completion_gate = Some(Arc::clone(&gate));
        HeldCompletions { gate }
    }

    /// The requests that S3 answered, preflights too, in the order of the answers.
    pub fn s3_requests(&self) -> Vec<RecordedRequest> {
        self.state().requests.clone()
    }

    /// Those after the first `count` of them.
    pub fn s3_requests_after(&self, count: usize) -> Vec<RecordedRequest> {
        self.state().requests.get(count..).unwrap_or_default().to_vec()
    }

    pub(crate) fn bytes_per_second(&self) -> Option<u64> {
        self.state().bytes_per_second
    }

    /// Waits for as long as completions are held.
    pub(crate) async fn pass_completion_gate(&self) {
        let Some(gate) = self.state().completion_gate.clone() else {
            return;
        };
        gate.arrived.send_modify(|arrived| *arrived += 1);
        let mut is_open = gate.is_open.subscribe();
        is_open.wait_for(|is_open| *is_open).await.ok();
    }

    pub(crate) fn record(&self, request: RecordedRequest) {
        self.state().requests.push(request);
    }

    /// The status and error code of the failure that is planned for a request of this method.
    pub(crate) fn take_planned_failure(&self, method: &Method) -> Option<(StatusCode, String)> {
        let mut state = self.state();
        let mut failures = state.planned_failures.iter_mut();
        let failure = failures.find(|failure| failure.method == *method && failure.remaining > 0)?;
        failure.remaining -= 1;
        Some((failure.status, failure.code.clone()))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
