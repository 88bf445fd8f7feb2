//! The checker's book of what the engine has asked for and not been answered.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    ops::Range,
    time::Duration,
};

use engine::{CallId, Command, READ_TOGETHER_BYTES, READ_TOGETHER_FILES, Settings, Ticket};
use wire::SignedRequest;

use crate::lambda::{Grant, Lambda};

/// Bytes that may be hashed at once, unless a single range is larger: two of the largest parts.
const MOST_HASHING_BYTES: u64 = 64 * 1024 * 1024;

/// Everything under way.
#[derive(Debug)]
pub(crate) struct UnderWay {
    settings: Settings,
    requests: BTreeMap<u64, Grant>,
    hashes: BTreeMap<u64, u64>,
    checks: BTreeSet<u64>,
    calls: BTreeSet<CallId>,
    used_attempts: HashSet<u64>,
    used_calls: HashSet<CallId>,
    /// The wake-up asked for.
    pub(crate) wake_at: Option<Duration>,
}

impl UnderWay {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            requests: BTreeMap::new(),
            hashes: BTreeMap::new(),
            checks: BTreeSet::new(),
            calls: BTreeSet::new(),
            used_attempts: HashSet::new(),
            used_calls: HashSet::new(),
            wake_at: None,
        }
    }

    /// Whether nothing could ever make the engine go on by itself.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.requests.is_empty()
            && self.hashes.is_empty()
            && self.checks.is_empty()
            && self.calls.is_empty()
            && self.wake_at.is_none()
    }

    pub(crate) fn hash_ended(&mut self, ticket: Ticket) {
        self.hashes.remove(&ticket.attempt);
    }

    /// Gives whether the check was still awaited.
    pub(crate) fn check_ended(&mut self, ticket: Ticket) -> bool {
        self.checks.remove(&ticket.attempt)
    }

    /// Gives whether the call was still awaited.
    pub(crate) fn call_ended(&mut self, call: CallId) -> bool {
        self.calls.remove(&call)
    }

    /// Gives what the request was for, if it was still awaited.
    pub(crate) fn request_ended(&mut self, ticket: Ticket) -> Option<Grant> {
        self.requests.remove(&ticket.attempt)
    }

    /// Enters a command, unless it breaks a rule. Gives the request that it cancels.
    pub(crate) fn enter(&mut self, command: &Command, lambda: &Lambda) -> Result<Option<Grant>, String> {
        match command {
            Command::Hash { ticket, range } => self.enter_hash(*ticket, range)?,
            Command::Check { ticket } => {
                self.use_ticket(*ticket)?;
                self.checks.insert(ticket.attempt);
            }
            Command::Call { call, .. } => {
                if !self.used_calls.insert(*call) {
                    return Err(format!("{call:?} is used twice"));
                }
                self.calls.insert(*call);
            }
            Command::Put { ticket, request, .. } | Command::Send { ticket, request, .. } => {
                self.enter_request(*ticket, request, lambda)?;
            }
            Command::Cancel { ticket } => return self.cancel(*ticket),
            Command::CancelCall { call } => {
                if !self.calls.remove(call) {
                    return Err(format!("{call:?} is cancelled and not under way"));
                }
            }
            Command::WakeAt(time) => self.wake_at = Some(*time),
            Command::Changed(_)
            | Command::Removed(_)
            | Command::Save(_)
            | Command::SavePart(..)
            | Command::Forget(_) => {}
        }
        Ok(None)
    }

    fn use_ticket(&mut self, ticket: Ticket) -> Result<(), String> {
        if self.used_attempts.insert(ticket.attempt) {
            Ok(())
        } else {
            Err(format!("{ticket:?} is used twice"))
        }
    }

    fn enter_hash(&mut self, ticket: Ticket, range: &Range<u64>) -> Result<(), String> {
        self.use_ticket(ticket)?;
        self.hashes.insert(ticket.attempt, range.end - range.start);
        let count = self.hashes.len();
        let bytes: u64 = self.hashes.values().sum();
        let alone = self
            .hashes
            .values()
            .filter(|bytes| **bytes > READ_TOGETHER_BYTES)
            .count();
        let places = alone + (count - alone) / READ_TOGETHER_FILES;
        if places > self.settings.parallel_hashes || (count > 1 && bytes > MOST_HASHING_BYTES) {
            return Err(format!("{count} hashes hold {bytes} bytes in memory"));
        }
        Ok(())
    }

    fn enter_request(
        &mut self,
        ticket: Ticket,
        request: &SignedRequest,
        lambda: &Lambda,
    ) -> Result<(), String> {
        self.use_ticket(ticket)?;
        let grant = lambda.grant(request).ok_or("a request that nobody signed")?;
        if grant.at_second && !self.settings.second_endpoint {
            return Err("a request goes to an address that the bucket does not have".to_owned());
        }
        self.requests.insert(ticket.attempt, grant.clone());
        let at_one = self.requests.values();
        let at_one = at_one.filter(|other| other.at_second == grant.at_second).count();
        if at_one > self.settings.parallel_requests {
            return Err(format!(
                "{at_one} requests to one address are under way and the budget is {}",
                self.settings.parallel_requests
            ));
        }
        Ok(())
    }

    fn cancel(&mut self, ticket: Ticket) -> Result<Option<Grant>, String> {
        let request = self.requests.remove(&ticket.attempt);
        let found = request.is_some()
            || self.hashes.remove(&ticket.attempt).is_some()
            || self.checks.remove(&ticket.attempt);
        if found {
            Ok(request)
        } else {
            Err(format!("{ticket:?} is cancelled and not under way"))
        }
    }
}
