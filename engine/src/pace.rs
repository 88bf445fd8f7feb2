//! How large a request may be, by how fast requests get through.

use std::time::Duration;

use wire::{GROWN_PART_MAX_BYTES, SINGLE_PUT_MAX_BYTES};

/// The speed of one request, of those that S3 answered of late.
///
/// It is measured from a request's begin to its answer. What a browser tells of sent bytes in between says
/// more of the network's buffers: on a slow link the first megabytes are gone at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    /// Bytes a second of one request.
    bytes_per_second: Option<f64>,
}

impl Pace {
    /// How long a part may take. That is what a lost connection costs, at most.
    const PART: Duration = Duration::from_secs(4);

    /// How long a whole file may take that could go up in parts.
    const WHOLE_FILE: Duration = Duration::from_secs(8);

    /// Smaller requests say more of the time that S3 takes to answer.
    const SMALLEST_SAMPLE: u64 = 4 * 1024 * 1024;

    /// How much of the earlier speed a new one leaves.
    const MEMORY: f64 = 0.7;

    /// S3 has stored so many bytes, by a request that took so long.
    pub(crate) fn stored(&mut self, bytes: u64, took: Duration) {
        if bytes < Self::SMALLEST_SAMPLE {
            return;
        }
        let sample = bytes as f64 / took.as_secs_f64().max(0.001);
        self.bytes_per_second = Some(match self.bytes_per_second {
            Some(earlier) => earlier * Self::MEMORY + sample * (1.0 - Self::MEMORY),
            None => sample,
        });
    }

    /// A request was lost. The less is lost with the next one, the better, until the network is known again.
    pub(crate) const fn lost(&mut self) {
        self.bytes_per_second = None;
    }

    /// The size in bytes of the next part: as planned, or 2, 4, … times as large.
    pub(crate) fn part_size(&self, planned: u64) -> u64 {
        let carried = self.carries(Self::PART).min(GROWN_PART_MAX_BYTES);
        let mut size = planned;
        while size.saturating_mul(2) <= carried {
            size *= 2;
        }
        size
    }

    /// Whether a file goes up as one request that could also go up in parts.
    pub(crate) fn carries_whole(&self, size: u64) -> bool {
        size <= SINGLE_PUT_MAX_BYTES.min(self.carries(Self::WHOLE_FILE))
    }

    /// Bytes that one request carries in so long.
    fn carries(&self, time: Duration) -> u64 {
        (self.bytes_per_second.unwrap_or(0.0) * time.as_secs_f64()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn pace(mebibytes_per_second: u64) -> Pace {
        let mut pace = Pace::default();
        pace.stored(8 * mebibytes_per_second * MIB, Duration::from_secs(8));
        pace
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
            let size = pace(mebibytes_per_second).part_size(planned * MIB);
            assert_eq!(
                size,
                expected * MIB,
                "{mebibytes_per_second} MiB/s, {planned} MiB"
            );
        }
    }

    #[test]
    fn a_file_goes_up_whole_if_that_takes_eight_seconds_at_most() {
        assert!(pace(3).carries_whole(24 * MIB));
        assert!(!pace(3).carries_whole(24 * MIB + 1));
        assert!(pace(1000).carries_whole(SINGLE_PUT_MAX_BYTES));
        assert!(!pace(1000).carries_whole(SINGLE_PUT_MAX_BYTES + 1));
    }

    #[test]
    fn nothing_grows_before_anything_was_measured_nor_after_a_loss() {
        let mut pace = Pace::default();
        pace.stored(MIB, Duration::from_millis(1));
        assert_eq!(pace.part_size(8 * MIB), 8 * MIB);
        pace.stored(8 * MIB, Duration::ZERO);
        assert_eq!(pace.part_size(8 * MIB), 32 * MIB);
        pace.lost();
        assert_eq!(pace.part_size(8 * MIB), 8 * MIB);
        assert!(!pace.carries_whole(17 * MIB));
    }

    #[test]
    fn a_lasting_change_shows_after_a_few_requests() {
        let mut pace = pace(100);
        for _ in 0..9 {
            pace.stored(8 * MIB, Duration::from_secs(8));
        }
        assert_eq!(pace.part_size(8 * MIB), 16 * MIB);
        pace.stored(8 * MIB, Duration::from_secs(8));
        pace.stored(8 * MIB, Duration::from_secs(8));
        assert_eq!(pace.part_size(8 * MIB), 8 * MIB);
    }
}
