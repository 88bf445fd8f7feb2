//! Brings back what earlier pages left unfinished.
//!
//! Each page holds a lock with the name of its session for as long as it lives. If the lock of a session is
//! free, its page is gone, and whoever takes the lock continues with its records. If the lock is held, the
//! records are shown as uploading in another tab until it is free.
//!
//! Records belong to a user. Those of another one are left as they are until they have expired.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::{Rc, Weak},
};

use engine::{Attachment, Engine, Event, FileId, FileStatus, ManifestRecord, Owner, Selection};
use messages::ToPage;
use wasm_bindgen_futures::spawn_local;
use wire::BatchId;

use crate::{
    driver::{Driver, with},
    effects::{
        description,
        handle::{self, FileHandle},
        locks::{self, IfTaken, Lock},
    },
    picked::{self, Picked},
    store::database::{Change, Database, RecordKey, Sessions, StoredRecord},
};

/// Opens the database and brings back what is in it; where nothing is kept, removes it.
pub(crate) async fn start(driver: Weak<Driver>) {
    if driver.upgrade().is_some_and(|driver| driver.store.is_off()) {
        remove_all().await;
        return;
    }
    let Some((database, sessions)) = open(&driver).await else {
        return;
    };
    let mut free = Vec::new();
    for (session, stored) in sessions {
        let is_ours = is_ours(&driver, &stored);
        if !is_ours && !stored.iter().any(|stored| stored.is_expired) {
            continue;
        }
        match locks::take(&lock_of(&session), IfTaken::GiveUp).await {
            Ok(Some(lock)) => free.push((session, lock)),
            Ok(None) if is_ours => {
                with(&driver, |driver| restore(driver, stored, Owner::AnotherTab));
                spawn_local(take_over(driver.clone(), Rc::clone(&database), session));
            }
            Ok(None) | Err(_) => {}
        }
    }
    // A page may have written until the moment in which its lock became free.
    let Some(mut sessions) = load(&driver, &database).await else {
        return;
    };
    for (session, lock) in free {
        let stored = sessions.remove(&session).unwrap_or_default();
        if is_ours(&driver, &stored) {
            hold(&driver, session, lock);
        }
        with(&driver, |driver| restore(driver, stored, Owner::ThisPage));
    }
}

/// Removes what pages that are gone kept before the settings changed, whosever it is.
async fn remove_all() {
    let database = Database::default();
    let sessions = database.load(js_sys::Date::now()).await;
    for (session, stored) in sessions.unwrap_or_default() {
        if let Ok(Some(_lock)) = locks::take(&lock_of(&session), IfTaken::GiveUp).await {
            let removed = stored.into_iter().map(|stored| Change::Remove(stored.key));
            // What cannot be removed now is removed by the next page.
            let _ = database.write(&removed.collect::<Vec<_>>()).await;
        }
    }
}

/// Whether the records of a session are those of this page's user. All of a session are of one user.
fn is_ours(driver: &Weak<Driver>, stored: &[StoredRecord]) -> bool {
    let user = driver.upgrade().map(|driver| driver.store.user());
    user.is_some_and(|user| stored.iter().any(|stored| user.owns(stored.user)))
}

fn hold(driver: &Weak<Driver>, session: String, lock: Lock) {
    with(driver, |driver| driver.store.hold(session, lock));
}

/// Opens the database. Nothing is written before this page holds its own lock, so that no other page takes
/// its records for those of a page that is gone.
async fn open(driver: &Weak<Driver>) -> Option<(Rc<Database>, Sessions)> {
    let session = driver.upgrade()?.store.session();
    let Ok(Some(lock)) = locks::take(&lock_of(&session), IfTaken::Wait).await else {
        // Nothing continues what waits for a browser without locks.
        drop(driver.upgrade()?.store.outage.wait());
        return None;
    };
    hold(driver, session, lock);
    let database = Rc::new(Database::of(driver.upgrade()?.store.user().id()));
    let sessions = load(driver, &database).await?;
    with(driver, |driver| driver.store.on_opened(Rc::clone(&database)));
    Some((database, sessions))
}

