//! The Lambda's and S3's time, as far as it is known.

use std::time::Duration;

use wire::SignedRequest;

use crate::limits::EXPIRY_MARGIN_SECONDS;

/// The servers' time, learned from their answers: the browser's own clock is never asked, since it
/// may be wrong by hours.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ServerClock {
    /// The servers' time and, at that moment, the time of the events.
    seen: Option<(u64, Duration)>,
}

impl ServerClock {
    /// Learns from an answer that carries the time in seconds since 1970.
    pub(crate) const fn learn(&mut self, server_seconds: u64, now: Duration) {
        self.seen = Some((server_seconds, now));
    }

    /// Whether S3 would still accept the request.
    pub(crate) fn is_fresh(&self, request: &SignedRequest, now: Duration) -> bool {
        self.seen.is_none_or(|(server_seconds, at)| {
            let left = request.expires_at.saturating_sub(server_seconds);
            let margin = EXPIRY_MARGIN_SECONDS.min(left / 2);
            now.saturating_sub(at).as_secs() + margin < left
        })
    }

    /// The servers' time in seconds since 1970; `None` before any was learned.
    pub(crate) fn seconds(&self, now: Duration) -> Option<u64> {
        let (server_seconds, at) = self.seen?;
        Some(server_seconds.saturating_add(now.saturating_sub(at).as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use wire::HttpMethod;

    use super::*;

    /// Whether a request that is good until second 1,000 is fresh this many seconds after an answer that
    /// carried this time.
    fn check(server_seconds: u64, later: u64, expected: bool) {
        let mut clock = ServerClock::default();
        clock.learn(server_seconds, Duration::from_secs(7));
        let request = SignedRequest {
            method: HttpMethod::Put,
            url: String::new(),
            headers: BTreeMap::new(),
            expires_at: 1_000,
        };
        let is_fresh = clock.is_fresh(&request, Duration::from_secs(7 + later));
        assert_eq!(is_fresh, expected, "{server_seconds} + {later}");
    }

    #[test]
    fn a_request_is_not_started_shortly_before_its_end() {
        check(100, 894, true);
        check(100, 895, false);
        check(1_000, 0, false);
        check(u64::MAX, 0, false);
    }

    #[test]
    fn a_request_that_is_good_for_seconds_only_is_started_nonetheless() {
        check(996, 0, true);
        check(996, 2, false);
        check(999, 0, true);
    }
}
