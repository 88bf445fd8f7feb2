//! Speed and the time that is left.

use std::time::Duration;

use crate::limits::SPEED_SAMPLE;

/// Estimates a speed that is steady enough to compute the time left from.
///
/// The estimator is an exponentially weighted mean of the bytes per second seen in samples of at
/// least [`SPEED_SAMPLE`]: a sample of `t` seconds has the weight `t / (t + time constant)`.
/// A short burst or gap therefore moves it little, a lasting change shows within about three time
/// constants, and the time left (bytes left / speed) does not jump. The first sample counts whole,
/// so that the first figure does not climb from zero.
#[derive(Clone, Debug)]
pub(crate) struct SpeedEstimator {
    time_constant: f64,
    sample_started: Option<Duration>,
    sample_bytes: u64,
    bytes_per_second: Option<f64>,
}

impl SpeedEstimator {
    pub(crate) const fn new(time_constant: Duration) -> Self {
        Self {
            time_constant: time_constant.as_millis() as f64 / 1000.0,
            sample_started: None,
            sample_bytes: 0,
            bytes_per_second: None,
        }
    }

    /// Counts bytes that moved. The first call only starts the clock, as it is not known how long
    /// its bytes took.
    pub(crate) fn record(&mut self, bytes: u64, now: Duration) {
        let Some(started) = self.sample_started else {
            self.sample_started = Some(now);
            return;
        };
        self.sample_bytes += bytes;
        let elapsed = now.saturating_sub(started);
        if elapsed >= SPEED_SAMPLE {
            let seconds = elapsed.as_secs_f64();
            let sample = self.sample_bytes as f64 / seconds;
            let weight = seconds / (seconds + self.time_constant);
            self.bytes_per_second = Some(match self.bytes_per_second {
                Some(speed) => speed + weight * (sample - speed),
                None => sample,
            });
            self.sample_started = Some(now);
            self.sample_bytes = 0;
        }
    }

    /// Nothing is in flight: the next bytes start a new measurement, but the speed seen is kept, since
    /// the network is most likely still the same.
    pub(crate) const fn mark_idle(&mut self) {
        self.sample_started = None;
        self.sample_bytes = 0;
    }

    /// Bytes per second; `None` before the first sample.
    pub(crate) fn bytes_per_second(&self) -> Option<u64> {
        self.bytes_per_second.map(|speed| speed as u64)
    }

    /// How long these bytes take; `None` while the speed is not known.
    pub(crate) fn time_for(&self, bytes: u64) -> Option<Duration> {
        let speed = self.bytes_per_second.filter(|speed| *speed >= 1.0)?;
        Some(Duration::from_secs_f64((bytes as f64 / speed).min(1e9)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(estimator: &mut SpeedEstimator, from: u64, seconds: u64, bytes_per_second: u64) {
        for tenth in 0..seconds * 10 {
            let now = Duration::from_millis(from * 1000 + tenth * 100);
            estimator.record(bytes_per_second / 10, now);
        }
    }

    #[test]
    fn a_steady_speed_is_found_exactly() {
        let mut estimator = SpeedEstimator::new(Duration::from_secs(5));
        run(&mut estimator, 0, 10, 1_000_000);
        assert_eq!(estimator.bytes_per_second(), Some(1_000_000));
        assert_eq!(estimator.time_for(60_000_000), Some(Duration::from_secs(60)));
    }

    #[test]
    fn a_gap_of_a_second_moves_the_time_left_by_less_than_a_quarter() {
        let mut estimator = SpeedEstimator::new(Duration::from_secs(5));
        run(&mut estimator, 0, 20, 1_000_000);
        estimator.record(0, Duration::from_secs(21));
        let time_left = estimator.time_for(1_000_000).expect("a time").as_secs_f64();
        assert!((1.0..1.25).contains(&time_left), "{time_left}");
    }

    #[test]
    fn nothing_is_said_before_anything_was_measured() {
        let mut estimator = SpeedEstimator::new(Duration::from_secs(5));
        estimator.record(1_000_000, Duration::ZERO);
        assert_eq!(estimator.bytes_per_second(), None);
        assert_eq!(estimator.time_for(1), None);
    }
}
