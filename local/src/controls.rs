//! Faults and observations, for tests.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::{Method, StatusCode};

use crate::s3::CorsConfiguration;

/// How long S3 waits for the next byte of a body before it answers RequestTimeout.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// What a test can do to a running stack, and what it can see. The faults are made where the real
/// ones come from, wherever the real part can make them.
#[derive(Debug)]
pub struct Controls {
    state: Mutex<State>,
}

/// One request that S3 answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRequest {
    /// The method.
    pub method: String,
    /// The path as it was sent, percent-encoded, with the bucket in front.
    pub path: String,
    /// The host that it was sent to, with its port; empty where it named none.
    pub host: String,
    /// The query as it was sent, empty where there was none.
    pub query: String,
    /// The status of the answer.
    pub status: u16,
    /// The number of bytes of the body that were read before the answer was made.
    pub body_bytes: u64,
}

#[derive(Debug)]
struct State {
    clock_offset_seconds: i64,
    gateway_clock_offset_seconds: i64,
    wrong_secret_access_key: Option<String>,
    session_expired: bool,
    planned_failures: Vec<PlannedFailure>,
    bucket_cors: Option<Arc<CorsConfiguration>>,
    bytes_per_second: Option<u64>,
    body_timeout: Duration,
    requests: Vec<RecordedRequest>,
}

#[derive(Debug)]
struct PlannedFailure {
    remaining: usize,
    method: Method,
    status: StatusCode,
    code: String,
}

impl Controls {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                clock_offset_seconds: 0,
                gateway_clock_offset_seconds: 0,
                wrong_secret_access_key: None,
                session_expired: false,
                planned_failures: Vec::new(),
                bucket_cors: None,
                bytes_per_second: None,
                body_timeout: BODY_TIMEOUT,
                requests: Vec::new(),
            }),
        }
    }

    /// Makes the Lambda's clock wrong by so many seconds, so that what it signs is expired or
    /// skewed. 0 makes it right again.
    pub fn set_lambda_clock_offset_seconds(&self, seconds: i64) {
        self.state().clock_offset_seconds = seconds;
    }

    /// Makes the API's clock wrong by so many seconds, so that its authorizer takes tokens for expired or
    /// for not good yet. 0 makes it right again.
    pub fn set_gateway_clock_offset_seconds(&self, seconds: i64) {
        self.state().gateway_clock_offset_seconds = seconds;
    }

    /// Makes the Lambda sign with another secret, so that S3 answers SignatureDoesNotMatch. `None`
    /// gives it the right one again.
    pub fn set_lambda_secret_access_key(&self, secret_access_key: Option<String>) {
        self.state().wrong_secret_access_key = secret_access_key;
    }

    /// Ends the session of the Lambda's role, so that S3 answers ExpiredToken to every URL that
    /// the Lambda has signed and will sign. `false` revives it.
    pub fn set_lambda_session_expired(&self, expired: bool) {
        self.state().session_expired = expired;
    }

    /// Makes S3 refuse the next `count` requests of a method with this status and error code,
    /// without touching what is stored. A status of 200 gives an answer with `<Error>` in its
    /// body, as CompleteMultipartUpload can. Preflights are not affected.
    ///
    /// # Panics
    /// Where `method` or `status` is none of HTTP's.
    pub fn fail_next_s3_requests(&self, count: usize, method: &str, status: u16, code: &str) {
        let failure = PlannedFailure {
            remaining: count,
            method: method.parse().expect("a method"),
            status: StatusCode::from_u16(status).expect("a status"),
            code: code.to_owned(),
        };
        self.state().planned_failures.push(failure);
    }

    /// Gives the bucket this CORS configuration in place of its own, in the JSON that
    /// `aws s3api put-bucket-cors` takes.
    ///
    /// # Panics
    /// Where the text is no such JSON.
    pub fn set_bucket_cors(&self, configuration: &str) {
        let configuration = serde_json::from_str(configuration).expect("a CORS configuration");
        self.state().bucket_cors = Some(Arc::new(configuration));
    }

    /// Limits how fast S3 reads the body of each request; `None` ends the limit, also for requests
    /// that are under way.
    pub fn set_s3_bytes_per_second(&self, bytes_per_second: Option<u64>) {
        self.state().bytes_per_second = bytes_per_second;
    }

    /// Sets how long S3 waits for the next byte of a body before it answers RequestTimeout; 20
    /// seconds at the start.
    pub fn set_s3_body_timeout(&self, timeout: Duration) {
        self.state().body_timeout = timeout;
    }

    /// The requests that S3 answered, preflights too, in the order of the answers.
    pub fn s3_requests(&self) -> Vec<RecordedRequest> {
        self.state().requests.clone()
    }

    pub(crate) fn lambda_clock_offset_seconds(&self) -> i64 {
        self.state().clock_offset_seconds
    }

    pub(crate) fn gateway_clock_offset_seconds(&self) -> i64 {
        self.state().gateway_clock_offset_seconds
    }

    pub(crate) fn lambda_secret_access_key(&self) -> Option<String> {
        self.state().wrong_secret_access_key.clone()
    }

    pub(crate) fn lambda_session_expired(&self) -> bool {
        self.state().session_expired
    }

    pub(crate) fn bucket_cors(&self) -> Option<Arc<CorsConfiguration>> {
        self.state().bucket_cors.clone()
    }

    pub(crate) fn bytes_per_second(&self) -> Option<u64> {
        self.state().bytes_per_second
    }

    pub(crate) fn body_timeout(&self) -> Duration {
        self.state().body_timeout
    }

    pub(crate) fn record(&self, request: RecordedRequest) {
        self.state().requests.push(request);
    }

    /// The status and error code of the failure that is planned for a request of this method.
    pub(crate) fn take_planned_failure(&self, method: &Method) -> Option<(StatusCode, String)> {
        let mut state = self.state();
        let failures = &mut state.planned_failures;
        let failure = failures
            .iter_mut()
            .find(|failure| failure.method == *method && failure.remaining > 0)?;
        failure.remaining -= 1;
        Some((failure.status, failure.code.clone()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
