//! What the engine knows of the world outside the files.

use std::time::Duration;

use wire::{DEFAULT_PART_BYTES, Endpoint, MAX_PARTS, MIN_PART_BYTES};

use crate::{
    BodySource, Settings,
    limits::MAX_BYTES_IN_MEMORY,
    measure::{
        backoff::Attempts, bodies::Bodies, budget::Budget, call_sizer::CallSizer, conditions::Conditions,
        endpoints::Endpoints, patience::Patience, request_sizer::RequestSizer, server_clock::ServerClock,
    },
};

/// The time and the settings, and what was learned of the network, of S3 and of the API.
#[derive(Debug)]
pub(crate) struct Env {
    pub(crate) conditions: Conditions,
    pub(crate) clock: ServerClock,
    pub(crate) endpoints: Endpoints,
    pub(crate) budget: Budget,
    pub(crate) sizer: RequestSizer,
    pub(crate) patience: Patience,
    pub(crate) bodies: Bodies,
    pub(crate) call_sizer: CallSizer,
    /// The failures of the Lambda's API, which all files share.
    pub(crate) api: Attempts,
}

impl Env {
    pub(crate) fn new(settings: Settings, seed: u64) -> Self {
        let per_endpoint = settings.parallel_requests.max(1);
        let endpoints = if settings.second_endpoint { 2 } else { 1 };
        Self {
            clock: ServerClock::default(),
            endpoints: Endpoints::new(settings.second_endpoint),
            budget: Budget::new(per_endpoint, per_endpoint * endpoints),
            sizer: RequestSizer::new(settings.max_request_bytes),
            patience: Patience::new(),
            bodies: Bodies::new(settings.bodies_as_bytes),
            call_sizer: CallSizer::new(),
            api: Attempts::default(),
            conditions: Conditions::new(settings, seed),
        }
    }

    pub(crate) const fn now(&self) -> Duration {
        self.conditions.now
    }

    /// The servers' time in seconds since 1970; `None` before any was learned.
    pub(crate) fn server_seconds(&self) -> Option<u64> {
        self.clock.seconds(self.now())
    }

    /// Learns from the answer to a request which of the bucket's endpoints can be reached.
    pub(crate) fn record_answer_from(&mut self, endpoint: Endpoint) {
        self.endpoints.record_reached(endpoint);
    }

    /// Learns from a request that got no answer.
    pub(crate) fn record_loss_at(&mut self, endpoint: Endpoint, started: Duration) {
        // What never got through to the second endpoint says nothing of the network.
        if self.endpoints.is_open(endpoint) {
            self.sizer.record_loss();
            self.budget.record_loss();
        }
        self.endpoints.record_loss(endpoint, started, self.now());
    }

    /// The most bytes that a body may have, besides what [`RequestSizer`] says: bodies that are in memory share what
    /// there is. `None` if the next one is not in memory.
    pub(crate) const fn share_of_memory(&self) -> Option<u64> {
        match self.bodies.next() {
            BodySource::Slice => None,
            BodySource::Bytes => Some(MAX_BYTES_IN_MEMORY / self.budget.limit() as u64),
        }
    }

    /// The size in bytes of all parts of a file but the last where it cannot change any more: as planned, or smaller if no
    /// request as large is to be sent and S3 takes as many.
    pub(crate) fn constant_part_size(&self, file_size: u64, planned: u64) -> u64 {
        let in_memory = self.share_of_memory().unwrap_or(u64::MAX).max(DEFAULT_PART_BYTES);
        let smallest = MIN_PART_BYTES.max(file_size.div_ceil(MAX_PARTS));
        planned
            .min(self.sizer.limit())
            .min(in_memory)
            .max(smallest.min(planned))
    }

    /// What comes back may be another network.
    pub(crate) fn on_interruption(&mut self) {
        self.api.reset();
        self.sizer.record_loss();
        self.call_sizer = CallSizer::new();
        self.endpoints.on_network_change(self.now());
    }
}
