//! How large a request may be, by how fast requests get through.

use std::time::Duration;

use wire::{GROWN_PART_MAX_BYTES, MIN_PART_BYTES, SINGLE_PUT_MAX_BYTES};

use crate::{
    limits::{PART_TIME, SINGLE_PUT_TIME, SPEED_PATIENCE},
    measure::request_speed::RequestSpeed,
};

/// The speed of one request, of those that S3 answered of late.
///
/// It is measured from a request's start to its answer. What a browser reports of sent bytes in between says
/// more of the network's buffers: on a slow link the first megabytes are gone at once.
#[derive(Debug)]
pub(crate) struct RequestSizer {
    speed: RequestSpeed,
    /// The largest body in bytes that a request may have.
    limit: u64,
    /// The largest body in bytes that S3 has stored.
    largest_stored: u64,
    /// The smallest body in bytes that was refused because of its size although one as large is stored; `None` once one
    /// as large is stored again.
    contradiction: Option<u64>,
    /// Since when files wait for a speed; `None` if none has waited since one was known.
    awaited_since: Option<Duration>,
}

impl RequestSizer {
    /// How much of the earlier speed a new one leaves.
    const MEMORY: f64 = 0.7;

    /// A sizer that keeps every request within a bound, if there is one: but parts cannot be smaller than S3 takes.
    pub(crate) fn new(max_request_bytes: Option<u64>) -> Self {
        Self {
            speed: RequestSpeed::new(Self::MEMORY),
            limit: max_request_bytes.unwrap_or(u64::MAX).max(MIN_PART_BYTES),
            largest_stored: 0,
            contradiction: None,
            awaited_since: None,
        }
    }

    /// S3 has stored these bytes, by a request that took this long.
    pub(crate) fn record_stored(&mut self, bytes: u64, took: Duration) {
        self.largest_stored = self.largest_stored.max(bytes);
        self.contradiction = self.contradiction.filter(|refused| *refused > bytes);
        self.speed.record(bytes, took);
        if self.is_speed_known() {
            self.awaited_since = None;
        }
    }

    pub(crate) const fn is_speed_known(&self) -> bool {
        self.speed.bytes_per_second().is_some()
    }

    /// A file waits until a speed is known.
    pub(crate) fn record_wait(&mut self, now: Duration) {
        self.awaited_since.get_or_insert(now);
    }

    /// Until when files may wait for a speed; `None` if one is known.
    pub(crate) fn patience_ends(&self, now: Duration) -> Option<Duration> {
        (!self.is_speed_known()).then(|| self.awaited_since.unwrap_or(now) + SPEED_PATIENCE)
    }

    /// A request was lost. The less is lost with the next one, the better, until the network is known again.
    pub(crate) const fn record_loss(&mut self) {
        self.speed.forget();
    }

    /// Whether a request of this size was stored before and none was refused since. A single refusal because of the
    /// size then says less than the success did.
    pub(crate) fn is_known_to_pass(&self, bytes: u64) -> bool {
        bytes <= self.largest_stored && self.contradiction.is_none()
    }

    /// Something on the way refused a request because of its size, although it is known to pass.
    pub(crate) const fn record_contradiction(&mut self, bytes: u64) {
        self.contradiction = Some(bytes);
    }

    /// Whether a body can be made smaller: no part may be smaller than [`MIN_PART_BYTES`].
    pub(crate) const fn can_shrink(bytes: u64) -> bool {
        bytes > MIN_PART_BYTES
    }

    /// Something on the way refused a request because of its size. From now on all are at most half as large.
    pub(crate) fn record_too_large(&mut self, bytes: u64) {
        self.limit = self.limit.min((bytes / 2).max(MIN_PART_BYTES));
    }

    /// The largest body in bytes that a request may have.
    pub(crate) const fn limit(&self) -> u64 {
        self.limit
    }

    /// The largest body in bytes that passed; `None` if none did.
    pub(crate) fn largest_stored(&self) -> Option<u64> {
        (self.largest_stored > 0).then_some(self.largest_stored)
    }

    /// Whether a body may have been refused because of its size alone: smaller ones passed, and it can be smaller.
    pub(crate) fn may_be_too_large(&self, bytes: u64) -> bool {
        Self::can_shrink(bytes) && self.largest_stored().is_some_and(|stored| bytes > stored)
    }

    /// The size in bytes of the next part: as planned, or 2, 4, … times as large; smaller only if nothing larger
    /// passes.
    pub(crate) fn part_size(&self, planned: u64) -> u64 {
        let carried = self.bytes_in(PART_TIME).min(GROWN_PART_MAX_BYTES).min(self.limit);
        let mut size = planned.min(self.limit);
        while size.saturating_mul(2) <= carried {
            size *= 2;
        }
        size
    }

