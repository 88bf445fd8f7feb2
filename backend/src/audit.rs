//! The audit: one JSON line for each URL issued and for each refusal, and the counts of both. Neither a
//! signature nor a URL nor a token is ever in it.

use std::{cell::RefCell, time::SystemTime};

use lambda_api::{Caller, Principal, timestamp};
use wire::{ErrorCode, SignedRequest};

use crate::{metrics::Metrics, s3_request::S3Request};

/// The record of one request.
#[derive(Debug)]
pub(crate) struct Audit {
    caller: Caller,
    now: SystemTime,
    metrics: RefCell<Metrics>,
}

impl Audit {
    /// An empty record of a request of this caller, which is handled now.
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

    /// Records that a signed URL for the object `key` leaves the Lambda.
    pub(crate) fn record_issued(&self, key: &str, request: &S3Request, signed: &SignedRequest) {
        self.metrics.borrow_mut().count_issued(request);
        tracing::info!(
            time = timestamp(self.now),
            request_id = self.caller.request_id,
            principal = self.caller.principal.as_ref().map(Principal::as_segment),
            source_ip = self.caller.source_ip,
            visitor_ip = self.caller.visitor_ip,
            operation = request.operation,
            key,
            size = request.size,
            sha256 = request.sha256.map(|digest| digest.to_string()),
            expires_at = signed.expires_at,
            "issued"
        );
    }

    /// Records that a request, or a part of one, was refused.
    pub(crate) fn record_refused(&self, code: ErrorCode) {
        self.metrics.borrow_mut().count_refused(code);
        tracing::warn!(
            time = timestamp(self.now),
            request_id = self.caller.request_id,
            principal = self.caller.principal.as_ref().map(Principal::as_segment),
            source_ip = self.caller.source_ip,
            visitor_ip = self.caller.visitor_ip,
            code = code.as_str(),
            status = code.status(),
            "refused"
        );
    }

    /// The document of metrics of what was recorded, if anything was.
    pub(crate) fn metrics(&self, function_name: &str) -> Option<String> {
        self.metrics.borrow().document(self.now, function_name)
    }
}
