//! When the engine has to be woken, and what it then looks for.

use std::time::Duration;

use crate::{
    Command, Engine, answers,
    file::Work,
    multipart::Multipart,
    planted::{Bug, planted},
    transfer::Stage,
};

impl Engine {
    /// The time asked for has come: requests without progress are given up; what waited goes on by
    /// the scheduling that follows every event.
    pub(crate) fn tick(&mut self, commands: &mut Vec<Command>) {
        self.wake_at = None;
        self.stop_stalled(commands);
        self.stop_stalled_calls(commands);
    }

    /// Asks to be woken at the next deadline, if it is not asked for already.
    pub(crate) fn ask_to_be_woken(&mut self, commands: &mut Vec<Command>) {
        if planted(Bug::NoWakeUp) {
            return;
        }
        let next = self.next_deadline();
        if let Some(next) = next
            && self
                .wake_at
                .is_none_or(|asked| next < asked || asked <= self.conditions.now)
        {
            self.wake_at = Some(next);
            commands.push(Command::WakeAt(next));
        }
    }

    /// The earliest time, from now on, at which something stalls or may be tried again.
    fn next_deadline(&self) -> Option<Duration> {
        let now = self.conditions.now;
        let stall = self.conditions.settings.stall;
        let stalls = self
            .working()
            .flat_map(|(_, work)| answers::requests(work))
            .map(|(_, since)| since)
            .chain(self.calls.iter().map(|call| call.since))
            .chain(self.cleanups.waits())
            .map(|since| (since + stall).max(now));
        let retries = self
            .active_work()
            .flat_map(|(_, work)| retry_times(work))
            .chain([self.api.not_before])
            .chain(self.cleanups.retry_times())
            .filter(|time| *time > now);
        stalls.chain(retries).min()
    }
}

/// When each waiting thing of a file may be tried again.
fn retry_times(work: &Work) -> Vec<Duration> {
    let mut times: Vec<_> = work
        .transfers()
        .iter()
        .filter(|transfer| {
            matches!(
                transfer.stage,
                Stage::Unhashed(_) | Stage::Hashed(_) | Stage::Signed { .. }
            )
        })
        .map(|transfer| transfer.attempts.not_before)
        .collect();
    if let Work::Multipart(work) = work
        && !matches!(work.stage, Multipart::Creating { .. } | Multipart::Planning(_))
    {
        times.push(work.attempts.not_before);
    }
    times
}
