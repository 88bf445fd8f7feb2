//! How often the engine tries one of the bucket's endpoints while a network blocks it.

use std::time::Duration;

use wire::Endpoint;

use crate::{scenario::BlockedEndpoint as Blocked, violation::Violation};

/// The endpoint that is blocked, and what there was to learn about it.
#[derive(Debug)]
pub(crate) struct BlockedEndpoint {
    /// Which one it is, if it was blocked from the start, so that nothing ever came back from it.
    silent: Option<Endpoint>,
    requests: u64,
    /// The reasons to try it: the start, every new network or page, and every request that the engine
    /// cancelled before it could learn from it.
    reasons: u64,
    /// Whether something came back from the other endpoint since the last reason. Without another way, the first endpoint
    /// is tried for ever.
    is_other_known: bool,
}

impl BlockedEndpoint {
    pub(crate) fn new(blocked: Option<Blocked>) -> Self {
        let from_start = blocked.filter(|blocked| blocked.from.is_zero());
        Self {
            silent: from_start.map(|blocked| blocked.endpoint),
            requests: 0,
            reasons: 1,
            is_other_known: false,
        }
    }

    /// Whether this is the one.
    pub(crate) fn is(&self, endpoint: Endpoint) -> bool {
        self.silent == Some(endpoint)
    }

    /// Takes note that it is not blocked any more.
    pub(crate) const fn on_opened(&mut self) {
        self.silent = None;
    }

    /// Takes note of a request to it.
    pub(crate) fn on_request(&mut self) {
        if self.is(Endpoint::Second) || self.is_other_known {
            self.requests += 1;
        }
    }

    /// Takes note of a request to the other one that was answered, or lost. What is in flight to the first one by then
    /// counts for nothing.
    pub(crate) fn on_other(&mut self, is_answered: bool) {
        if self.is(Endpoint::First) {
            if !is_answered {
                self.on_reason();
            }
            self.is_other_known = is_answered;
        }
    }

    /// Takes note of a reason to try it again.
    pub(crate) const fn on_reason(&mut self) {
        self.reasons += 1;
        self.is_other_known = false;
    }

    /// One request finds out that an endpoint cannot be reached, and another one ten minutes later.
    pub(crate) const fn check(&self, now: Duration) -> Result<(), Violation> {
        const REST_SECONDS: u64 = 600;
        let requests = self.requests;
        let allowed = self.reasons + now.as_secs() / REST_SECONDS;
        if self.silent.is_some() && requests > allowed {
            return Err(Violation::UnreachableRetried { requests, allowed });
        }
        Ok(())
    }
}
