//! The two endpoints of one bucket: how requests are spread over them, and which of them can be reached.
//!
//! A browser opens six connections to a host. If a request takes long because of the distance and not because of its
//! bytes, or if packets get lost, twice as many connections are twice as fast. Some networks let only the first
//! endpoint through, and some, that have IPv6 alone, only the second, so that whatever is signed for one has to be able
//! to go to the other instead.

use std::{
    ops::{Index, IndexMut},
    time::Duration,
};

use wire::Endpoint;

use crate::limits::ENDPOINT_REST;

/// One thing for each endpoint of the bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PerEndpoint<T> {
    pub(crate) first: T,
    pub(crate) second: T,
}

impl<T> Index<Endpoint> for PerEndpoint<T> {
    type Output = T;

    fn index(&self, endpoint: Endpoint) -> &T {
        match endpoint {
            Endpoint::First => &self.first,
            Endpoint::Second => &self.second,
        }
    }
}

impl<T> IndexMut<Endpoint> for PerEndpoint<T> {
    fn index_mut(&mut self, endpoint: Endpoint) -> &mut T {
        match endpoint {
            Endpoint::First => &mut self.first,
            Endpoint::Second => &mut self.second,
        }
    }
}

/// What is known of one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// There is none.
    Unused,
    /// A request is to find out whether it can be reached.
    Probing { since: Duration },
    /// Something came back from it.
    Reached,
    /// That one request was lost.
    Unreachable { since: Duration },
}

/// How requests are spread over the bucket's endpoints. The first one is only given up while the second one answers.
#[derive(Debug)]
pub(crate) struct Endpoints {
    reach: PerEndpoint<Reach>,
    /// Whether each ever took a byte or answered.
    ever_reached: PerEndpoint<bool>,
    /// Whether the first one lost a request and has not answered since.
    is_first_lost: bool,
    /// The host of each, once a request went there.
    hosts: PerEndpoint<Option<String>>,
}

const fn other(endpoint: Endpoint) -> Endpoint {
    match endpoint {
        Endpoint::First => Endpoint::Second,
        Endpoint::Second => Endpoint::First,
    }
}

impl Endpoints {
    pub(crate) const fn new(has_second: bool) -> Self {
        let first = Reach::Probing {
            since: Duration::ZERO,
        };
        Self {
            reach: PerEndpoint {
                first,
                second: if has_second { first } else { Reach::Unused },
            },
            ever_reached: PerEndpoint {
                first: false,
                second: false,
            },
            is_first_lost: false,
            hosts: PerEndpoint {
                first: None,
                second: None,
            },
        }
    }

    /// Where the next transfer goes, if each endpoint was already assigned this many; it is counted among them.
    pub(crate) fn choose(&mut self, assigned: &mut PerEndpoint<usize>, now: Duration) -> Endpoint {
        for endpoint in [Endpoint::First, Endpoint::Second] {
            if let Reach::Unreachable { since } = self.reach[endpoint]
                && now.saturating_sub(since) >= ENDPOINT_REST
            {
                self.reach[endpoint] = Reach::Probing { since: now };
            }
        }
        let endpoint = if self.is_to_be_left(Endpoint::First)
            || self.takes_any(Endpoint::Second) && assigned.second < assigned.first
        {
            Endpoint::Second
        } else {
            Endpoint::First
        };
        assigned[endpoint] += 1;
        endpoint
    }

    /// Where control requests go: to the first endpoint, as long as it answers.
    pub(crate) fn for_control(&self) -> Endpoint {
        let is_lost = self.is_first_lost && self.takes_any(Endpoint::Second);
        if is_lost || self.is_unreachable(Endpoint::First) {
            Endpoint::Second
        } else {
            Endpoint::First
        }
    }

    /// Whether what was signed for an endpoint has to be signed for the other one: it cannot be reached, or never
    /// answered where the other one may.
    pub(crate) fn is_to_be_left(&self, endpoint: Endpoint) -> bool {
        let is_first_silent = self.is_first_lost && !self.ever_reached.first;
        let other_may_answer = self.takes_any(Endpoint::Second);
        self.is_unreachable(endpoint) || endpoint == Endpoint::First && is_first_silent && other_may_answer
    }

