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
    store::{
        database::{Change, Database, RecordKey, Sessions, StoredRecord},
        tabs::Tabs,
    },
};

/// Opens the database and brings back what is in it; where nothing is kept, removes it. Does not wait for the end of an
/// outage, after which it goes on.
pub(crate) async fn start(driver: Weak<Driver>) {
    if driver.upgrade().is_some_and(|driver| driver.store.is_off()) {
        spawn_local(remove_all());
        return;
    }
    let Some(database) = open(&driver).await else {
        return;
    };
    match try_to_load(&driver, &database).await {
        Some(sessions) => bring_back_first(driver, database, sessions).await,
        None => spawn_local(async move {
            if until_worth_a_try(&driver).await.is_some()
                && let Some(sessions) = load(&driver, &database).await
            {
                bring_back_first(driver, database, sessions).await;
            }
        }),
    }
}

async fn bring_back_first(driver: Weak<Driver>, database: Rc<Database>, sessions: Sessions) {
    with(&driver, |driver| driver.store.on_opened(Rc::clone(&database)));
    let listening = driver.clone();
    let tabs = Tabs::open(move || with(&listening, look_elsewhere));
    with(&driver, |driver| driver.store.set_tabs(tabs));
    bring_back(driver, database, sessions).await;
}

/// Brings back what earlier pages left of a user who has signed in while there was a list.
pub(crate) async fn start_for_user(driver: Weak<Driver>) {
    // If the database is not open yet, it is going to be opened for this user.
    let database = driver.upgrade().and_then(|driver| driver.store.database());
    let Some(database) = database else { return };
    if let Some(sessions) = load(&driver, &database).await {
        bring_back(driver, database, sessions).await;
    }
}

async fn bring_back(driver: Weak<Driver>, database: Rc<Database>, sessions: Sessions) {
    let mut free = Vec::new();
    for (session, stored) in sessions {
        if driver
            .upgrade()
            .is_some_and(|driver| driver.store.holds(&session))
        {
            continue;
        }
        let is_ours = is_ours(&driver, &stored);
        if !is_ours && !stored.iter().any(|stored| stored.is_expired) {
            continue;
        }
        match locks::take(&lock_of(&session), IfTaken::GiveUp).await {
            Ok(Some(lock)) => {
                // Whoever looks at other tabs meanwhile must not take it for one of them.
                hold(&driver, session.clone(), lock);
                free.push(session);
            }
            Ok(None) if is_ours => {
                with(&driver, |driver| {
                    show_elsewhere(driver, &database, session, stored)
                });
            }
            Ok(None) | Err(_) => {}
        }
    }
    // A page may have written until the moment in which its lock became free.
    let Some(mut sessions) = load(&driver, &database).await else {
        return;
    };
    for session in free {
        let stored = sessions.remove(&session).unwrap_or_default();
        if !is_ours(&driver, &stored) {
            with(&driver, |driver| driver.store.release(&session));
        }
        with(&driver, |driver| restore(driver, stored, Owner::ThisPage));
    }
}

/// Shows what another tab works on, as far as it is not shown yet, until that is gone.
fn show_elsewhere(
    driver: &Rc<Driver>,
    database: &Rc<Database>,
    session: String,
    mut stored: Vec<StoredRecord>,
) {
    let known: BTreeSet<RecordKey> = driver.store.inherited().into_iter().map(|(key, _)| key).collect();
    stored.retain(|stored| !known.contains(&stored.key));
    restore(driver, stored, Owner::AnotherTab);
    if driver.store.await_end(&session) {
        spawn_local(take_over(Rc::downgrade(driver), Rc::clone(database), session));
    }
}

/// Removes what other pages kept before the settings changed, whosever it is.
async fn remove_all() {
    let database = Rc::new(Database::default());
    let sessions = database.load(js_sys::Date::now()).await;
    for (session, _) in sessions.unwrap_or_default() {
        spawn_local(remove_session(Rc::clone(&database), session));
    }
}

