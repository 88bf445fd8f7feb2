//! How fast requests are answered.

use std::time::Duration;

use crate::limits::SMALLEST_SPEED_SAMPLE;

/// The speed of one request, from its start to its answer, of those that were answered of late.
#[derive(Debug)]
pub(crate) struct RequestSpeed {
    /// How much of the earlier speed a new one leaves: from 0 to 1.
    memory: f64,
    bytes_per_second: Option<f64>,
}

impl RequestSpeed {
    pub(crate) const fn new(memory: f64) -> Self {
        Self {
            memory,
            bytes_per_second: None,
        }
    }

    /// S3 answered a request with these bytes that took this long. A small one says nothing.
    pub(crate) fn record(&mut self, bytes: u64, took: Duration) {
        if bytes < SMALLEST_SPEED_SAMPLE {
            return;
        }
        let sample = bytes as f64 / took.as_secs_f64().max(0.001);
        self.bytes_per_second = Some(match self.bytes_per_second {
            Some(before) => before * self.memory + sample * (1.0 - self.memory),
            None => sample,
        });
    }

    /// Nothing is known any more.
    pub(crate) const fn forget(&mut self) {
        self.bytes_per_second = None;
    }

    pub(crate) const fn bytes_per_second(&self) -> Option<f64> {
        self.bytes_per_second
    }
}
