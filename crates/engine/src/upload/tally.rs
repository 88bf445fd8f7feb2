//! The sums over all files.

use std::{collections::BTreeMap, time::Duration};

use wire::BatchId;

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
    /// The sums over the files of each batch.
    batches: BTreeMap<BatchId, Totals>,
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
            batches: BTreeMap::new(),
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

    /// The sums over the files of a batch, without their speed; `None` if none of them is on the list.
    pub(crate) fn of_batch(&self, batch: BatchId) -> Option<Totals> {
        self.batches.get(&batch).copied()
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

    /// A file comes on the list, or into a batch.
    pub(crate) fn add(&mut self, file: &File) {
        self.change_sums(file, |sums| {
            sums.files += 1;
            sums.bytes += file.size();
            sums.sent += file.shown;
        });
        self.count(file);
    }

    /// A file goes off the list, or is going to be added anew with other bytes or in another batch.
    pub(crate) fn remove(&mut self, file: &File) {
        self.uncount(file);
        self.change_sums(file, |sums| {
            sums.files -= 1;
            sums.bytes -= file.size();
            sums.sent -= file.shown;
        });
        if let Some(batch) = file.batch
            && self.batches.get(&batch).is_some_and(|sums| sums.files == 0)
        {
            self.batches.remove(&batch);
        }
    }

    /// Counts a file by its state. It has to be uncounted before its state changes.
    pub(crate) fn count(&mut self, file: &File) {
        let left = file.size() - file.shown;
        if file.is_idle() {
            self.idle_bytes += left;
        }
        self.change_sums(file, |sums| {
            if let Some(files) = files_like(sums, file) {
                *files += 1;
            }
            if matches!(file.state, State::Cancelled) {
                // What was never sent of a cancelled file is nobody's any more.
                sums.bytes -= left;
            }
        });
    }

    pub(crate) fn uncount(&mut self, file: &File) {
        let left = file.size() - file.shown;
        if file.is_idle() {
            self.idle_bytes -= left;
        }
        self.change_sums(file, |sums| {
            if let Some(files) = files_like(sums, file) {
                *files -= 1;
            }
            if matches!(file.state, State::Cancelled) {
                sums.bytes += left;
            }
        });
    }

    /// More bytes of a file are shown as sent than before.
    pub(crate) fn record_sent(&mut self, file: &File, more: u64, now: Duration) {
        if file.is_idle() {
            self.idle_bytes -= more;
        }
        self.change_sums(file, |sums| sums.sent += more);
        self.speed.record(more, now);
    }

    /// Changes the sums that a file is part of: over all files, and over those of its batch.
    fn change_sums(&mut self, file: &File, change: impl Fn(&mut Totals)) {
        change(&mut self.totals);
        if let Some(batch) = file.batch {
            change(self.batches.entry(batch).or_default());
        }
    }
}

const fn files_like<'a>(sums: &'a mut Totals, file: &File) -> Option<&'a mut usize> {
    match file.state {
        State::Queued(_) | State::Active(_) | State::Unreadable { .. } => None,
        State::Paused(_) => Some(&mut sums.paused),
        State::Failed(..) => Some(&mut sums.failed),
        State::Interrupted(_) => Some(&mut sums.interrupted),
        State::Elsewhere => Some(&mut sums.elsewhere),
        State::Stored(_) => Some(&mut sums.stored),
        State::Cancelled => Some(&mut sums.cancelled),
    }
}

/// Whether bytes are answered so much slower than they leave that the one says nothing of the other.
pub(crate) const fn is_much_less(answered: u64, sent: u64) -> bool {
    answered < sent / 2
}