/// Removes the records of a session once its page is gone: the one before this may still be ending.
async fn remove_session(database: Rc<Database>, session: String) {
    let Ok(Some(_lock)) = locks::take(&lock_of(&session), IfTaken::Wait).await else {
        return;
    };
    let sessions = database.load(js_sys::Date::now()).await.unwrap_or_default();
    let stored = sessions.into_iter().filter(|(other, _)| *other == session);
    let removed = stored
        .flat_map(|(_, stored)| stored)
        .map(|stored| Change::Remove(stored.key));
    // What cannot be removed now is removed by the next page.
    let _ = database.write(&removed.collect::<Vec<_>>()).await;
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
async fn open(driver: &Weak<Driver>) -> Option<Rc<Database>> {
    let session = driver.upgrade()?.store.session();
    let Ok(Some(lock)) = locks::take(&lock_of(&session), IfTaken::Wait).await else {
        // Nothing continues what waits for a browser without locks.
        drop(driver.upgrade()?.store.outage.wait());
        return None;
    };
    hold(driver, session, lock);
    Some(Rc::new(Database::of(driver.upgrade()?.store.user().id())))
}

/// Loads everything that is stored, as soon as the storage works; `None` if the page is gone before.
async fn load(driver: &Weak<Driver>, database: &Database) -> Option<Sessions> {
    loop {
        if let Some(sessions) = try_to_load(driver, database).await {
            return Some(sessions);
        }
        until_worth_a_try(driver).await?;
    }
}

/// Waits until the storage, which does not work, is worth another try; `None` if the page is gone before.
async fn until_worth_a_try(driver: &Weak<Driver>) -> Option<()> {
    let wait = driver.upgrade()?.store.outage.wait();
    wait.await;
    Some(())
}

/// Loads everything that is stored; `None` if the storage does not work.
async fn try_to_load(driver: &Weak<Driver>, database: &Database) -> Option<Sessions> {
    let sessions = database.load(js_sys::Date::now()).await.ok()?;
    with(driver, |driver| driver.store.outage.end());
    Some(sessions)
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
    let (answers, stored): (Vec<_>, Vec<_>) = stored
        .into_iter()
        .partition(|stored| !stored.record.fields.is_empty());
    if owner == Owner::ThisPage {
        keep_answers(driver, answers, &stored);
    }
    let (ended, unfinished): (Vec<_>, Vec<_>) =
        stored.into_iter().partition(|stored| stored.record.has_ended);
    let batches = match owner {
        Owner::ThisPage => keep_stored(driver, ended, &unfinished),
        Owner::AnotherTab => Vec::new(),
    };
    (unfinished, batches)
}

/// Keeps the answers of the batches of which there is anything else, and drops those of others. The page shows those of
/// the last batch.
fn keep_answers(driver: &Rc<Driver>, answers: Vec<StoredRecord>, others: &[StoredRecord]) {
    let batches = others.iter().filter_map(|stored| stored.record.batch);
    let batches: BTreeSet<BatchId> = batches.collect();
    let mut last = None;
    for StoredRecord { key, record, .. } in answers {
        match record.batch.filter(|batch| batches.contains(batch)) {
            Some(batch) => {
                driver.store.inherit_stored(batch, key);
                last = last.max(Some((batch, record.fields.clone())));
                driver.set_fields(batch, record.fields);
            }
            None => driver.store.discard([key]),
        }
    }
    if let Some(answers) = last.and_then(|(_, fields)| serde_json::to_string(&fields).ok()) {
        driver.page.send(&ToPage::AnswersKept(answers));
    }
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
            driver.note_more(batch);
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

/// Looks at what other tabs have done since: what they have finished goes off the list, and what they have begun comes
/// onto it.
pub(crate) fn look_elsewhere(driver: &Rc<Driver>) {
    let Some(database) = driver.store.database() else {
        return;
    };
    let driver = Rc::downgrade(driver);
    spawn_local(async move {
        // What cannot be read now is read at the next look.
        if let Ok(sessions) = database.load(js_sys::Date::now()).await {
            with(&driver, |driver| on_looked_elsewhere(driver, &database, sessions));
        }
    });
}

fn on_looked_elsewhere(driver: &Rc<Driver>, database: &Rc<Database>, mut sessions: Sessions) {
    let own = driver.store.session();
    sessions.retain(|session, _| *session != own && !driver.store.holds(session));
    let stored = sessions.values_mut();
    stored.for_each(|stored| stored.retain(|stored| !stored.record.has_ended && !stored.is_expired));
    let known: BTreeMap<RecordKey, FileId> = driver.store.inherited().into_iter().collect();
    let kept: BTreeSet<&RecordKey> = sessions.values().flatten().map(|stored| &stored.key).collect();
    let is_elsewhere = |id| {
        let view = driver.query(|engine| engine.view(id));
        view.is_some_and(|view| view.status == FileStatus::Elsewhere)
    };
    // What this page is about to take over is not elsewhere any more, though it is not on the list as its own yet.
    let ended = known
        .iter()
        .filter(|(key, id)| !kept.contains(key) && !driver.store.holds(&key.session) && is_elsewhere(**id));
    for id in ended.map(|(_, id)| *id).collect::<Vec<_>>() {
        driver.handle(Event::TakenOver { id, record: None });
    }
    for (session, stored) in sessions {
        if is_ours(&Rc::downgrade(driver), &stored) {
            show_elsewhere(driver, database, session, stored);
        }
    }
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
    let ids: Vec<FileId> = driver.query(|engine| {
        let interrupted = engine.interrupted().map(|(id, _)| id);
        interrupted
            .filter(|id| engine.is_selected(*id, selection))
            .collect()
    });
    if ids.is_empty() {
        return;
    }
    let handles = ids.iter().map(|id| driver.store.handle(*id)).collect();
    driver
        .page
        .send_with_handles(&ToPage::FilesNeeded { selection, ids }, handles);
}
