//! The log of a function.

use std::time::SystemTime;

use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::fmt::MakeWriter;

/// A log of one JSON object per line, to `writer`; Lambda takes each line of the standard output as one event.
///
/// It goes no deeper than `INFO`, whatever the environment says, because the signing library traces the requests that
/// it signs, session token included.
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

/// A time as RFC 3339 writes it, in UTC; `None` after the year 9999.
pub fn timestamp(time: SystemTime) -> Option<String> {
    OffsetDateTime::from(time).format(&Rfc3339).ok()
}
