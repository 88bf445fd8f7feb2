//! How long S3's answer may take once a body is out.
//!
//! What is out need not have arrived: a virus scanner, a company's proxy or a kernel with large buffers takes a body at
//! once and forwards it slowly. The patience therefore follows the bytes in flight and the speed at which earlier ones
//! were answered.

use std::time::Duration;

use crate::{
    limits::{ASSUMED_SPEED, LONGEST_PATIENCE, SLOWEST_SPEED},
    measure::request_speed::RequestSpeed,
};

/// The speed of answers, and the patience that follows from it.
#[derive(Debug)]
pub(crate) struct Patience {
    measured: RequestSpeed,
    /// The bytes per second that are taken for it while nothing was measured.
    assumed: f64,
}

impl Patience {
    /// How much of the earlier speed a new one leaves.
    const MEMORY: f64 = 0.5;

    /// How many times the expected time an answer may take.
    const MARGIN: f64 = 2.0;

    pub(crate) const fn new() -> Self {
        Self {
            measured: RequestSpeed::new(Self::MEMORY),
            assumed: ASSUMED_SPEED as f64,
        }
    }

    /// S3 answered a request with these bytes that took this long. A small one does not tell how fast the way is, but
    /// that it is no slower than this, whatever stalled before.
    pub(crate) fn record_answer(&mut self, bytes: u64, took: Duration) {
        self.measured.record(bytes, took);
        let proven = bytes as f64 / took.as_secs_f64().max(0.001);
        self.assumed = self.assumed.max(proven.min(ASSUMED_SPEED as f64));
    }

    /// A body was out and its answer did not come in time: the way may be slower than was known.
    pub(crate) const fn record_stall(&mut self) {
        self.measured.forget();
        self.assumed = (self.assumed / 2.0).max(SLOWEST_SPEED as f64);
    }

    /// Whether the speed of answers is known.
    pub(crate) const fn is_measured(&self) -> bool {
        self.measured.bytes_per_second().is_some()
    }

    /// How long the answer to any of these bytes in flight may take.
    pub(crate) fn for_bytes(&self, in_flight: u64) -> Duration {
        let seconds = match self.measured.bytes_per_second() {
            Some(speed) => in_flight as f64 / speed * Self::MARGIN,
            None => in_flight as f64 / self.assumed,
        };
        Duration::from_secs_f64(seconds.min(LONGEST_PATIENCE.as_secs_f64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn patience_follows_the_bytes_in_flight_and_the_answered_speed() {
        let mut patience = Patience::new();
        assert_eq!(patience.for_bytes(40 * MIB).as_secs(), 160);
        patience.record_answer(8 * MIB, Duration::from_secs(8));
        assert_eq!(patience.for_bytes(40 * MIB).as_secs(), 80);
        patience.record_answer(8 * MIB, Duration::from_secs(4));
        assert_eq!(patience.for_bytes(30 * MIB).as_secs(), 40);
    }

    #[test]
    fn each_stall_makes_it_longer_and_small_requests_say_nothing() {
        let mut patience = Patience::new();
        patience.record_answer(1_000, Duration::from_secs(1));
        for expected in [32, 64, 128, 256, 512, 512] {
            assert_eq!(patience.for_bytes(8 * MIB).as_secs(), expected);
            patience.record_stall();
        }
    }
    #[test]
    fn an_answer_after_stalls_takes_their_patience_back() {
        let mut patience = Patience::new();
        for _ in 0..10 {
            patience.record_stall();
        }
        assert_eq!(patience.for_bytes(MIB).as_secs(), 64);
        patience.record_answer(MIB / 2, Duration::from_secs(8));
        assert_eq!(patience.for_bytes(MIB).as_secs(), 16);
        patience.record_answer(MIB / 2, Duration::from_secs(16));
        assert_eq!(patience.for_bytes(MIB).as_secs(), 16, "it was faster before");
        patience.record_answer(MIB, Duration::from_millis(100));
        assert_eq!(patience.for_bytes(MIB).as_secs(), 4, "no shorter than at first");
    }
}