    /// Whether a file that could also be sent in parts is sent as one request.
    pub(crate) fn fits_single_put(&self, size: u64) -> bool {
        self.may_be_single_put(size) && size <= self.bytes_in(SINGLE_PUT_TIME)
    }

    /// Whether it could be, if the network is fast enough.
    pub(crate) fn may_be_single_put(&self, size: u64) -> bool {
        size <= SINGLE_PUT_MAX_BYTES.min(self.limit)
    }

    /// Bytes that one request sends in this time.
    fn bytes_in(&self, time: Duration) -> u64 {
        (self.speed.bytes_per_second().unwrap_or(0.0) * time.as_secs_f64()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn sizer(mebibytes_per_second: u64) -> RequestSizer {
        let mut sizer = RequestSizer::new(None);
        sizer.record_stored(8 * mebibytes_per_second * MIB, Duration::from_secs(8));
        sizer
    }

    #[test]
    fn a_part_takes_four_seconds_at_most_unless_it_is_as_planned() {
        for (mebibytes_per_second, planned, expected) in [
            (1, 8, 8),
            (3, 8, 8),
            (4, 8, 16),
            (7, 8, 16),
            (8, 8, 32),
            (1000, 8, 32),
            (1000, 9, 18),
            (1000, 100, 100),
        ] {
            let size = sizer(mebibytes_per_second).part_size(planned * MIB);
            assert_eq!(
                size,
                expected * MIB,
                "{mebibytes_per_second} MiB/s, {planned} MiB"
            );
        }
    }

    #[test]
    fn a_file_goes_up_whole_if_that_takes_eight_seconds_at_most() {
        assert!(sizer(3).fits_single_put(24 * MIB));
        assert!(!sizer(3).fits_single_put(24 * MIB + 1));
        assert!(sizer(1000).fits_single_put(SINGLE_PUT_MAX_BYTES));
        assert!(!sizer(1000).fits_single_put(SINGLE_PUT_MAX_BYTES + 1));
    }

    #[test]
    fn nothing_grows_before_anything_was_measured_nor_after_a_loss() {
        let mut sizer = RequestSizer::new(None);
        sizer.record_stored(MIB, Duration::from_millis(1));
        assert_eq!(sizer.part_size(8 * MIB), 8 * MIB);
        sizer.record_stored(8 * MIB, Duration::ZERO);
        assert_eq!(sizer.part_size(8 * MIB), 32 * MIB);
        sizer.record_loss();
        assert_eq!(sizer.part_size(8 * MIB), 8 * MIB);
        assert!(!sizer.fits_single_put(17 * MIB));
    }

    #[test]
    fn what_is_too_large_is_halved_down_to_s3s_smallest_part() {
        let mut sizer = sizer(1000);
        for (refused, part) in [(32, 16), (20, 10), (32, 10), (9, 5), (5, 5)] {
            sizer.record_too_large(refused * MIB);
            assert_eq!(sizer.limit(), part * MIB, "{refused}");
            assert!(sizer.part_size(8 * MIB) <= part * MIB, "{refused}");
        }
        assert!(!sizer.fits_single_put(6 * MIB));
    }

    #[test]
    fn what_was_stored_is_known_to_pass_until_it_is_refused() {
        let mut sizer = sizer(1);
        assert!(!sizer.is_known_to_pass(9 * MIB));
        assert!(sizer.is_known_to_pass(8 * MIB));
        sizer.record_contradiction(7 * MIB);
        assert!(!sizer.is_known_to_pass(6 * MIB));
        sizer.record_stored(6 * MIB, Duration::from_secs(6));
        assert!(!sizer.is_known_to_pass(6 * MIB));
        sizer.record_stored(7 * MIB, Duration::from_secs(7));
        assert!(sizer.is_known_to_pass(8 * MIB));
    }

    #[test]
    fn a_bound_of_the_settings_holds_but_for_s3s_smallest_part() {
        for (bound, expected) in [(16, 16), (12, 12), (1, 5)] {
            let mut sizer = RequestSizer::new(Some(bound * MIB));
            sizer.record_stored(8 * 1000 * MIB, Duration::from_secs(8));
            assert_eq!(sizer.limit(), expected * MIB);
            assert!(sizer.part_size(8 * MIB) <= expected * MIB);
            assert!(!sizer.fits_single_put(expected * MIB + 1));
        }
    }

    #[test]
    fn a_lasting_change_shows_after_a_few_requests() {
        let mut sizer = sizer(100);
        for _ in 0..9 {
            sizer.record_stored(8 * MIB, Duration::from_secs(8));
        }
        assert_eq!(sizer.part_size(8 * MIB), 16 * MIB);
        sizer.record_stored(8 * MIB, Duration::from_secs(8));
        sizer.record_stored(8 * MIB, Duration::from_secs(8));
        assert_eq!(sizer.part_size(8 * MIB), 8 * MIB);
    }
}
