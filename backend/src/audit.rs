//! The audit: one JSON line for each URL issued and for each refusal, and the counts of both. Neither a
//! signature nor a URL nor a token is ever in it.

use std::{cell::RefCell, time::SystemTime};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::fmt::MakeWriter;
use wire::{ErrorCode, SignedRequest};

use crate::{
    caller::{Caller, Principal},
    metrics::Metrics,
    s3_request::S3Request,
};

/// The log of the Lambda function: a JSON object a line, to `writer`.
///
/// It goes no deeper than `INFO`, whatever the environment says, because the signing library traces the
/// requests that it signs, session token included.
pub fn json_log<W>(writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .without_time()
        .with_max_level(LevelFilter::INFO)
        .with_writer(writer)
        .finish()
}

/// The record of one request.
#[derive(Debug)]
pub(crate) struct Audit {
    caller: Caller,
    now: SystemTime,
    metrics: RefCell<Metrics>,
}

impl Audit {
    /// An empty record of what this caller asks for now.
    pub(crate) fn new(caller: Caller, now: SystemTime) -> Self {
        Self {
            caller,
            now,
            metrics: RefCell::default(),
        }
    }

    /// Who asks.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// When.
    pub(crate) fn now(&self) -> SystemTime {
        self.now
    }

    /// Records that a signed URL for the object `key` is given out.
    pub(crate) fn issued(&self, key: &str, request: &S3Request, signed: &SignedRequest) {
        self.metrics.borrow_mut().add_issued(request.body_bytes());
        tracing::info!(
            time = timestamp(self.now),
            request_id = self.caller.request_id,
            principal = self.caller.principal.as_ref().map(Principal::as_segment),
            source_ip = self.caller.source_ip,
            operation = request.operation,
            key,
            size = request.size,
            sha256 = request.sha256.map(|digest| digest.to_string()),
            expires_at = signed.expires_at,
            "issued"
        );
    }

    /// Records that a request, or a part of one, was refused.
    pub(crate) fn refused(&self, code: ErrorCode) {
        self.metrics.borrow_mut().add_refused(code);
        tracing::warn!(
            time = timestamp(self.now),
            request_id = self.caller.request_id,
            principal = self.caller.principal.as_ref().map(Principal::as_segment),
            source_ip = self.caller.source_ip,
            code = ?code,
            status = code.status(),
            "refused"
        );
    }

    /// The document of metrics of what was recorded, if anything was.
    pub(crate) fn metrics(&self, function_name: &str) -> Option<String> {
        self.metrics.borrow().document(self.now, function_name)
    }
}

/// The time as RFC 3339 writes it.
pub fn timestamp(time: SystemTime) -> Option<String> {
    OffsetDateTime::from(time).format(&Rfc3339).ok()
}