    /// Whether there is an endpoint that has to be left.
    pub(crate) fn is_any_to_be_left(&self) -> bool {
        self.is_to_be_left(Endpoint::First) || self.is_to_be_left(Endpoint::Second)
    }

    fn takes_any(&self, endpoint: Endpoint) -> bool {
        matches!(self.reach[endpoint], Reach::Probing { .. } | Reach::Reached)
    }

    /// How many requests an endpoint may have in flight, if a reachable one may have `most`.
    pub(crate) fn capacity(&self, endpoint: Endpoint, most: usize) -> usize {
        match self.reach[endpoint] {
            _ if self.is_open(endpoint) => most,
            Reach::Unused => 0,
            _ => 1,
        }
    }

    /// Whether the endpoint takes requests, as far as is known: the first one does for as long as the second one does
    /// not.
    pub(crate) fn is_open(&self, endpoint: Endpoint) -> bool {
        let needs_no_proof = endpoint == Endpoint::First && self.reach.second != Reach::Reached;
        self.reach[endpoint] == Reach::Reached || needs_no_proof
    }

    /// Whether the endpoint cannot be reached.
    pub(crate) fn is_unreachable(&self, endpoint: Endpoint) -> bool {
        matches!(self.reach[endpoint], Reach::Unreachable { .. })
    }

    /// Something came back from an endpoint. Returns whether that is news.
    pub(crate) fn record_reached(&mut self, endpoint: Endpoint) -> bool {
        let is_news = self.reach[endpoint] != Reach::Reached;
        self.reach[endpoint] = Reach::Reached;
        self.ever_reached[endpoint] = true;
        self.is_first_lost &= endpoint != Endpoint::First;
        is_news
    }

    /// A request to an endpoint, started then, was lost. Those that were started before the first loss say nothing new.
    pub(crate) fn record_loss(&mut self, endpoint: Endpoint, started: Duration, now: Duration) {
        let other = other(endpoint);
        self.is_first_lost |= endpoint == Endpoint::First;
        // Without another way, the first endpoint is tried for ever.
        let may_be_left = endpoint == Endpoint::Second || self.reach[other] == Reach::Reached;
        self.reach[endpoint] = match self.reach[endpoint] {
            Reach::Reached => Reach::Probing { since: now },
            Reach::Probing { since } if started >= since && may_be_left => Reach::Unreachable { since: now },
            reach => reach,
        };
        if self.reach[endpoint] != Reach::Reached && self.is_unreachable(other) && other == Endpoint::First {
            self.reach[other] = Reach::Probing { since: now };
            self.is_first_lost = false;
        }
    }

    /// Another network may let other endpoints through.
    pub(crate) fn on_network_change(&mut self, now: Duration) {
        self.is_first_lost = false;
        for endpoint in [Endpoint::First, Endpoint::Second] {
            if self.reach[endpoint] != Reach::Unused {
                self.reach[endpoint] = Reach::Probing { since: now };
            }
        }
    }

    /// A request with this URL goes to an endpoint.
    pub(crate) fn learn_host(&mut self, endpoint: Endpoint, url: &str) {
        let host = &mut self.hosts[endpoint];
        if host.is_none() {
            *host = url.split('/').nth(2).map(str::to_owned);
        }
    }

