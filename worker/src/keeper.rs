//! Which record in the browser's storage belongs to which file, and what of it has to be written.
//!
//! Whatever changes while one transaction is being written is gathered and written with the next, so
//! that neither 10,000 files nor a fast network cause more writes than the disk can take.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    rc::Rc,
};

use browser::Timer;
use engine::{Engine, FileId};

use crate::effects::{
    handle::FileHandle,
    storage::{Change, RecordKey, Storage},
};

/// What of a file's record is not written yet.
#[derive(Default)]
struct Dirty {
    whole: bool,
    handle: bool,
    parts: BTreeSet<u32>,
}

/// Whether anything can be kept.
enum State {
    /// The storage is being opened; what is to be kept waits.
    Opening,
    Open(Rc<Storage>),
    /// A transaction is being written.
    Writing(Rc<Storage>),
    /// One was written, and the next waits for this timer.
    Resting(
        Rc<Storage>,
        #[expect(dead_code, reason = "dropping it would stop it")] Timer,
    ),
    /// The browser keeps nothing for this page.
    Unavailable,
}

/// What is kept of the files on the list.
pub(crate) struct Keeper {
    state: State,
    /// Names the records of files that were added to this page.
    session: String,
    /// The records that earlier pages made.
    inherited: HashMap<FileId, RecordKey>,
    handles: HashMap<FileId, FileHandle>,
    /// The files of which this page has kept a record.
    known: HashSet<FileId>,
    dirty: BTreeMap<FileId, Dirty>,
    /// Records that no file belongs to and that are to be removed.
    discarded: Vec<RecordKey>,
}

impl Keeper {
    pub(crate) fn new(session: String) -> Self {
        Self {
            state: State::Opening,
            session,
            inherited: HashMap::new(),
            handles: HashMap::new(),
            known: HashSet::new(),
            dirty: BTreeMap::new(),
            discarded: Vec::new(),
        }
    }

    pub(crate) fn opened(&mut self, storage: Rc<Storage>) {
        self.state = State::Open(storage);
    }

    /// Nothing can be kept any more.
    pub(crate) fn give_up(&mut self) {
        self.state = State::Unavailable;
        self.dirty.clear();
    }

    /// Takes a record over from an earlier page.
    pub(crate) fn inherit(&mut self, id: FileId, key: RecordKey, handle: Option<FileHandle>) {
        self.inherited.insert(id, key);
        self.known.insert(id);
        self.handles.extend(handle.map(|handle| (id, handle)));
    }

    pub(crate) fn handle(&self, id: FileId) -> Option<FileHandle> {
        self.handles.get(&id).cloned()
    }

    pub(crate) fn keep_handle(&mut self, id: FileId, handle: FileHandle) {
        self.handles.insert(id, handle);
        if let Some(dirty) = self.dirty(id) {
            dirty.handle = true;
        }
    }

    pub(crate) fn keep(&mut self, id: FileId) {
        if let Some(dirty) = self.dirty(id) {
            dirty.whole = true;
        }
    }

    pub(crate) fn keep_part(&mut self, id: FileId, number: u32) {
        if let Some(dirty) = self.dirty(id) {
            dirty.parts.insert(number);
        }
    }

    /// Removes records that are of no use any more.
    pub(crate) fn discard(&mut self, keys: impl IntoIterator<Item = RecordKey>) {
        self.discarded.extend(keys);
    }

    /// Every file that has a record of an earlier page or another tab.
    pub(crate) fn inherited(&self) -> impl Iterator<Item = (RecordKey, FileId)> {
        self.inherited.iter().map(|(id, key)| (key.clone(), *id))
    }

    /// The storage, where there is one.
    pub(crate) fn storage(&self) -> Option<Rc<Storage>> {
        match &self.state {
            State::Open(storage) | State::Writing(storage) | State::Resting(storage, _) => {
                Some(Rc::clone(storage))
            }
            State::Opening | State::Unavailable => None,
        }
    }

    fn dirty(&mut self, id: FileId) -> Option<&mut Dirty> {
        match self.state {
            State::Unavailable => None,
            _ => Some(self.dirty.entry(id).or_default()),
        }
    }

    fn key(&self, id: FileId) -> RecordKey {
        self.inherited.get(&id).cloned().unwrap_or_else(|| RecordKey {
            session: self.session.clone(),
            number: id.0,
        })
    }

    /// What has to be written now, and where, unless something is being written. The engine's state at
    /// this moment is what counts, however many changes led to it.
    pub(crate) fn begin_write(&mut self, engine: &Engine) -> Option<(Rc<Storage>, Vec<Change>)> {
        let State::Open(storage) = &self.state else {
            return None;
        };
        let storage = Rc::clone(storage);
        if self.dirty.is_empty() && self.discarded.is_empty() {
            return None;
        }
        let mut changes: Vec<Change> = self.discarded.drain(..).map(Change::Remove).collect();
        for (id, dirty) in std::mem::take(&mut self.dirty) {
            changes.extend(self.changes(id, dirty, engine));
        }
        self.state = State::Writing(Rc::clone(&storage));
        Some((storage, changes))
    }

    fn changes(&mut self, id: FileId, dirty: Dirty, engine: &Engine) -> Vec<Change> {
        let key = self.key(id);
        let mut changes = Vec::new();
        let Some(record) = engine.record(id) else {
            self.handles.remove(&id);
            let was_kept = self.known.remove(&id);
            return was_kept.then_some(Change::Remove(key)).into_iter().collect();
        };
        if dirty.whole {
            changes.push(if self.known.insert(id) {
                Change::Add(key.clone(), record)
            } else {
                Change::Put(key.clone(), record)
            });
        } else {
            let parts = dirty.parts.into_iter();
            let parts = parts.filter_map(|number| engine.recorded_part(id, number).cloned());
            changes.extend(parts.map(|part| Change::PutPart(key.clone(), part)));
        }
        if let Some(handle) = self.handle(id).filter(|_| dirty.handle) {
            changes.push(Change::PutHandle(key, handle));
        }
        changes
    }

    /// What was to be written is, and nothing more is until [`Self::rested`], which this timer calls.
    pub(crate) fn rest(&mut self, timer: Timer) {
        if let State::Writing(storage) = &self.state {
            self.state = State::Resting(Rc::clone(storage), timer);
        }
    }

    pub(crate) fn rested(&mut self) {
        if let State::Resting(storage, _) = &self.state {
            self.state = State::Open(Rc::clone(storage));
        }
    }
}
