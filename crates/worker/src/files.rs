//! The files on the list whose bytes the worker has.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    ops::Range,
    rc::{Rc, Weak},
};

use engine::{Event, FileFailure, FileId, READ_TOGETHER_FILES, Ticket};
use wasm_bindgen_futures::spawn_local;
use web_sys::File;
use wire::Sha256Digest;

use crate::{
    effects::{handle::FileHandle, source::Source, transport::Body},
    kept_bodies::KeptBodies,
    to_driver::DriverHandle,
};

/// Hashes files and makes request bodies of them.
pub(crate) struct Files {
    driver: DriverHandle,
    files: RefCell<HashMap<FileId, Rc<Source>>>,
    small_files: RefCell<SmallFiles>,
    /// What was hashed and is going to be sent; `None` if the browser reads files as it sends them.
    kept: Option<RefCell<KeptBodies>>,
}

/// Small files that are to be read together, as soon as those before them have been.
#[derive(Default)]
struct SmallFiles {
    queue: VecDeque<(Ticket, Rc<Source>)>,
    is_reading: bool,
}

impl Files {
    /// `bodies_as_bytes` says whether bodies are sent from memory.
    pub(crate) fn new(driver: DriverHandle, bodies_as_bytes: bool) -> Rc<Self> {
        Rc::new(Self {
            driver,
            files: RefCell::default(),
            small_files: RefCell::default(),
            kept: bodies_as_bytes.then(RefCell::default),
        })
    }

    /// Takes a file, with the browser's handle of it, if there is one.
    pub(crate) fn add(&self, id: FileId, file: File, handle: Option<FileHandle>) {
        self.set_source(id, Source::new(file, handle));
    }

    fn set_source(&self, id: FileId, source: Source) {
        self.drop_kept(id);
        self.files.borrow_mut().insert(id, Rc::new(source));
    }

    pub(crate) fn remove(&self, id: FileId) {
        self.drop_kept(id);
        self.files.borrow_mut().remove(&id);
    }

    fn drop_kept(&self, id: FileId) {
        if let Some(kept) = &self.kept {
            kept.borrow_mut().remove(id);
        }
    }

    pub(crate) fn file(&self, id: FileId) -> Option<File> {
        self.source(id).map(|source| source.file().clone())
    }

    fn source(&self, id: FileId) -> Option<Rc<Source>> {
        self.files.borrow().get(&id).cloned()
    }

    /// The body of a request: a range of a file, which the browser reads as it sends.
    pub(crate) fn body(&self, id: FileId, range: &Range<u64>) -> Body {
        self.source(id).map_or(Body::Empty, |source| source.body(range))
    }

    /// The body of a request: the bytes of a range of a file, from memory or read now.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) async fn body_in_memory(
        self: Rc<Self>,
        id: FileId,
        range: Range<u64>,
    ) -> Result<Body, FileFailure> {
        let source = self.source(id).ok_or(FileFailure::Missing)?;
        let kept = self.kept.as_ref();
        let kept = kept.and_then(|kept| kept.borrow_mut().take(id, &range));
        let bytes = match kept.or_else(|| source.take_kept(&range)) {
            Some(bytes) => bytes,
            None => source.read(&range).await?,
        };
        Ok(Body::Bytes(bytes))
    }

    /// The SHA-256 of a range of a file.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) async fn sha256(&self, id: FileId, range: Range<u64>) -> Result<Sha256Digest, FileFailure> {
        let source = self.source(id).ok_or(FileFailure::Missing)?;
        let (digest, bytes) = source.hash(range.clone()).await?;
        if let Some(kept) = &self.kept {
            kept.borrow_mut().keep(id, range, bytes);
        }
        Ok(digest)
    }

    /// Hashes a range of a file.
    pub(crate) fn hash(self: &Rc<Self>, ticket: Ticket, range: Range<u64>) {
        let source = self.source(ticket.file);
        if let Some(source) = source.as_ref().filter(|source| source.is_read_together(&range)) {
            self.hash_with_others(ticket, Rc::clone(source));
            return;
        }
        let files = Rc::clone(self);
        spawn_local(async move {
            let result = files.sha256(ticket.file, range).await;
            files.driver.event(Event::Hashed(vec![(ticket, result)]));
        });
    }

    fn hash_with_others(self: &Rc<Self>, ticket: Ticket, source: Rc<Source>) {
        let mut small_files = self.small_files.borrow_mut();
        small_files.queue.push_back((ticket, source));
        if !std::mem::replace(&mut small_files.is_reading, true) {
            spawn_local(hash_small_files(Rc::downgrade(self)));
        }
    }

    /// Checks whether a file still is what was hashed of it.
    pub(crate) fn check(&self, ticket: Ticket) {
        let source = self.source(ticket.file);
        let driver = self.driver.clone();
        spawn_local(async move {
            let result = match source {
                Some(source) => source.check().await,
                None => Err(FileFailure::Missing),
            };
            driver.event(Event::Checked { ticket, result });
        });
    }

    /// Takes a file of this name anew, because it could not be read.
    pub(crate) fn reopen(self: &Rc<Self>, ticket: Ticket, name: String) {
        let source = self.source(ticket.file);
        let files = Rc::clone(self);
        spawn_local(async move {
            let reopened = match &source {
                Some(source) => source.reopen().await,
                None => Err(FileFailure::Missing),
            };
            let result = reopened.map(|reopened| {
                let description = reopened.describe(name);
                // Meanwhile the file may have gone off the list, or come back by a pick.
                let now = files.source(ticket.file);
                if now
                    .zip(source)
                    .is_some_and(|(now, before)| Rc::ptr_eq(&now, &before))
                {
                    files.set_source(ticket.file, reopened);
                }
                description
            });
            files.driver.event(Event::Reopened { ticket, result });
        });
    }
}

impl SmallFiles {
    /// The files to hash next; `None` if there are none.
    fn next(&mut self) -> Option<Vec<(Ticket, Rc<Source>)>> {
        let count = self.queue.len().min(READ_TOGETHER_FILES);
        self.is_reading = count > 0;
        (count > 0).then(|| self.queue.drain(..count).collect())
    }
}

/// Hashes small files, many at a time, until there are no more.
async fn hash_small_files(files: Weak<Files>) {
    while let Some(some) = files
        .upgrade()
        .and_then(|files| files.small_files.borrow_mut().next())
    {
        let (tickets, sources): (Vec<Ticket>, Vec<Rc<Source>>) = some.into_iter().unzip();
        let results = Source::hash_together(&sources).await;
        if let Some(files) = files.upgrade() {
            let hashed = tickets.into_iter().zip(results).collect();
            files.driver.event(Event::Hashed(hashed));
        }
    }
}
