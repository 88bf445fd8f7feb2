//! Calls to the Lambda: from the engine's command to the answer.

use std::time::Duration;

use engine::{ApiRoute, CallId, Event, TransportFailure};

use crate::{
    models::{
        in_transit::{Answer, Call},
        network::{Outcome, chance},
    },
    violation::Violation,
    world::{World, sim_event::SimEvent},
};

impl World<'_> {
    pub(crate) fn start_call(&mut self, id: CallId, route: ApiRoute, body: String) {
        let fate = self.network.api_fate(&mut self.random, body.len());
        self.schedule_in(fate.sending, SimEvent::CallArrived(id));
        let call = Call {
            route,
            body,
            fate,
            cancelled: false,
            dead: false,
        };
        self.calls.insert(id, call);
    }

    pub(crate) fn cancel_call(&mut self, id: CallId) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.cancelled = true;
        }
    }

    pub(crate) fn on_call_arrived(&mut self, id: CallId) {
        let now = self.server_time();
        let Some(call) = self.calls.get(&id) else { return };
        let answer = match &call.fate.outcome {
            _ if call.dead => None,
            _ if !self.network.up => Some(Err(TransportFailure::NoAnswer)),
            Outcome::Lost { silent } | Outcome::AnswerLost { silent } => {
                (!silent).then_some(Err(TransportFailure::NoAnswer))
            }
            Outcome::Refused(answer) | Outcome::DoneButRefused(answer) => Some(Ok(answer.clone())),
            Outcome::Answered | Outcome::KeyTaken => {
                Some(Ok(self.lambda.answer(call.route, &call.body, now)))
            }
        };
        if let Some(answer) = answer {
            let delay = call.fate.answering;
            self.schedule_in(delay, SimEvent::CallAnswered(id, answer));
        }
    }

    pub(crate) fn on_call_answered(&mut self, id: CallId, answer: Answer) -> Result<(), Violation> {
        let Some(call) = self.calls.remove(&id) else {
            return Ok(());
        };
        if call.dead || (call.cancelled && !chance(&mut self.random, self.network.rates.late)) {
            return Ok(());
        }
        let answer = if self.network.up {
            answer
        } else {
            Err(TransportFailure::NoAnswer)
        };
        if call.fate.duplicated {
            let delay = Duration::from_millis(self.random.u64(0..30_000));
            self.schedule_in(delay, SimEvent::CallAnsweredAgain(id, answer.clone()));
        }
        self.deliver(Event::CallAnswered { call: id, answer })
    }
}
