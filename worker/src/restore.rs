//! What an earlier page left unfinished comes back, and what this one leaves is written down.
//!
//! Each page holds a lock that is named like its session, for as long as it lives. The records of a
//! session whose lock is free were left by a page that is gone, and whoever takes that lock goes on
//! with them; those of a session whose lock is held are shown as running elsewhere until it is free.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::{Rc, Weak},
    time::Duration,
};

use browser::Timer;
use engine::{Attachment, Event, FileId, FileStatus, Owner, Selection};
use messages::ToPage;
use wasm_bindgen_futures::spawn_local;

use crate::{
    driver::{Driver, Inner, Told, with},
    effects::{
        files,
        handle::{self, FileHandle},
        locks::{self, IfTaken},
        storage::{Kept, RecordKey, Storage},
    },
};

/// The least time between two transactions. With many small files a second, one transaction for each few of them
/// would cost more than all else that is kept.
const REST: Duration = Duration::from_millis(50);

/// A name that no other page has.
pub(crate) fn new_session() -> String {
    let random = || js_sys::Math::random().to_bits();
    format!("{:x}-{:x}-{:x}", js_sys::Date::now() as u64, random(), random())
}

/// Opens the storage and brings back what is in it.
pub(crate) async fn begin(driver: Weak<Driver>, session: String) {
    let kept = open(&driver, &session).await;
    let Some((storage, sessions)) = kept else {
        with(&driver, keep_nothing);
        return;
    };
    let mut free = Vec::new();
    for (session, kept) in sessions {
        match locks::take(&lock_of(&session), IfTaken::GiveUp).await {
            Ok(true) => free.push(session),
            Ok(false) => {
                with(&driver, |driver| restore(driver, kept, Owner::AnotherTab));
                spawn_local(take_over(driver.clone(), Rc::clone(&storage), session));
            }
            Err(_) => {}
        }
    }
    // A page may have written until the moment in which its lock became free.
    let Ok(mut sessions) = storage.load(js_sys::Date::now()).await else {
        return;
    };
    for session in free {
        let kept = sessions.remove(&session).unwrap_or_default();
        with(&driver, |driver| restore(driver, kept, Owner::ThisPage));
    }
}

/// Opens the storage. Nothing is written before this page's own lock is held, so that no other page
/// takes its records for a dead one's.
async fn open(driver: &Weak<Driver>, session: &str) -> Option<(Rc<Storage>, BTreeMap<String, Vec<Kept>>)> {
    let storage = Rc::new(Storage::open().await.ok()?);
    locks::take(&lock_of(session), IfTaken::Wait).await.ok()?;
    let kept = storage.load(js_sys::Date::now()).await.ok()?;
    with(driver, |driver| {
        driver.inner.borrow_mut().keeper.opened(Rc::clone(&storage));
        write(driver);
    });
    Some((storage, kept))
}

fn lock_of(session: &str) -> String {
    format!("slipway-{session}")
}

/// Puts records on the list. Those whose time is over are removed instead.
fn restore(driver: &Rc<Driver>, kept: Vec<Kept>, owner: Owner) {
    let (expired, kept): (Vec<Kept>, Vec<Kept>) = kept
        .into_iter()
        .partition(|kept| kept.is_expired && owner == Owner::ThisPage);
    driver.list_next(kept.len());
    let mut records = Vec::new();
    let mut handles = Vec::new();
    {
        let mut inner = driver.inner.borrow_mut();
        let first = inner.engine.next_file_id().0;
        for (id, kept) in (first..).map(FileId).zip(kept) {
            handles.extend(kept.handle.clone().map(|handle| (id, handle)));
            inner.keeper.inherit(id, kept.key, kept.handle);
            records.push(kept.record);
        }
        inner
            .keeper
            .discard(expired.into_iter().map(|expired| expired.key));
    }
    driver.tell(Event::Restored { records, owner });
    if owner == Owner::ThisPage {
        go_on_where_allowed(driver, handles);
    }
}

/// Waits until the page of a session is gone, and then goes on with what it left.
async fn take_over(driver: Weak<Driver>, storage: Rc<Storage>, session: String) {
    let is_had = locks::take(&lock_of(&session), IfTaken::Wait).await;
    if !is_had.unwrap_or_default() {
        return;
    }
    let Ok(mut sessions) = storage.load(js_sys::Date::now()).await else {
        return;
    };
    let kept = sessions.remove(&session).unwrap_or_default();
    with(&driver, |driver| taken_over(driver, &session, kept));
}