/// Loads everything that is stored, as soon as the storage works; `None` if the page is gone before.
async fn load(driver: &Weak<Driver>, database: &Database) -> Option<Sessions> {
    loop {
        let loaded = database.load(js_sys::Date::now()).await;
        let store = Rc::clone(&driver.upgrade()?.store);
        if let Ok(sessions) = loaded {
            store.outage.end();
            return Some(sessions);
        }
        let wait = store.outage.wait();
        drop(store);
        wait.await;
    }
}

fn lock_of(session: &str) -> String {
    format!("slipway-{session}")
}

/// Puts the user's records on the list. Whosever they are, those that have expired are removed instead.
fn restore(driver: &Rc<Driver>, stored: Vec<StoredRecord>, owner: Owner) {
    let (expired, stored): (Vec<StoredRecord>, Vec<StoredRecord>) = stored
        .into_iter()
        .partition(|stored| stored.is_expired && owner == Owner::ThisPage);
    let user = driver.store.user();
    let stored = stored.into_iter().filter(|stored| user.owns(stored.user));
    let (stored, batches) = without_ended(driver, stored.collect(), owner);
    let mut records = Vec::new();
    let mut handles = Vec::new();
    let first = driver.query(Engine::next_file_id).0;
    for (id, stored) in (first..).map(FileId).zip(stored) {
        handles.extend(stored.handle.clone().map(|handle| (id, handle)));
        driver.store.inherit(id, stored.key, stored.handle);
        let description = stored.record.description();
        driver.intake.borrow_mut().note_listed(id, &description);
        records.push(stored.record);
    }
    driver
        .store
        .discard(expired.into_iter().map(|expired| expired.key));
    driver.handle(Event::Restored { records, owner });
    for event in batches {
        driver.handle(event);
    }
    if owner == Owner::ThisPage {
        continue_by_handle(driver, handles);
    }
}

/// The records of uploads that have not ended. Of the others, what this page has to know is kept; the events that say
/// so come after the files.
fn without_ended(
    driver: &Rc<Driver>,
    stored: Vec<StoredRecord>,
    owner: Owner,
) -> (Vec<StoredRecord>, Vec<Event>) {
    let (ended, unfinished): (Vec<_>, Vec<_>) =
        stored.into_iter().partition(|stored| stored.record.has_ended);
    let batches = match owner {
        Owner::ThisPage => keep_stored(driver, ended, &unfinished),
        Owner::AnotherTab => Vec::new(),
    };
    (unfinished, batches)
}

/// Keeps the keys of stored files as long as other files of their batch are not stored, or a manifest is to name them.
fn keep_stored(driver: &Rc<Driver>, ended: Vec<StoredRecord>, unfinished: &[StoredRecord]) -> Vec<Event> {
    let has_manifests = driver.query(|engine| engine.settings().manifests);
    let unfinished: BTreeSet<BatchId> = unfinished
        .iter()
        .filter_map(|stored| stored.record.batch)
        .collect();
    let mut keys = Vec::new();
    let mut manifests = BTreeMap::<BatchId, Option<ManifestRecord>>::new();
    for StoredRecord { key, record, .. } in ended {
        let is_needed = |batch: &BatchId| has_manifests || unfinished.contains(batch);
        let Some(batch) = record.batch.filter(is_needed) else {
            driver.store.discard([key]);
            continue;
        };
        driver.store.inherit_stored(batch, key);
        if let Some(manifest) = record.manifest {
            let last = manifests.entry(batch).or_default();
            if last.is_none_or(|last| last.edition < manifest.edition) {
                *last = Some(manifest);
            }
            continue;
        }
        keys.extend(record.object_key().map(str::to_owned));
        if let Some(stored) = &record.stored {
            manifests.entry(batch).or_default();
            driver.manifests.note(batch, &record.description(), stored);
        }
    }
    driver.handle(Event::KeysTaken(keys));
    let restored = |(batch, manifest)| Event::BatchRestored { batch, manifest };
    manifests.into_iter().map(restored).collect()
}

