//! The two addresses of one bucket: how requests are spread over them, and whether the second one can be reached.
//!
//! A browser opens six connections to a host. Where a request takes long for the distance, and not for the bytes, or
//! where packets get lost, twice as many connections are twice as fast. Some networks let only the first address
//! through, so that whatever is signed for the second one has to be able to go to the first instead.

use std::time::Duration;

use crate::{
    planted::{Bug, planted},
    transfer::{Stage, Transfer},
};

/// Which of the bucket's addresses a transfer is signed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    First,
    Second,
}

/// What is known of the second address.
#[derive(Clone, Copy, Debug)]
enum Second {
    /// There is none.
    Unused,
    /// One request is to find out whether it can be reached.
    Doubtful { since: Duration },
    /// Something came back from it.
    Reached,
    /// That one request was lost.
    Unreachable { since: Duration },
}

/// How requests are spread over the bucket's addresses.
#[derive(Debug)]
pub(crate) struct Endpoints {
    second: Second,
    /// Whether the second one ever took a byte or answered.
    ever_reached: bool,
}

impl Endpoints {
    /// After so long a network may let the second address through.
    const REST: Duration = Duration::from_secs(600);

    pub(crate) const fn new(has_second: bool) -> Self {
        let second = if has_second {
            Second::Doubtful {
                since: Duration::ZERO,
            }
        } else {
            Second::Unused
        };
        Self {
            second,
            ever_reached: false,
        }
    }

    /// Where the next transfer goes, if so many were already given to the first address and to the second; it is
    /// counted among them.
    pub(crate) fn choose(&mut self, given: &mut [usize; 2], now: Duration) -> Endpoint {
        if let Second::Unreachable { since } = self.second
            && now.saturating_sub(since) >= Self::REST
        {
            self.second = Second::Doubtful { since: now };
        }
        let endpoint = match self.second {
            Second::Doubtful { .. } | Second::Reached if given[1] < given[0] => Endpoint::Second,
            _ => Endpoint::First,
        };
        given[endpoint as usize] += 1;
        endpoint
    }

    /// How many requests an address may have under way, if a reachable one may have so many.
    pub(crate) const fn places(&self, endpoint: Endpoint, most: usize) -> usize {
        match (endpoint, self.second) {
            (Endpoint::First, _) | (Endpoint::Second, Second::Reached) => most,
            (Endpoint::Second, Second::Doubtful { .. } | Second::Unreachable { .. }) => 1,
            (Endpoint::Second, Second::Unused) => 0,
        }
    }

    /// Whether the address is known to take requests.
    pub(crate) const fn is_open(&self, endpoint: Endpoint) -> bool {
        matches!(
            (endpoint, self.second),
            (Endpoint::First, _) | (Endpoint::Second, Second::Reached)
        )
    }

    /// Whether the second address cannot be reached.
    pub(crate) const fn is_second_unreachable(&self) -> bool {
        matches!(self.second, Second::Unreachable { .. })
    }

    /// Something came back from an address. Gives whether that is news.
    pub(crate) const fn reached(&mut self, endpoint: Endpoint) -> bool {
        let is_news = !self.is_open(endpoint);
        if matches!(endpoint, Endpoint::Second) {
            self.second = Second::Reached;
            self.ever_reached = true;
        }
        is_news
    }

    /// A request to an address, begun then, was lost. Those that were begun before the first loss say nothing new.
    pub(crate) fn lost(&mut self, endpoint: Endpoint, began: Duration, now: Duration) {
        self.second = match (endpoint, self.second) {
            (Endpoint::Second, Second::Reached) => Second::Doubtful { since: now },
            (Endpoint::Second, Second::Doubtful { since }) if began >= since => {
                Second::Unreachable { since: now }
            }
            (_, second) => second,
        };
    }

    /// Another network may let other addresses through.
    pub(crate) const fn network_changed(&mut self, now: Duration) {
        if !matches!(self.second, Second::Unused) {
            self.second = Second::Doubtful { since: now };
        }
    }

    /// Whether a signed transfer has to be signed for the first address instead. A whole file of which S3 may have had
    /// a request goes on asking with the same key, so that it is not stored twice.
    pub(crate) fn gives_up(&self, transfer: &Transfer) -> bool {
        let may_be_stored = transfer.part.is_none() && transfer.outcome_unknown && self.ever_reached;
        self.is_second_unreachable()
            && matches!(transfer.endpoint, Endpoint::Second)
            && matches!(transfer.stage, Stage::Signed { .. })
            && !may_be_stored
            && !planted(Bug::UnreachableForGood)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn reached() -> Endpoints {
        let mut endpoints = Endpoints::new(true);
        endpoints.reached(Endpoint::Second);
        endpoints
    }

    #[test]
    fn requests_are_spread_evenly() {
        let mut endpoints = reached();
        assert_eq!(endpoints.choose(&mut [0, 0], MINUTE), Endpoint::First);
        assert_eq!(endpoints.choose(&mut [1, 0], MINUTE), Endpoint::Second);
        assert_eq!(endpoints.choose(&mut [1, 1], MINUTE), Endpoint::First);
    }

    #[test]
    fn without_a_second_address_everything_goes_to_the_first() {
        let mut endpoints = Endpoints::new(false);
        endpoints.network_changed(MINUTE);
        assert_eq!(endpoints.choose(&mut [9, 0], MINUTE), Endpoint::First);
        assert_eq!(endpoints.places(Endpoint::First, 6), 6);
        assert_eq!(endpoints.places(Endpoint::Second, 6), 0);
    }

    #[test]
    fn one_request_finds_out_whether_the_second_address_can_be_reached() {
        let mut endpoints = Endpoints::new(true);
        assert_eq!(endpoints.places(Endpoint::Second, 6), 1);
        assert!(endpoints.reached(Endpoint::Second));
        assert!(!endpoints.reached(Endpoint::Second));
        assert_eq!(endpoints.places(Endpoint::Second, 6), 6);
    }

    #[test]
    fn requests_that_are_lost_together_are_one_doubt() {
        let mut endpoints = reached();
        for _ in 0..6 {
            endpoints.lost(Endpoint::Second, Duration::ZERO, MINUTE);
        }
        assert_eq!(endpoints.choose(&mut [1, 0], MINUTE), Endpoint::Second);
        endpoints.lost(Endpoint::Second, MINUTE, MINUTE);
        assert_eq!(endpoints.choose(&mut [1, 0], MINUTE), Endpoint::First);
    }

    #[test]
    fn an_unreachable_address_is_tried_again_after_ten_minutes_or_on_another_network() {
        let mut endpoints = Endpoints::new(true);
        endpoints.lost(Endpoint::Second, Duration::ZERO, MINUTE);
        assert_eq!(endpoints.choose(&mut [1, 0], MINUTE * 10), Endpoint::First);
        assert_eq!(endpoints.choose(&mut [1, 0], MINUTE * 11), Endpoint::Second);
        endpoints.lost(Endpoint::Second, MINUTE * 11, MINUTE * 12);
        endpoints.network_changed(MINUTE * 13);
        assert_eq!(endpoints.choose(&mut [1, 0], MINUTE * 13), Endpoint::Second);
    }
}
