//! S3's small requests, without file bytes.

use std::time::Duration;

use wire::{Endpoint, SignedRequest};

use crate::{
    CallId,
    measure::{endpoints::Endpoints, server_clock::ServerClock},
};

/// A small request that has to be signed and sent: create, list, complete or abort.
#[derive(Clone, Debug, Default)]
pub(crate) enum ControlRequest {
    #[default]
    Unsigned,
    Signing(CallId, Endpoint),
    Signed(Endpoint, SignedRequest),
    Sending,
}

impl ControlRequest {
    pub(crate) fn is_signing(&self, call: CallId) -> bool {
        matches!(self, Self::Signing(waits_for, _) if *waits_for == call)
    }

    /// Takes the signature that this call was to bring.
    pub(crate) fn on_signed(&mut self, call: CallId, request: SignedRequest) {
        if let Self::Signing(waits_for, endpoint) = *self
            && waits_for == call
        {
            *self = Self::Signed(endpoint, request);
        }
    }

    /// Puts it back to be signed, if it waits for this call.
    pub(crate) fn unsign(&mut self, call: CallId) {
        if self.is_signing(call) {
            *self = Self::Unsigned;
        }
    }

    /// Where it goes, if it is signed.
    pub(crate) const fn goes_to(&self) -> Option<Endpoint> {
        match self {
            Self::Signed(endpoint, _) => Some(*endpoint),
            _ => None,
        }
    }

    /// Puts it back to be signed for the other endpoint, if that is where it has to go. Returns whether it has.
    pub(crate) fn leave_endpoint(&mut self, endpoints: &Endpoints) -> bool {
        let leaves = self
            .goes_to()
            .is_some_and(|endpoint| endpoints.is_to_be_left(endpoint));
        if leaves {
            *self = Self::Unsigned;
        }
        leaves
    }

    /// Returns the request to send, and where to, if it is signed. If its time is over, it has to be signed again.
    pub(crate) fn start(&mut self, clock: &ServerClock, now: Duration) -> Option<(Endpoint, SignedRequest)> {
        let Self::Signed(endpoint, request) = std::mem::take(self) else {
            return None;
        };
        if !clock.is_fresh(&request, now) {
            return None;
        }
        *self = Self::Sending;
        Some((endpoint, request))
    }
}