/// Waits until the page of a session is gone, and then continues with what it left.
async fn take_over(driver: Weak<Driver>, database: Rc<Database>, session: String) {
    let Ok(Some(lock)) = locks::take(&lock_of(&session), IfTaken::Wait).await else {
        return;
    };
    hold(&driver, session.clone(), lock);
    let Some(mut sessions) = load(&driver, &database).await else {
        return;
    };
    let stored = sessions.remove(&session).unwrap_or_default();
    with(&driver, |driver| on_taken_over(driver, &session, stored));
}

fn on_taken_over(driver: &Rc<Driver>, session: &str, stored: Vec<StoredRecord>) {
    let inherited = driver.store.inherited().into_iter();
    let mut listed: BTreeMap<RecordKey, FileId> =
        inherited.filter(|(key, _)| key.session == session).collect();
    let (stored, batches) = without_ended(driver, stored, Owner::ThisPage);
    let (mut handles, mut unlisted) = (Vec::new(), Vec::new());
    for stored in stored {
        let Some(id) = listed.remove(&stored.key) else {
            unlisted.push(stored);
            continue;
        };
        handles.extend(stored.handle.clone().map(|handle| (id, handle)));
        driver.store.inherit(id, stored.key, stored.handle);
        let record = Some(Box::new(stored.record));
        driver.handle(Event::TakenOver { id, record });
    }
    for id in listed.into_values() {
        driver.handle(Event::TakenOver { id, record: None });
    }
    restore(driver, unlisted, Owner::ThisPage);
    for event in batches {
        driver.handle(event);
    }
    continue_by_handle(driver, handles);
}

/// Takes off the list whatever another tab has finished since the user last came back to this one.
pub(crate) fn look_elsewhere(driver: &Rc<Driver>) {
    let is_elsewhere = |id| {
        let view = driver.query(|engine| engine.view(id));
        view.is_some_and(|view| view.status == FileStatus::Elsewhere)
    };
    let mut listed = driver.store.inherited();
    listed.retain(|(_, id)| is_elsewhere(*id));
    let database = driver.store.database().filter(|_| !listed.is_empty());
    let Some(database) = database else { return };
    let driver = Rc::downgrade(driver);
    spawn_local(async move {
        let Ok(sessions) = database.load(js_sys::Date::now()).await else {
            return;
        };
        let stored = sessions.into_values().flatten();
        let stored = stored.filter(|stored| !stored.record.has_ended);
        let stored: BTreeSet<RecordKey> = stored.map(|stored| stored.key).collect();
        with(&driver, |driver| {
            for (_, id) in listed.into_iter().filter(|(key, _)| !stored.contains(key)) {
                driver.handle(Event::TakenOver { id, record: None });
            }
        });
    });
}

/// Continues with every file that can be read without asking the user.
fn continue_by_handle(driver: &Rc<Driver>, handles: Vec<(FileId, FileHandle)>) {
    let driver = Rc::downgrade(driver);
    spawn_local(async move {
        for (id, handle) in handles {
            if handle::may_read(&handle).await
                && let Ok(file) = handle::file(&handle).await
            {
                let picked = Picked {
                    description: description::of(&file, file.name()),
                    file,
                    handle: Some(handle),
                };
                with(&driver, |driver| {
                    picked::attach(driver, id, picked, Attachment::Handle)
                });
            }
        }
    });
}

/// Has the page fetch the interrupted files that the user wants to continue: only the page can ask the user
/// for permission to read them, or for the files.
pub(crate) fn request_files(driver: &Driver, selection: Selection) {
    let is_selected = |id: &FileId| selection == Selection::All || selection == Selection::File(*id);
    let ids: Vec<FileId> = driver.query(|engine| {
        let interrupted = engine.interrupted().map(|(id, _)| id);
        interrupted.filter(is_selected).collect()
    });
    if ids.is_empty() {
        return;
    }
    let handles = ids.iter().map(|id| driver.store.handle(*id)).collect();
    driver
        .page
        .send_with_handles(&ToPage::FilesNeeded { selection, ids }, handles);
}
