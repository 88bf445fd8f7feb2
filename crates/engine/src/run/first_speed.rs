//! The wait for the first speed.
//!
//! A file of up to 64 MiB is one request on a fast network and many on a slow one. As long as nothing is known of the
//! network, one file at a time finds out, and those that may be sent whole wait for it: while they wait, its parts keep the
//! network busy.

use std::time::Duration;

use crate::{
    Engine,
    limits::{SINGLE_PUT_TIME, SMALLEST_SPEED_SAMPLE},
    measure::env::Env,
    upload::{
        file::{File, Work},
        parts::Parts,
        transfer::Transfer,
    },
};

impl Engine {
    /// Whether the next large file waits for a speed.
    pub(super) fn is_speed_awaited(&mut self) -> bool {
        let now = self.env.now();
        let is_awaited = self.speed_awaited_until().is_some_and(|until| until > now);
        if is_awaited {
            self.env.sizer.record_wait(now);
        }
        is_awaited
    }

    /// Until when the next large file waits for a speed: until it is certain that no speed lets it be sent whole, because a
    /// request takes too long already. `None` if it need not wait.
    pub(super) fn speed_awaited_until(&self) -> Option<Duration> {
        let next = self.files.get(self.roster.waiting.large.first()?)?;
        let patience_ends = self.env.sizer.patience_ends(self.env.now())?;
        if !may_be_whole(next, &self.env) || !self.is_speed_being_measured() {
            return None;
        }
        let is_too_slow = |(bytes, started): (u64, Duration)| {
            started + SINGLE_PUT_TIME.mul_f64(bytes as f64 / next.size().max(1) as f64)
        };
        let requests = self.in_flight.speed_samples().map(is_too_slow);
        requests.chain([patience_ends]).min()
    }

    /// Whether anything active has requests to send that are large enough to measure a speed.
    fn is_speed_being_measured(&self) -> bool {
        self.active_work().any(|(_, work)| {
            let is_sample = |transfer: &Transfer| transfer.size() >= SMALLEST_SPEED_SAMPLE;
            let has_more = match work {
                Work::Single { .. } => false,
                Work::Multipart(work) => work.parts().is_none_or(Parts::has_more_to_start),
            };
            has_more || work.transfers().iter().any(is_sample)
        })
    }
}

/// Whether a file of which nothing is done yet is sent as one request if the network is fast enough: a multipart upload of
/// it would be several times as many requests.
pub(super) fn may_be_whole(file: &File, env: &Env) -> bool {
    let size = file.size();
    file.work().is_some_and(Work::is_untouched)
        && !file.may_be_stored_in_parts()
        && env.sizer.may_be_single_put(size)
        && env.share_of_memory().is_none_or(|most| size <= most)
}
