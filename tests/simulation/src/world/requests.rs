//! Requests to S3: from the engine's command to the answer.

use std::time::Duration;

use engine::{BodySource, Event, Ticket, TransportFailure};
use wire::SignedRequest;

use crate::{
    models::{
        disk::Content,
        in_transit::{Answer, Payload, Request},
        lambda::Operation,
        network::{Fate, Outcome, chance},
        s3::{Body, Object, S3},
        s3_answers::expired,
    },
    scenario::{Broken, Withheld},
    violation::Violation,
    world::{World, sim_event::SimEvent},
};

impl World<'_> {
    pub(crate) fn start_request(
        &mut self,
        ticket: Ticket,
        request: &SignedRequest,
        payload: Payload,
        body: BodySource,
    ) {
        let Some(grant) = self.lambda.grant(request).cloned() else {
            return;
        };
        let is_first = makes_object(&grant.operation) && self.tried_keys.insert(grant.key.clone());
        let mut fate = self.network.s3_fate(&mut self.random, &grant.operation, is_first);
        let blocked = self.network.blocks(grant.endpoint, self.time);
        let is_blocked = blocked.is_some() || self.network.broken == Some(Broken::S3);
        if let Some(outcome) = blocked {
            fate.outcome = outcome;
        }
        let mut in_memory = None;
        if let Payload::Range(range) = &payload
            && body == BodySource::Bytes
        {
            in_memory = self.read(ticket.file, range.clone()).ok();
        }
        if let Some(size) = payload.size() {
            if is_blocked {
                // Nothing moves.
            } else if let Some(speed) = self.scenario.forwarded_per_second {
                fate.sending = self.forwarding_time(fate.sending, size, speed);
                let at_once = Duration::from_millis(self.random.u64(1..5));
                self.schedule_in(at_once, SimEvent::Progress(ticket, size));
            } else {
                self.plan_progress(ticket, size, &fate);
            }
        }
        self.schedule_in(fate.sending, SimEvent::RequestArrived(ticket));
        let request = Request {
            ticket,
            grant,
            payload,
            body,
            in_memory,
            is_out: false,
            fate,
            started: self.server_time(),
            cancelled: false,
            dead: false,
            arrived: false,
        };
        self.requests.insert(ticket.attempt, request);
    }

    /// How long something on the way takes to forward a body, behind all that it has taken before, also where that was
    /// cancelled since.
    fn forwarding_time(&mut self, sending: Duration, size: u64, bytes_per_second: u64) -> Duration {
        let forwarding = Duration::from_millis(size * 1000 / bytes_per_second);
        let forwarded = self.forwarded_at.max(self.time) + forwarding;
        self.forwarded_at = forwarded.max(self.time + sending);
        self.forwarded_at - self.time
    }

    /// Bytes move in a few steps. Not every request reports its last one before its answer comes, and a
    /// request that gets lost stops anywhere.
    fn plan_progress(&mut self, ticket: Ticket, size: u64, fate: &Fate) {
        let steps = self.random.u32(0..4);
        let is_lost = matches!(fate.outcome, Outcome::Lost { .. });
        let reach = if is_lost { self.random.u64(0..=size) } else { size };
        for step in 1..=steps {
            let sent = reach / u64::from(steps) * u64::from(step);
            let sent = if step == steps { reach } else { sent };
            self.schedule_in(
                fate.sending * step / (steps + 1),
                SimEvent::Progress(ticket, sent),
            );
        }
    }

    pub(crate) fn cancel(&mut self, ticket: Ticket) {
        if let Some(request) = self.requests.get_mut(&ticket.attempt) {
            request.cancelled = true;
            remove_foreign_object(request, &mut self.s3);
        } else {
            self.cancelled_reads.insert(ticket.attempt);
        }
    }

    pub(crate) fn on_progress(&mut self, ticket: Ticket, sent: u64) -> Result<(), Violation> {
        match self.requests.get_mut(&ticket.attempt) {
            Some(request) if !request.cancelled && !request.dead && self.network.up => {
                request.is_out = sent == request.size();
                self.deliver(Event::Progress { ticket, sent })
            }
            _ => Ok(()),
        }
    }

    /// A request has reached S3, unless something was in its way.
    pub(crate) fn on_request_arrived(&mut self, ticket: Ticket) -> Result<(), Violation> {
        let Some(request) = self.requests.get_mut(&ticket.attempt) else {
            return Ok(());
        };
        request.arrived = true;
        let has_bytes = request.payload.size().is_some();
        let cut = request.cancelled && self.random.bool();
        let silent = request.dead || self.random.bool();
        let outcome = if cut || request.dead || !self.network.up {
            Outcome::Lost { silent }
        } else {
            request.fate.outcome.clone()
        };
        let (stripped, completing) = (request.fate.stripped, request.fate.completing);
        self.s3.finish_completing(self.server_time());
        let answer = match outcome {
            Outcome::Lost { silent } => {
                self.leave_other_part(ticket);
                (!silent).then_some(Err(TransportFailure::NoAnswer))
            }
            Outcome::Refused(answer) => Some(Ok(answer)),
            Outcome::Answered | Outcome::KeyTaken => {
                if let Outcome::KeyTaken = outcome {
                    self.take_key(ticket);
                }
                let answer = self.carry_out(ticket)?;
                let is_refused = answer.as_ref().is_ok_and(|answer| answer.status == 412);
                if !is_refused && let Some(request) = self.requests.get(&ticket.attempt) {
                    remove_foreign_object(request, &mut self.s3);
                }
                Some(answer.map(|answer| stripped.strip(answer)))
            }
            Outcome::DoneButRefused(answer) => Some(self.carry_out(ticket)?.map(|_| answer)),
            Outcome::AnswerLost { silent } => {
                self.s3.completing = completing;
                let _unanswered = self.carry_out(ticket)?;
                self.s3.completing = 0;
                (!silent).then_some(Err(TransportFailure::NoAnswer))
            }
        };
        let answer = answer.filter(|_| !has_bytes || !self.is_withheld(ticket));
        if has_bytes && chance(&mut self.random, self.network.rates.changed) {
            self.change_file(ticket.file.0 as usize);
        }
        if let (Some(answer), Some(request)) = (answer, self.requests.get(&ticket.attempt)) {
            let delay = request.fate.answering;
            self.schedule_in(delay, SimEvent::RequestAnswered(ticket, answer));
        }
        Ok(())
    }

    /// Whether the browser never reports the answer to a request with bytes.
    fn is_withheld(&mut self, ticket: Ticket) -> bool {
        match self.scenario.withheld {
            Some(Withheld::FromSlices) => {
                let request = self.requests.get(&ticket.attempt);
                request.is_some_and(|request| request.body == BodySource::Slice)
            }
            Some(Withheld::Once) => {
                self.scenario.withheld = None;
                true
            }
            None => false,
        }
    }

    /// Somebody else's object appears just before the request does.
    fn take_key(&mut self, ticket: Ticket) {
        if let Some(request) = self.requests.get(&ticket.attempt)
            && !request.cancelled
        {
            self.s3.objects.insert(request.grant.key.clone(), Object::Foreign);
            self.checker.faults.on_key_taken(ticket.file);
        }
    }

    /// Now and then S3 has other bytes under the number of a part that got lost, as after a tab that
    /// uploaded an earlier version of the file: only the listed checksum differs.
    fn leave_other_part(&mut self, ticket: Ticket) {
        let is_other = self.random.u8(0..8) == 0;
        if let Some(request) = self.requests.get(&ticket.attempt)
            && is_other
            && let Payload::Range(range) = &request.payload
            && let Operation::UploadPart {
                upload_id, number, ..
            } = &request.grant.operation
        {
            let content = Content {
                file: ticket.file,
                version: u32::MAX,
                range: range.clone(),
            };
            self.s3.store_part(upload_id, *number, content);
        }
    }

    /// Lets S3 carry a request out, as far as the browser can send it.
    pub(crate) fn carry_out(&mut self, ticket: Ticket) -> Result<Answer, Violation> {
        let Some(request) = self.requests.get(&ticket.attempt) else {
            return Ok(Err(TransportFailure::NoAnswer));
        };
        let grant = request.grant.clone();
        if request.started >= grant.expires_at {
            remove_foreign_object(request, &mut self.s3);
            return Ok(Ok(expired()));
        }
        self.s3.now = self.server_time();
        let answer = match request.payload.clone() {
            Payload::Text(text) => self.s3.carry_out(&grant, Body::Text(&text)),
            Payload::Manifest(manifest) => self.s3.carry_out(&grant, Body::Manifest(&manifest)),
            Payload::Range(range) => match request
                .in_memory
                .clone()
                .map_or_else(|| self.read(ticket.file, range), Ok)
            {
                Ok(content) => self.s3.carry_out(&grant, Body::Bytes(&content)),
                Err(_) => {
                    if let Some(request) = self.requests.get(&ticket.attempt) {
                        remove_foreign_object(request, &mut self.s3);
                    }
                    return Ok(Err(TransportFailure::NoAnswer));
                }
            },
        };
        self.s3.check_answer(&grant, &answer.body)?;
        self.s3.check_object(&grant.key, &self.disk)?;
        Ok(Ok(answer))
    }

    pub(crate) fn on_request_answered(&mut self, ticket: Ticket, answer: Answer) -> Result<(), Violation> {
        let Some(request) = self.requests.remove(&ticket.attempt) else {
            return Ok(());
        };
        let is_delivered = !request.cancelled || chance(&mut self.random, self.network.rates.late);
        if !self.network.up {
            remove_foreign_object(&request, &mut self.s3);
        }
        let lost = !self.network.up && self.random.bool();
        if request.dead || !is_delivered || lost {
            return Ok(());
        }
        let answer = if self.network.up {
            answer
        } else {
            Err(TransportFailure::NoAnswer)
        };
        if request.fate.duplicated {
            let delay = Duration::from_millis(self.random.u64(0..30_000));
            self.schedule_in(delay, SimEvent::AnsweredAgain(ticket, answer.clone()));
        }
        self.deliver(Event::Answered { ticket, answer })
    }
}

/// Removes somebody else's object: after a request without an answer that makes an object, one under its key can only be
/// its own, since nobody else knows the batch.
fn remove_foreign_object(request: &Request, s3: &mut S3) {
    let makes_object = makes_object(&request.grant.operation);
    let is_foreign = matches!(s3.objects.get(&request.grant.key), Some(Object::Foreign));
    if makes_object && is_foreign {
        s3.objects.remove(&request.grant.key);
    }
}

const fn makes_object(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::PutObject { .. } | Operation::CompleteMultipartUpload { .. }
    )
}
