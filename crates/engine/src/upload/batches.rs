//! How far the batches are.

use std::collections::BTreeMap;

use wire::BatchId;

/// How many files of each batch are on the list and not stored.
#[derive(Debug, Default)]
pub(crate) struct Batches(BTreeMap<BatchId, usize>);

impl Batches {
    /// One more file of this batch has to be stored.
    pub(crate) fn add(&mut self, batch: BatchId) {
        *self.0.entry(batch).or_default() += 1;
    }

    /// Whether any file of this batch is still to be stored.
    pub(crate) fn has(&self, batch: BatchId) -> bool {
        self.0.contains_key(&batch)
    }

    /// A file of this batch was stored, or is off the list. Returns whether it was the last one.
    pub(crate) fn remove(&mut self, batch: BatchId) -> bool {
        let Some(files) = self.0.get_mut(&batch) else {
            return false;
        };
        *files -= 1;
        let is_last = *files == 0;
        if is_last {
            self.0.remove(&batch);
        }
        is_last
    }
}