/// Takes off the list what another tab has finished since this one was last looked at.
pub(crate) fn look_elsewhere(driver: &Rc<Driver>) {
    let listed = {
        let inner = driver.inner.borrow();
        let is_elsewhere = |id| {
            let view = inner.engine.view(id);
            view.is_some_and(|view| view.status == FileStatus::Elsewhere)
        };
        inner
            .keeper
            .inherited()
            .filter(|(_, id)| is_elsewhere(*id))
            .collect::<Vec<_>>()
    };
    let storage = driver.inner.borrow().keeper.storage();
    let Some(storage) = storage.filter(|_| !listed.is_empty()) else {
        return;
    };
    let driver = Rc::downgrade(driver);
    spawn_local(async move {
        let Ok(sessions) = storage.load(js_sys::Date::now()).await else {
            return;
        };
        let kept: BTreeSet<RecordKey> = sessions.into_values().flatten().map(|kept| kept.key).collect();
        with(&driver, |driver| {
            for (_, id) in listed.into_iter().filter(|(key, _)| !kept.contains(key)) {
                driver.tell(Event::TakenOver { id, record: None });
            }
        });
    });
}

fn taken_over(driver: &Rc<Driver>, session: &str, kept: Vec<Kept>) {
    let mut listed: BTreeMap<RecordKey, FileId> = driver
        .inner
        .borrow()
        .keeper
        .inherited()
        .filter(|(key, _)| key.session == session)
        .collect();
    let (mut handles, mut unlisted) = (Vec::new(), Vec::new());
    for kept in kept {
        let Some(id) = listed.remove(&kept.key) else {
            unlisted.push(kept);
            continue;
        };
        handles.extend(kept.handle.clone().map(|handle| (id, handle)));
        driver
            .inner
            .borrow_mut()
            .keeper
            .inherit(id, kept.key, kept.handle);
        let record = Some(kept.record);
        driver.tell(Event::TakenOver { id, record });
    }
    for id in listed.into_values() {
        driver.tell(Event::TakenOver { id, record: None });
    }
    restore(driver, unlisted, Owner::ThisPage);
    go_on_where_allowed(driver, handles);
}

/// Goes on with every file that may be read without asking anybody.
fn go_on_where_allowed(driver: &Rc<Driver>, handles: Vec<(FileId, FileHandle)>) {
    let driver = Rc::downgrade(driver);
    spawn_local(async move {
        for (id, handle) in handles {
            if handle::may_read(&handle).await {
                attach_by_handle(&driver, id, &handle).await;
            }
        }
    });
}

/// Goes on with interrupted files because a person wants it. Only the page can ask that person for
/// permission to read them, or for the files.
pub(crate) fn resume(driver: &Rc<Driver>, selection: Selection) {
    let files: Vec<(FileId, Option<FileHandle>)> = {
        let inner = driver.inner.borrow();
        let meant = |id: FileId| selection == Selection::All || selection == Selection::File(id);
        let interrupted = inner.engine.interrupted().map(|(id, _)| id);
        interrupted
            .filter(|id| meant(*id))
            .map(|id| (id, inner.keeper.handle(id)))
            .collect()
    };
    if files.is_empty() {
        return;
    }
    let (ids, handles) = files.into_iter().unzip();
    let wanted = ToPage::Wanted { selection, ids };
    driver.say(Told::Wanted(wanted, handles));
}

async fn attach_by_handle(driver: &Weak<Driver>, id: FileId, handle: &FileHandle) -> bool {
    let Some(file) = handle::file(handle).await else {
        return false;
    };
    let description = files::describe(&file, file.name());
    with(driver, |driver| {
        driver.attach(id, file, description, Attachment::Handle);
    });
    true
}

/// Writes what has to outlive the page, if anything of it changed.
pub(crate) fn write(driver: &Rc<Driver>) {
    let writing = {
        let mut inner = driver.inner.borrow_mut();
        let Inner { engine, keeper, .. } = &mut *inner;
        keeper.begin_write(engine)
    };
    let Some((storage, changes)) = writing else {
        return;
    };
    let driver = Rc::downgrade(driver);
    spawn_local(async move {
        let written = storage.write(changes).await;
        with(&driver, |driver| match written {
            Ok(()) => rest(driver),
            Err(_) => keep_nothing(driver),
        });
    });
}

/// Leaves the storage alone for a moment, and writes what has changed by then.
fn rest(driver: &Rc<Driver>) {
    let resting = Rc::downgrade(driver);
    let timer = Timer::after(REST, move || {
        with(&resting, |driver| {
            driver.inner.borrow_mut().keeper.rested();
            write(driver);
        });
    });
    driver.inner.borrow_mut().keeper.rest(timer);
}

/// The browser keeps nothing for this page: everything works but what needs that.
fn keep_nothing(driver: &Rc<Driver>) {
    driver.inner.borrow_mut().keeper.give_up();
    driver.say(Told::Message(ToPage::KeepsNothing));
}
