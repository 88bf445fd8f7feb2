//! Which record in the browser's database belongs to which file, and which parts of it have to be written.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use engine::{Engine, FileId, SaveId, UploadRecord};
use wire::BatchId;

use super::database::{Change, RecordKey};
use crate::effects::handle::FileHandle;

/// What of a file's record has not been written yet.
#[derive(Default)]
struct Unwritten {
    whole: bool,
    handle: bool,
    parts: BTreeSet<u32>,
}

/// The records of the files on the list.
pub(super) struct Records {
    /// Names the records of files that were added to this page.
    session: String,
    /// The records that earlier pages and other tabs made.
    inherited: HashMap<FileId, RecordKey>,
    handles: HashMap<FileId, FileHandle>,
    /// The files of which this page has written a record.
    written: HashSet<FileId>,
    /// What has to be written.
    unwritten: BTreeMap<FileId, Unwritten>,
    /// Records that no file has and that are to be removed.
    discarded: Vec<RecordKey>,
    /// The records of stored files, which go with the last file of their batch.
    stored: HashMap<BatchId, Vec<RecordKey>>,
    /// The batches of which nothing is to be kept any more.
    ended: HashSet<BatchId>,
    /// The saves to report once what has to be written is written.
    saves: Vec<SaveId>,
}

impl Records {
    pub(super) fn new(session: String) -> Self {
        Self {
            session,
            inherited: HashMap::new(),
            handles: HashMap::new(),
            written: HashSet::new(),
            unwritten: BTreeMap::new(),
            discarded: Vec::new(),
            stored: HashMap::new(),
            ended: HashSet::new(),
            saves: Vec::new(),
        }
    }

    pub(super) fn session(&self) -> &str {
        &self.session
    }

    pub(super) fn inherit(&mut self, id: FileId, key: RecordKey, handle: Option<FileHandle>) {
        self.inherited.insert(id, key);
        self.written.insert(id);
        self.handles.extend(handle.map(|handle| (id, handle)));
    }

    pub(super) fn inherited(&self) -> Vec<(RecordKey, FileId)> {
        let inherited = self.inherited.iter();
        inherited.map(|(id, key)| (key.clone(), *id)).collect()
    }

    pub(super) fn handle(&self, id: FileId) -> Option<FileHandle> {
        self.handles.get(&id).cloned()
    }

    pub(super) fn set_handle(&mut self, id: FileId, handle: FileHandle) {
        self.handles.insert(id, handle);
        self.unwritten(id).handle = true;
    }

    pub(super) fn mark_changed(&mut self, id: FileId) {
        self.unwritten(id).whole = true;
    }

    pub(super) fn mark_part(&mut self, id: FileId, number: u32) {
        self.unwritten(id).parts.insert(number);
    }

    pub(super) fn discard(&mut self, keys: impl IntoIterator<Item = RecordKey>) {
        self.discarded.extend(keys);
    }

    /// Takes over the record of a file of this batch that an earlier page stored.
    pub(super) fn inherit_stored(&mut self, batch: BatchId, key: RecordKey) {
        self.stored.entry(batch).or_default().push(key);
    }

    pub(super) fn forget_batch(&mut self, batch: BatchId) {
        self.ended.insert(batch);
    }

    pub(super) fn report_saved(&mut self, save: SaveId) {
        self.saves.push(save);
    }

    pub(super) fn take_saves(&mut self) -> Vec<SaveId> {
        std::mem::take(&mut self.saves)
    }

    pub(super) const fn has_saves(&self) -> bool {
        !self.saves.is_empty()
    }

    fn unwritten(&mut self, id: FileId) -> &mut Unwritten {
        self.unwritten.entry(id).or_default()
    }

    /// Takes what has to be written now. The engine's state at this moment is what counts, however many
    /// changes led to it.
    pub(super) fn take_changes(&mut self, engine: &Engine) -> Vec<Change> {
        let mut changes: Vec<Change> = self.discarded.drain(..).map(Change::Remove).collect();
        let ended = std::mem::take(&mut self.ended);
        for batch in &ended {
            let stored = self.stored.remove(batch).unwrap_or_default();
            changes.extend(stored.into_iter().map(Change::Remove));
        }
        for (id, unwritten) in std::mem::take(&mut self.unwritten) {
            let has_ended = |record: &UploadRecord| record.has_ended && is_in(&ended, record.batch);
            let record = engine.record(id).filter(|record| !has_ended(record));
            changes.extend(self.changes(id, unwritten, record, engine));
        }
        changes
    }

    fn changes(
        &mut self,
        id: FileId,
        unwritten: Unwritten,
        record: Option<UploadRecord>,
        engine: &Engine,
    ) -> Vec<Change> {
        let key = self.key(id);
        let mut changes = Vec::new();
        let Some(record) = record else {
            self.handles.remove(&id);
            let was_written = self.written.remove(&id);
            return was_written.then_some(Change::Remove(key)).into_iter().collect();
        };
        if let Some(batch) = record.batch.filter(|_| record.has_ended) {
            self.inherit_stored(batch, key.clone());
            self.handles.remove(&id);
        }
        if unwritten.whole {
            changes.push(if self.written.insert(id) {
                Change::Add(key.clone(), record)
            } else {
                Change::Put(key.clone(), record)
            });
        } else {
            let parts = unwritten.parts.into_iter();
            let parts = parts.filter_map(|number| engine.recorded_part(id, number).cloned());
            changes.extend(parts.map(|part| Change::PutPart(key.clone(), part)));
        }
        if let Some(handle) = self.handle(id).filter(|_| unwritten.handle) {
            changes.push(Change::PutHandle(key, handle));
        }
        changes
    }

    fn key(&self, id: FileId) -> RecordKey {
        self.inherited.get(&id).cloned().unwrap_or_else(|| RecordKey {
            session: self.session.clone(),
            number: id.0,
        })
    }
}

fn is_in(batches: &HashSet<BatchId>, batch: Option<BatchId>) -> bool {
    batch.is_some_and(|batch| batches.contains(&batch))
}
