//! Which record in the browser's database belongs to which file, and which parts of it have to be written.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use engine::{Engine, FileId, SaveId, UploadRecord};
use wire::{BatchId, Fields};

use super::database::{Change, RecordKey};
use crate::effects::handle::FileHandle;

/// What of a file's record has not been written yet.
#[derive(Default)]
struct Unwritten {
    whole: bool,
    handle: bool,
    parts: BTreeSet<u32>,
}

impl Unwritten {
    /// Whether only parts were stored. They are written without the rest of the record, which has all the others: to look
    /// at it would cost more for each part than for the one before.
    fn is_only_parts(&self) -> bool {
        !self.whole && !self.handle && !self.parts.is_empty()
    }
}

/// What the uploader of a batch answered. It has a record of its own, so that it costs the same however many files there
/// are.
struct Answers {
    /// The number of its record, counted down from the highest, so that no file has it.
    number: u32,
    fields: Fields,
    is_written: bool,
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
    /// The answers that belong to each batch.
    answers: HashMap<BatchId, Answers>,
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
            answers: HashMap::new(),
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

    /// Has each record that this page has written be written anew.
    pub(super) fn mark_all_changed(&mut self) {
        for id in self.written.clone() {
            self.mark_changed(id);
        }
        for answers in self.answers.values_mut() {
            answers.is_written = false;
        }
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

    pub(super) fn set_fields(&mut self, batch: BatchId, fields: Fields) {
        let count = self.answers.len() as u32;
        let answers = self.answers.entry(batch).or_insert_with(|| Answers {
            number: u32::MAX - 1 - count,
            fields: Fields::new(),
            is_written: true,
        });
        if answers.fields != fields {
            answers.fields = fields;
            answers.is_written = false;
        }
    }

    /// The answers of this batch, if they have to be written.
    fn answers(&mut self, batch: BatchId) -> Option<Change> {
        let answers = self.answers.get_mut(&batch)?;
        if std::mem::replace(&mut answers.is_written, true) {
            return None;
        }
        let key = RecordKey {
            session: self.session.clone(),
            number: answers.number,
        };
        let record = UploadRecord::of_fields(batch, answers.fields.clone());
        self.inherit_stored(batch, key.clone());
        Some(Change::Put(key, record))
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
            // If a file of it is tried again, they are written again.
            if let Some(answers) = self.answers.get_mut(batch) {
                answers.is_written = false;
            }
        }
        for (id, unwritten) in std::mem::take(&mut self.unwritten) {
            if unwritten.is_only_parts() {
                changes.extend(self.part_changes(id, unwritten.parts, engine));
                continue;
            }
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
            changes.extend(record.batch.and_then(|batch| self.answers(batch)));
            changes.push(if self.written.insert(id) {
                Change::Add(key.clone(), record)
            } else {
                Change::Put(key.clone(), record)
            });
        } else {
            changes.extend(self.part_changes(id, unwritten.parts, engine));
        }
        if let Some(handle) = self.handle(id).filter(|_| unwritten.handle) {
            changes.push(Change::PutHandle(key, handle));
        }
        changes
    }

    fn part_changes(
        &self,
        id: FileId,
        parts: BTreeSet<u32>,
        engine: &Engine,
    ) -> impl Iterator<Item = Change> {
        let key = self.key(id);
        let parts = parts
            .into_iter()
            .filter_map(move |number| engine.recorded_part(id, number).cloned());
        parts.map(move |part| Change::PutPart(key.clone(), part))
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use engine::{Event, FileDescription, Settings};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    /// What each change is of: a record of answers, with its number, or of a file; or the removal of one.
    fn summary(changes: &[Change]) -> Vec<String> {
        let summary = |change: &Change| match change {
            Change::Put(key, record) if !record.fields.is_empty() => format!("answers {}", key.number),
            Change::Add(key, _) | Change::Put(key, _) => format!("file {}", key.number),
            Change::Remove(key) => format!("remove {}", key.number),
            Change::PutPart(..) | Change::PutHandle(..) => "other".to_owned(),
        };
        changes.iter().map(summary).collect()
    }

    #[wasm_bindgen_test]
    fn answers_are_kept_once_and_go_with_their_batch() {
        let batch = BatchId::new(1, [1; 10]);
        let file = |name: &str| FileDescription {
            name: name.to_owned(),
            size: 5,
            media_type: String::new(),
            last_modified: 7,
        };
        let files = ["a", "b"].map(file).into();
        let mut engine = Engine::new(Settings::default(), 1);
        engine.handle(Event::FilesAdded { batch, files }, Duration::ZERO);
        let mut records = Records::new("session".to_owned());
        let fields = Fields::from([("order".to_owned(), "4711".to_owned())]);
        records.set_fields(batch, fields.clone());
        records.mark_changed(FileId(0));
        let first = u32::MAX - 1;
        let expected = [format!("answers {first}"), "file 0".to_owned()];
        assert_eq!(summary(&records.take_changes(&engine)), expected);
        records.set_fields(batch, fields);
        records.mark_changed(FileId(1));
        assert_eq!(summary(&records.take_changes(&engine)), ["file 1"]);
        records.forget_batch(batch);
        assert_eq!(
            summary(&records.take_changes(&engine)),
            [format!("remove {first}")]
        );
        // A failed file may be tried again, and the page crash.
        records.mark_changed(FileId(1));
        let expected = [format!("answers {first}"), "file 1".to_owned()];
        assert_eq!(summary(&records.take_changes(&engine)), expected);
    }
}
