//! What the engine has asked for and has no answer to yet, as the checker counts it.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    ops::Range,
    time::Duration,
};

use engine::{BodySource, CallId, Command, READ_TOGETHER_BYTES, READ_TOGETHER_FILES, Settings, Ticket};
use wire::{Endpoint, MIN_PART_BYTES, SignedRequest};

use crate::{
    models::lambda::{Grant, Lambda},
    violation::Violation,
};

/// Bytes that may be hashed at once, unless a single range is larger: two of the largest parts.
const MAX_HASHING_BYTES: u64 = 64 * 1024 * 1024;

/// Everything that is in flight.
#[derive(Debug)]
pub(crate) struct InFlight {
    settings: Settings,
    requests: BTreeMap<u64, Grant>,
    /// When each of them started, on the page's clock.
    started: BTreeMap<u64, Duration>,
    /// Those whose bodies were read into memory, by their bytes.
    in_memory: BTreeMap<u64, u64>,
    hashes: BTreeMap<u64, u64>,
    checks: BTreeSet<u64>,
    calls: BTreeSet<CallId>,
    used_attempts: HashSet<u64>,
    used_calls: HashSet<CallId>,
    /// The wake-up asked for.
    pub(crate) wake_at: Option<Duration>,
}

impl InFlight {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            requests: BTreeMap::new(),
            started: BTreeMap::new(),
            in_memory: BTreeMap::new(),
            hashes: BTreeMap::new(),
            checks: BTreeSet::new(),
            calls: BTreeSet::new(),
            used_attempts: HashSet::new(),
            used_calls: HashSet::new(),
            wake_at: None,
        }
    }

    /// Whether nothing is left that could ever make the engine go on by itself.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.requests.is_empty()
            && self.hashes.is_empty()
            && self.checks.is_empty()
            && self.calls.is_empty()
            && self.wake_at.is_none()
    }

    pub(crate) fn end_hash(&mut self, ticket: Ticket) {
        self.hashes.remove(&ticket.attempt);
    }

    /// Returns whether the check was still in flight.
    pub(crate) fn end_check(&mut self, ticket: Ticket) -> bool {
        self.checks.remove(&ticket.attempt)
    }

    /// Returns whether the call was still in flight.
    pub(crate) fn end_call(&mut self, call: CallId) -> bool {
        self.calls.remove(&call)
    }

    /// Whether the request has been in flight for long enough to have stalled.
    pub(crate) fn may_have_stalled(&self, ticket: Ticket, now: Duration) -> bool {
        let started = self.started.get(&ticket.attempt);
        started.is_some_and(|started| now.saturating_sub(*started) >= self.settings.stall)
    }

    /// Takes note that the request starts.
    pub(crate) fn start_request(&mut self, ticket: Ticket, now: Duration) {
        self.started.insert(ticket.attempt, now);
    }

    /// Whether the answer to this request is awaited.
    pub(crate) fn is_awaited(&self, ticket: Ticket) -> bool {
        self.requests.contains_key(&ticket.attempt)
    }

    /// Returns what the request was for, if it was still in flight.
    pub(crate) fn end_request(&mut self, ticket: Ticket) -> Option<Grant> {
        self.requests.remove(&ticket.attempt)
    }

    /// Records a command, unless it breaks a rule. Returns the request that it cancels, if any.
    pub(crate) fn record(&mut self, command: &Command, lambda: &Lambda) -> Result<Option<Grant>, Violation> {
        match command {
            Command::Hash { ticket, range } => self.record_hash(*ticket, range)?,
            Command::Check { ticket } | Command::Reopen { ticket } => {
                self.use_ticket(*ticket)?;
                self.checks.insert(ticket.attempt);
            }
            Command::Call { call, .. } => {
                if !self.used_calls.insert(*call) {
                    return Err(Violation::CallReused { call: call.0 });
                }
                self.calls.insert(*call);
            }
            Command::Put {
                ticket,
                request,
                range,
                body,
            } => {
                self.record_request(*ticket, request, lambda)?;
                self.check_size(*ticket, range.end - range.start)?;
                if *body == BodySource::Bytes {
                    self.record_body_in_memory(*ticket, range.end - range.start)?;
                }
            }
            Command::Send { ticket, request, .. } => {
                self.record_request(*ticket, request, lambda)?;
            }
            Command::Cancel { ticket } => return self.cancel(*ticket),
            Command::CancelCall { call } => {
                if !self.calls.remove(call) {
                    return Err(in_vain(call));
                }
            }
            Command::WakeAt(time) => self.wake_at = Some(*time),
            Command::Changed(_)
            | Command::Removed(_)
            | Command::Save(_)
            | Command::SavePart(..)
            | Command::Forget(_)
            | Command::ForgetBatch(_)
            | Command::Stored(_)
            | Command::WriteManifest { .. }
            | Command::ManifestStored { .. }
            | Command::ReportSaved(_) => {}
        }
        Ok(None)
    }

    fn use_ticket(&mut self, ticket: Ticket) -> Result<(), Violation> {
        if self.used_attempts.insert(ticket.attempt) {
            Ok(())
        } else {
            Err(Violation::AttemptReused {
                file: ticket.file,
                attempt: ticket.attempt,
            })
        }
    }

    fn record_hash(&mut self, ticket: Ticket, range: &Range<u64>) -> Result<(), Violation> {
        self.use_ticket(ticket)?;
        self.hashes.insert(ticket.attempt, range.end - range.start);
        let ranges = self.hashes.len();
        let bytes: u64 = self.hashes.values().sum();
        let alone = self
            .hashes
            .values()
            .filter(|bytes| **bytes > READ_TOGETHER_BYTES)
            .count();
        let slots = alone + (ranges - alone) / READ_TOGETHER_FILES;
        if slots > self.settings.parallel_hashes || (ranges > 1 && bytes > MAX_HASHING_BYTES) {
            return Err(Violation::HashingUnbounded { ranges, bytes });
        }
        Ok(())
    }

    /// S3 takes no part smaller than [`MIN_PART_BYTES`], so that such a body is permitted whatever the settings say.
    fn check_size(&self, ticket: Ticket, bytes: u64) -> Result<(), Violation> {
        let limit = self.settings.max_request_bytes.unwrap_or(u64::MAX);
        let limit = limit.max(MIN_PART_BYTES);
        if bytes > limit {
            let file = ticket.file;
            return Err(Violation::BodyTooLarge { file, bytes, limit });
        }
        Ok(())
    }

    fn record_body_in_memory(&mut self, ticket: Ticket, size: u64) -> Result<(), Violation> {
        let requests = &self.requests;
        self.in_memory.retain(|attempt, _| requests.contains_key(attempt));
        self.in_memory.insert(ticket.attempt, size);
        let (bodies, bytes) = (self.in_memory.len(), self.in_memory.values().sum());
        if bodies > 1 && bytes > MAX_HASHING_BYTES {
            return Err(Violation::BodiesUnbounded { bodies, bytes });
        }
        Ok(())
    }

    /// Whether the request's body was read into memory.
    pub(crate) fn is_in_memory(&self, ticket: Ticket) -> bool {
        self.in_memory.contains_key(&ticket.attempt)
    }

    fn record_request(
        &mut self,
        ticket: Ticket,
        request: &SignedRequest,
        lambda: &Lambda,
    ) -> Result<(), Violation> {
        self.use_ticket(ticket)?;
        let grant = lambda.grant(request).ok_or(Violation::NeverSigned)?;
        if grant.endpoint == Endpoint::Second && !self.settings.second_endpoint {
            return Err(Violation::NoSuchEndpoint);
        }
        self.requests.insert(ticket.attempt, grant.clone());
        let same_endpoint = |other: &&Grant| other.endpoint == grant.endpoint;
        let in_flight = self.requests.values().filter(same_endpoint).count();
        let budget = self.settings.parallel_requests;
        if in_flight > budget {
            return Err(Violation::BudgetExceeded { in_flight, budget });
        }
        Ok(())
    }

    fn cancel(&mut self, ticket: Ticket) -> Result<Option<Grant>, Violation> {
        let request = self.requests.remove(&ticket.attempt);
        let found = request.is_some()
            || self.hashes.remove(&ticket.attempt).is_some()
            || self.checks.remove(&ticket.attempt);
        if found { Ok(request) } else { Err(in_vain(ticket)) }
    }
}

fn in_vain(what: impl std::fmt::Debug) -> Violation {
    let what = format!("{what:?}");
    Violation::CancelledInVain { what }
}
