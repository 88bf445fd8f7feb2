//! The sums over all files.

use std::time::Duration;

use crate::{
    Totals,
    limits::TOTAL_SPEED_TIME,
    measure::speed::SpeedEstimator,
    upload::file::{File, State},
};

/// What all files together have done and have left. It is kept up to date file by file, so that it costs the same
/// however many there are.
#[derive(Debug)]
pub(crate) struct Tally {
    totals: Totals,
    /// Bytes that nobody waits for: of files that failed or are paused.
    idle_bytes: u64,
    /// Of the bytes that leave.
    pub(crate) speed: SpeedEstimator,
    /// Of the bytes that S3 answered.
    pub(crate) answered: SpeedEstimator,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            totals: Totals::default(),
            idle_bytes: 0,
            speed: SpeedEstimator::new(TOTAL_SPEED_TIME),
            answered: SpeedEstimator::new(TOTAL_SPEED_TIME),
        }
    }

    /// The sums, of which this much has left and is not answered, and nothing else may be about to leave.
    pub(crate) fn totals(&self, unanswered: u64, is_confirming: bool) -> Totals {
        let left = self.totals.bytes - self.totals.sent - self.idle_bytes + unanswered;
        let speed = self.speed_shown(is_confirming);
        // Nothing is done in no time as long as something is in flight.
        let shortest = Duration::from_secs(u64::from(unanswered > 0));
        Totals {
            bytes_per_second: speed.and_then(SpeedEstimator::bytes_per_second).unwrap_or(0),
            time_left: speed
                .and_then(|speed| speed.time_for(left))
                .map(|time| time.max(shortest)),
            ..self.totals
        }
    }

    /// The speed at which bytes leave; that at which they are answered if it is much less, since something on the way
    /// may take them at once and forward them slowly.
    fn speed_shown(&self, is_confirming: bool) -> Option<&SpeedEstimator> {
        match (self.speed.bytes_per_second(), self.answered.bytes_per_second()) {
            (Some(sent), Some(answered)) if is_much_less(answered, sent) => Some(&self.answered),
            (Some(_), None) if is_confirming => None,
            (None, Some(_)) => Some(&self.answered),
            _ => Some(&self.speed),
        }
    }

    /// A file comes on the list.
    pub(crate) fn add(&mut self, file: &File) {
        self.totals.files += 1;
        self.totals.bytes += file.size();
        self.totals.sent += file.shown;
        self.count(file);
    }

    /// A file goes off the list.
    pub(crate) fn remove(&mut self, file: &File) {
        self.uncount(file);
        self.totals.files -= 1;
        self.totals.bytes -= file.size();
        self.totals.sent -= file.shown;
    }

    /// Counts a file by its state. It has to be uncounted before its state changes.
    pub(crate) fn count(&mut self, file: &File) {
        let left = file.size() - file.shown;
        if let Some(files) = self.files_like(file) {
            *files += 1;
        }
        if file.is_idle() {
            self.idle_bytes += left;
        }
        if matches!(file.state, State::Cancelled) {
            // What was never sent of a cancelled file is nobody's any more.
            self.totals.bytes -= left;
        }
    }

    pub(crate) fn uncount(&mut self, file: &File) {
        let left = file.size() - file.shown;
        if let Some(files) = self.files_like(file) {
            *files -= 1;
        }
        if file.is_idle() {
            self.idle_bytes -= left;
        }
        if matches!(file.state, State::Cancelled) {
            self.totals.bytes += left;
        }
    }

    /// More bytes of a file are shown as sent than before.
    pub(crate) fn record_sent(&mut self, file: &File, more: u64, now: Duration) {
        if file.is_idle() {
            self.idle_bytes -= more;
        }
        self.totals.sent += more;
        self.speed.record(more, now);
    }

    /// Bytes that count as sent, of a file that is not counted at the moment.
    pub(crate) const fn add_sent(&mut self, more: u64) {
        self.totals.sent += more;
    }

    /// Nothing of a file counts as sent any more.
    pub(crate) const fn subtract_sent(&mut self, bytes: u64) {
        self.totals.sent -= bytes;
    }

    const fn files_like(&mut self, file: &File) -> Option<&mut usize> {
        match file.state {
            State::Queued(_) | State::Active(_) | State::Unreadable { .. } => None,
            State::Paused(_) => Some(&mut self.totals.paused),
            State::Failed(..) => Some(&mut self.totals.failed),
            State::Interrupted(_) => Some(&mut self.totals.interrupted),
            State::Elsewhere => Some(&mut self.totals.elsewhere),
            State::Stored(_) => Some(&mut self.totals.stored),
            State::Cancelled => Some(&mut self.totals.cancelled),
        }
    }
}

/// Whether bytes are answered so much slower than they leave that the one says nothing of the other.
pub(crate) const fn is_much_less(answered: u64, sent: u64) -> bool {
    answered < sent / 2
}
