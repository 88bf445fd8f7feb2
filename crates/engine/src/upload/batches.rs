//! How far the batches are.

use std::collections::BTreeMap;

use wire::{BatchId, Sha256Digest};

use crate::{ManifestRecord, Selection};

/// The batches of the files on the list, and which of them have come to their end.
#[derive(Debug, Default)]
pub(crate) struct Batches {
    batches: BTreeMap<BatchId, Batch>,
    /// Those whose manifest is to be written, or was to be when they were put here.
    due: Vec<BatchId>,
    /// How many manifests are being written or sent.
    closing: usize,
}

/// How far one batch is.
#[derive(Debug, Default)]
struct Batch {
    /// Files on the list that are not stored.
    not_stored: usize,
    /// Those of them that did not end otherwise either.
    unfinished: usize,
    /// Whether a file was stored since the last manifest was written.
    has_news: bool,
    /// Whether a manifest is being written or sent.
    is_closing: bool,
    /// Whether the user paused all of it: more of its files may come, of a folder that is being read.
    is_paused: bool,
    /// The last manifest, and whether S3 may have it.
    last: Option<(ManifestRecord, bool)>,
}

impl Batch {
    const fn is_due(&self) -> bool {
        self.unfinished == 0 && self.has_news && !self.is_closing
    }

    const fn has_ended(&self) -> bool {
        self.not_stored == 0 && !self.has_news && !self.is_closing
    }
}

impl Batches {
    /// One more file of this batch is on the list.
    pub(crate) fn add(&mut self, batch: BatchId, is_unfinished: bool) {
        let batch = self.batches.entry(batch).or_default();
        batch.not_stored += 1;
        batch.unfinished += usize::from(is_unfinished);
    }

    /// Files of these batches that come later are to be paused too.
    pub(crate) fn pause(&mut self, selection: Selection) {
        self.set_paused(selection, true);
    }

    /// They are to go on.
    pub(crate) fn resume(&mut self, selection: Selection) {
        self.set_paused(selection, false);
    }

    fn set_paused(&mut self, selection: Selection, is_paused: bool) {
        let is_meant = |id: BatchId| match selection {
            Selection::All => true,
            Selection::Batch(batch) => batch == id,
            Selection::File(_) => false,
        };
        let meant = self.batches.iter_mut().filter(|(id, _)| is_meant(**id));
        meant.for_each(|(_, batch)| batch.is_paused = is_paused);
    }

    /// Whether the user paused all of this batch.
    pub(crate) fn is_paused(&self, batch: BatchId) -> bool {
        self.batches.get(&batch).is_some_and(|batch| batch.is_paused)
    }

    /// Whether any file of this batch is still to be stored.
    pub(crate) fn has(&self, batch: BatchId) -> bool {
        self.batches.get(&batch).is_some_and(|batch| batch.not_stored > 0)
    }

    /// Whether any file of this batch has not ended.
    pub(crate) fn is_unfinished(&self, batch: BatchId) -> bool {
        self.batches.get(&batch).is_some_and(|batch| batch.unfinished > 0)
    }

    /// Whether a manifest is being written or sent.
    pub(crate) const fn is_closing(&self) -> bool {
        self.closing > 0
    }

    /// A file of this batch goes on again.
    pub(crate) fn reopen(&mut self, batch: BatchId) {
        self.batches.entry(batch).or_default().unfinished += 1;
    }

    /// A file of this batch has ended, or is off the list.
    pub(crate) fn finish(&mut self, batch: BatchId) {
        if let Some(files) = self.batches.get_mut(&batch) {
            files.unfinished = files.unfinished.saturating_sub(1);
        }
        self.note_due(batch);
    }

    /// A file was stored that the manifest has to name.
    pub(crate) fn note_news(&mut self, batch: BatchId) {
        self.batches.entry(batch).or_default().has_news = true;
        self.note_due(batch);
    }

    /// Earlier pages stored files of it, and this is the last manifest that S3 may have.
    pub(crate) fn restore(&mut self, batch: BatchId, last: Option<ManifestRecord>) {
        let files = self.batches.entry(batch).or_default();
        files.last = files.last.or(last.map(|last| (last, true)));
        self.note_news(batch);
    }

    /// A file of this batch was stored, or is off the list. Returns whether nothing more is to be done for the batch.
    pub(crate) fn remove(&mut self, batch: BatchId) -> bool {
        let Some(files) = self.batches.get_mut(&batch).filter(|files| files.not_stored > 0) else {
            return false;
        };
        files.not_stored -= 1;
        files.has_ended()
    }

    fn note_due(&mut self, batch: BatchId) {
        if self.batches.get(&batch).is_some_and(Batch::is_due) {
            self.due.push(batch);
        }
    }

    /// Takes out the next batch whose manifest is to be written.
    pub(crate) fn take_due(&mut self) -> Option<BatchId> {
        while let Some(id) = self.due.pop() {
            if let Some(batch) = self.batches.get_mut(&id).filter(|batch| batch.is_due()) {
                batch.has_news = false;
                batch.is_closing = true;
                self.closing += 1;
                return Some(id);
            }
        }
        None
    }

    /// Which edition a manifest with these bytes is, and whether S3 may have it already: only other bytes are another
    /// edition.
    pub(crate) fn edition_of(&mut self, batch: BatchId, sha256: Sha256Digest) -> (u32, bool) {
        let last = self.batches.get(&batch).and_then(|batch| batch.last);
        match last {
            Some((last, may_be_stored)) if last.sha256 == sha256 => (last.edition, may_be_stored),
            _ => (self.next_edition(batch, sha256), false),
        }
    }

    /// The number of the next edition, which has these bytes.
    pub(crate) fn next_edition(&mut self, batch: BatchId, sha256: Sha256Digest) -> u32 {
        let last = &mut self.batches.entry(batch).or_default().last;
        let edition = last.map_or(1, |(last, _)| last.edition.saturating_add(1));
        *last = Some((ManifestRecord { edition, sha256 }, false));
        edition
    }

    /// The last manifest of this batch is being sent.
    pub(crate) fn mark_manifest_sent(&mut self, batch: BatchId) {
        if let Some((_, may_be_stored)) = self.batches.get_mut(&batch).and_then(|batch| batch.last.as_mut()) {
            *may_be_stored = true;
        }
    }

    /// The manifest of this batch was stored. Returns whether nothing more is to be done for the batch.
    pub(crate) fn on_manifest_stored(&mut self, batch: BatchId) -> bool {
        let Some(files) = self.batches.get_mut(&batch) else {
            return false;
        };
        self.closing -= usize::from(std::mem::take(&mut files.is_closing));
        let has_ended = files.has_ended();
        self.note_due(batch);
        has_ended
    }

    /// The manifest of this batch was given up, until more of the batch is stored or a user asks for another try.
    pub(crate) fn on_manifest_failed(&mut self, batch: BatchId) {
        if let Some(files) = self.batches.get_mut(&batch) {
            self.closing -= usize::from(std::mem::take(&mut files.is_closing));
            files.has_news = true;
        }
    }

    /// Has every manifest written that was given up.
    pub(crate) fn retry(&mut self) {
        let due = self.batches.iter().filter(|(_, batch)| batch.is_due());
        self.due.extend(due.map(|(id, _)| *id));
    }
}
