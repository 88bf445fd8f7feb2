//! The audit: one JSON line for each URL issued and for each refusal, and the counts of both. Neither a
//! signature nor a URL nor a token is ever in it.

use std::{
    cell::{Cell, RefCell},
    time::SystemTime,
};

use lambda_api::{Caller, Principal, timestamp};
use wire::{ErrorCode, Link, LinkId, SignedRequest};

use crate::{metrics::Metrics, s3_request::S3Request};

/// The record of one request.
#[derive(Debug)]
pub(crate) struct Audit {
    caller: Caller,
    now: SystemTime,
    /// The upload link that the request has, if it is one of this deployment's.
    link: Cell<Option<LinkId>>,
    metrics: RefCell<Metrics>,
}

impl Audit {
    /// An empty record of a request of this caller, which is handled now.
    pub(crate) fn new(caller: Caller, now: SystemTime) -> Self {
        Self {
            caller,
            now,
            link: Cell::default(),
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

    /// Names the link that the request has from now on, in place of a principal.
    pub(crate) fn set_link(&self, link: LinkId) {
        self.link.set(Some(link));
    }

    fn principal(&self) -> Option<&str> {
        let principal = self
            .caller
            .principal
            .as_ref()
            .filter(|_| self.link.get().is_none());
        principal.map(Principal::as_segment)
    }

    fn link(&self) -> Option<String> {
        self.link.get().map(|link| link.to_string())
    }

    /// Records that an upload link was made.
    pub(crate) fn record_link(&self, link: &Link) {
        self.metrics.borrow_mut().count_link();
        tracing::info!(
            time = timestamp(self.now),
            request_id = self.caller.request_id,
            principal = self.principal(),
            source_ip = self.caller.source_ip,
            visitor_ip = self.caller.visitor_ip,
            link = link.jti.to_string(),
            folder = link.folder,
            expires_at = link.exp,
            "link made"
        );
    }

    /// Records that somebody asked what their upload link allows.
    pub(crate) fn record_link_opened(&self) {
        self.metrics.borrow_mut().count_link_opened();
        tracing::info!(
            time = timestamp(self.now),
            request_id = self.caller.request_id,
            link = self.link(),
            source_ip = self.caller.source_ip,
            visitor_ip = self.caller.visitor_ip,
            "link opened"
        );
    }

    /// Records that a signed URL for the object `key` leaves the Lambda.
    pub(crate) fn record_issued(&self, key: &str, request: &S3Request, signed: &SignedRequest) {
        self.metrics.borrow_mut().count_issued(request);
        tracing::info!(
            time = timestamp(self.now),
            request_id = self.caller.request_id,
            principal = self.principal(),
            link = self.link(),
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
            principal = self.principal(),
            link = self.link(),
            source_ip = self.caller.source_ip,
            visitor_ip = self.caller.visitor_ip,
            code = code.as_str(),
            status = code.status(),
            "refused"
        );
    }

    /// The document of metrics of what was recorded, if anything was.
    pub(crate) fn metrics(&self, function_name: &str) -> Option<String> {
        self.metrics
            .borrow()
            .document(self.now, function_name, self.link())
    }
}