    /// The host of an endpoint that requests went to, if none ever answered.
    pub(crate) fn silent_host(&self) -> Option<&str> {
        let is_silent = !self.ever_reached.first && !self.ever_reached.second;
        let host = self.hosts.first.as_deref().or(self.hosts.second.as_deref());
        host.filter(|_| is_silent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn assigned(first: usize, second: usize) -> PerEndpoint<usize> {
        PerEndpoint { first, second }
    }

    fn reached() -> Endpoints {
        let mut endpoints = Endpoints::new(true);
        endpoints.record_reached(Endpoint::Second);
        endpoints
    }

    #[test]
    fn requests_are_spread_evenly() {
        let mut endpoints = reached();
        assert_eq!(endpoints.choose(&mut assigned(0, 0), MINUTE), Endpoint::First);
        assert_eq!(endpoints.choose(&mut assigned(1, 0), MINUTE), Endpoint::Second);
        assert_eq!(endpoints.choose(&mut assigned(1, 1), MINUTE), Endpoint::First);
    }

    #[test]
    fn without_a_second_endpoint_everything_goes_to_the_first() {
        let mut endpoints = Endpoints::new(false);
        endpoints.on_network_change(MINUTE);
        assert_eq!(endpoints.choose(&mut assigned(9, 0), MINUTE), Endpoint::First);
        assert_eq!(endpoints.capacity(Endpoint::First, 6), 6);
        assert_eq!(endpoints.capacity(Endpoint::Second, 6), 0);
    }

    #[test]
    fn one_request_finds_out_whether_the_second_endpoint_can_be_reached() {
        let mut endpoints = Endpoints::new(true);
        assert_eq!(endpoints.capacity(Endpoint::Second, 6), 1);
        assert!(endpoints.record_reached(Endpoint::Second));
        assert!(!endpoints.record_reached(Endpoint::Second));
        assert_eq!(endpoints.capacity(Endpoint::Second, 6), 6);
    }

    #[test]
    fn requests_that_are_lost_together_count_as_one_loss() {
        let mut endpoints = reached();
        for _ in 0..6 {
            endpoints.record_loss(Endpoint::Second, Duration::ZERO, MINUTE);
        }
        assert_eq!(endpoints.choose(&mut assigned(1, 0), MINUTE), Endpoint::Second);
        endpoints.record_loss(Endpoint::Second, MINUTE, MINUTE);
        assert_eq!(endpoints.choose(&mut assigned(1, 0), MINUTE), Endpoint::First);
    }

    #[test]
    fn everything_goes_by_the_endpoint_that_answers() {
        let mut endpoints = Endpoints::new(true);
        endpoints.record_loss(Endpoint::First, Duration::ZERO, MINUTE);
        assert_eq!(
            endpoints.for_control(),
            Endpoint::Second,
            "it may be the one that answers"
        );
        assert_eq!(endpoints.capacity(Endpoint::First, 6), 6);
        endpoints.record_reached(Endpoint::Second);
        assert_eq!(endpoints.for_control(), Endpoint::Second);
        assert_eq!(endpoints.capacity(Endpoint::First, 6), 1);
        endpoints.record_loss(Endpoint::First, MINUTE, MINUTE);
        assert_eq!(endpoints.choose(&mut assigned(0, 9), MINUTE), Endpoint::Second);
        endpoints.record_loss(Endpoint::Second, MINUTE, MINUTE * 2);
        assert_eq!(
            endpoints.for_control(),
            Endpoint::First,
            "now it is the other way about"
        );
        assert_eq!(endpoints.capacity(Endpoint::First, 6), 6);
    }

    #[test]
    fn a_host_that_never_answers_has_a_name() {
        let mut endpoints = Endpoints::new(true);
        assert_eq!(endpoints.silent_host(), None);
        endpoints.learn_host(Endpoint::First, "https://photos.s3.example.com/key?signature");
        endpoints.learn_host(Endpoint::First, "https://other.example.com/key");
        assert_eq!(endpoints.silent_host(), Some("photos.s3.example.com"));
        endpoints.record_reached(Endpoint::Second);
        assert_eq!(endpoints.silent_host(), None);
    }

    #[test]
    fn an_unreachable_endpoint_is_tried_again_later_or_elsewhere() {
        let mut endpoints = Endpoints::new(true);
        endpoints.record_loss(Endpoint::Second, Duration::ZERO, MINUTE);
        assert_eq!(
            endpoints.choose(&mut assigned(1, 0), MINUTE * 10),
            Endpoint::First
        );
        assert_eq!(
            endpoints.choose(&mut assigned(1, 0), MINUTE * 11),
            Endpoint::Second
        );
        endpoints.record_loss(Endpoint::Second, MINUTE * 11, MINUTE * 12);
        endpoints.on_network_change(MINUTE * 13);
        assert_eq!(
            endpoints.choose(&mut assigned(1, 0), MINUTE * 13),
            Endpoint::Second
        );
    }
}
