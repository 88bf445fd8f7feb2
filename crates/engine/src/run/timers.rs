//! When the engine has to be woken, and what it then looks for.

use std::time::Duration;

use crate::{Command, Engine, TransportFailure, upload::in_flight::Stalled};

impl Engine {
    /// The time asked for has come: what shows no progress is given up; what waited goes on by
    /// the scheduling that follows every event.
    pub(super) fn on_tick(&mut self) {
        self.output.mark_woken();
        while let Some(stalled) = self.in_flight.take_stalled(self.env.now()) {
            let failure = Err(TransportFailure::Stalled);
            match stalled {
                Stalled::Request(ticket, request) => {
                    self.output.cancel([ticket]);
                    self.on_response(ticket.file, request, failure);
                }
                Stalled::Save(id, files) => self.on_saved(id, files),
                Stalled::Call(id, call) => {
                    self.output.push(Command::CancelCall { call: id });
                    self.on_answer_to(id, call, failure);
                }
            }
        }
    }

    /// Asks to be woken at the next deadline.
    pub(super) fn ask_to_be_woken(&mut self) {
        if let Some(next) = self.next_deadline() {
            self.output.wake_at(next, self.env.now());
        }
    }

    /// The earliest time, from now on, at which something stalls or may be tried again.
    fn next_deadline(&self) -> Option<Duration> {
        let now = self.env.now();
        let stall = self.in_flight.next_deadline().map(|deadline| deadline.max(now));
        let retries = self
            .active_work()
            .flat_map(|(_, work)| work.retry_times())
            .chain([self.env.api.not_before])
            .chain(self.speed_awaited_until())
            .chain(self.roster.unreadable.first().map(|(until, _)| *until))
            .chain(self.aborts.retry_times())
            .chain(self.manifests.retry_times())
            .filter(|time| *time > now);
        retries.chain(stall).min()
    }
}
