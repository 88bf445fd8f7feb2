//! How many requests may be in flight to S3.

use std::time::Duration;

use crate::limits::THROTTLING_BURST;

/// The budget of S3 requests over all files and parts: halved when S3 asks for less, one more after
/// as many successes as it has room for (additive increase, multiplicative decrease).
///
/// A lost connection takes with it what was in flight, so that after one no more is in flight than one endpoint takes.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    limit: usize,
    /// What one endpoint of the bucket takes.
    at_one: usize,
    most: usize,
    successes: usize,
    /// One burst of 503s is one request for less.
    halved_at: Option<Duration>,
}

impl Budget {
    pub(crate) const fn new(at_one: usize, most: usize) -> Self {
        Self {
            limit: most,
            at_one,
            most,
            successes: 0,
            halved_at: None,
        }
    }

    pub(crate) const fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn record_success(&mut self) {
        self.successes += 1;
        if self.successes >= self.limit && self.limit < self.most {
            self.limit += 1;
            self.successes = 0;
        }
    }

    pub(crate) fn record_loss(&mut self) {
        self.limit = self.limit.min(self.at_one);
        self.successes = 0;
    }

    pub(crate) fn record_throttling(&mut self, now: Duration) {
        let in_burst = self
            .halved_at
            .is_some_and(|halved_at| now.saturating_sub(halved_at) < THROTTLING_BURST);
        if !in_burst {
            self.limit = (self.limit / 2).max(1);
            self.successes = 0;
            self.halved_at = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_halves_once_a_burst_and_never_below_one() {
        let mut budget = Budget::new(6, 6);
        for _ in 0..6 {
            budget.record_throttling(Duration::ZERO);
        }
        assert_eq!(budget.limit(), 3);
        for second in 1..9 {
            budget.record_throttling(Duration::from_secs(second));
        }
        assert_eq!(budget.limit(), 1);
    }

    #[test]
    fn it_grows_back_one_by_one_and_never_above_the_most() {
        let mut budget = Budget::new(3, 3);
        budget.record_throttling(Duration::ZERO);
        let mut limits = Vec::new();
        for _ in 0..8 {
            budget.record_success();
            limits.push(budget.limit());
        }
        assert_eq!(limits, [2, 2, 3, 3, 3, 3, 3, 3]);
    }

    #[test]
    fn after_a_loss_it_is_what_one_endpoint_takes() {
        let mut budget = Budget::new(2, 4);
        assert_eq!(budget.limit(), 4);
        budget.record_loss();
        assert_eq!(budget.limit(), 2);
        budget.record_success();
        budget.record_success();
        assert_eq!(budget.limit(), 3);
        budget.record_loss();
        budget.record_throttling(Duration::ZERO);
        budget.record_loss();
        assert_eq!(budget.limit(), 1);
    }
}
