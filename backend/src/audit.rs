//! The audit: one JSON line for each URL issued and for each refusal. Neither a signature nor a URL nor a
//! token is ever in it.

use std::time::SystemTime;

use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::fmt::MakeWriter;
use wire::{ErrorCode, SignedRequest};

use crate::{
    caller::{Caller, Principal},
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

/// Records that a URL was issued.
pub(crate) fn issued(
    caller: &Caller,
    now: SystemTime,
    key: &str,
    request: &S3Request,
    signed: &SignedRequest,
) {
    tracing::info!(
        time = timestamp(now),
        request_id = caller.request_id,
        principal = caller.principal.as_ref().map(Principal::as_segment),
        source_ip = caller.source_ip,
        operation = request.operation,
        key,
        size = request.size,
        sha256 = request.sha256.map(|digest| digest.to_string()),
        expires_at = signed.expires_at,
        "issued"
    );
}

/// Records that a request, or a part of one, was refused.
pub(crate) fn refused(caller: &Caller, now: SystemTime, code: ErrorCode) {
    tracing::warn!(
        time = timestamp(now),
        request_id = caller.request_id,
        principal = caller.principal.as_ref().map(Principal::as_segment),
        source_ip = caller.source_ip,
        code = ?code,
        status = code.status(),
        "refused"
    );
}

/// The time as RFC 3339 writes it.
fn timestamp(time: SystemTime) -> Option<String> {
    OffsetDateTime::from(time).format(&Rfc3339).ok()
}
