//! The Lambda's and S3's time, as far as it is known.

use std::time::Duration;

use wire::SignedRequest;

/// The servers' time, learned from their answers: the browser's own clock is never asked, since it
/// may be wrong by hours.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ServerClock {
    /// The servers' time and, at that moment, the time of the events.
    seen: Option<(u64, Duration)>,
}

impl ServerClock {
    /// A request this close to its end is not started any more.
    const MARGIN_SECONDS: u64 = 5;

    /// Learns from an answer that carries the time in seconds since 1970.
    pub(crate) const fn learn(&mut self, server_seconds: u64, now: Duration) {
        self.seen = Some((server_seconds, now));
    }

    /// Whether S3 would still accept the request.
    pub(crate) fn is_fresh(&self, request: &SignedRequest, now: Duration) -> bool {
        self.seen.is_none_or(|(server_seconds, at)| {
            let server_now = server_seconds + now.saturating_sub(at).as_secs();
            server_now + Self::MARGIN_SECONDS < request.expires_at
        })
    }
}
