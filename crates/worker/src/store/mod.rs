//! What outlives the page: the store writes the engine's records to the browser's database.
//!
//! Whatever changes while one transaction is being written is collected and written with the next, so that
//! neither 10,000 files nor a fast network cause more writes than the disk can take.

pub(crate) mod database;
mod outage;
mod records;
pub(crate) mod tabs;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::{Rc, Weak},
    time::Duration,
};

use browser::Timer;
use engine::{Engine, Event, FileId, SaveId};
use wasm_bindgen_futures::spawn_local;
use wire::{BatchId, Fields};

use crate::{
    effects::{handle::FileHandle, locks::Lock},
    page::Page,
    to_driver::{DriverHandle, ToDriver},
    user::User,
};
use database::{Change, Database, RecordKey};
use outage::Outage;
use records::Records;
use tabs::Tabs;

/// The least time between two transactions. With many small files per second, one transaction for each few of
/// them would cost more than everything else that is stored.
const REST: Duration = Duration::from_millis(50);

/// Keeps the records of the files on the list.
pub(crate) struct Store {
    driver: DriverHandle,
    pub(crate) outage: Outage,
    user: Cell<User>,
    records: RefCell<Records>,
    access: RefCell<Access>,
    /// The locks of the sessions whose records this page continues with.
    held: RefCell<BTreeMap<String, Lock>>,
    /// The sessions of other tabs whose end this page waits for.
    awaited: RefCell<BTreeSet<String>>,
    tabs: RefCell<Option<Tabs>>,
}

/// Whether anything can be written.
enum Access {
    /// Nothing is kept, by the page's settings.
    Off,
    /// The database cannot be used yet; what is to be written waits.
    Opening,
    Open(Rc<Database>),
    /// A transaction is being written, or waits for an outage to end.
    Writing(Rc<Database>),
    /// One was written, and the next waits for this timer.
    Resting(
        Rc<Database>,
        #[expect(dead_code, reason = "dropping it would stop it")] Timer,
    ),
}

impl Store {
    pub(crate) fn new(driver: DriverHandle, user: User, resume: bool, page: Page) -> Rc<Self> {
        let access = if resume { Access::Opening } else { Access::Off };
        Rc::new(Self {
            driver,
            outage: Outage::new(page),
            user: Cell::new(user),
            records: RefCell::new(Records::new(new_session())),
            access: RefCell::new(access),
            held: RefCell::default(),
            awaited: RefCell::default(),
            tabs: RefCell::default(),
        })
    }

    /// Whether nothing is kept, by the page's settings.
    pub(crate) fn is_off(&self) -> bool {
        matches!(*self.access.borrow(), Access::Off)
    }

    /// The name of this page's session, which no other page has.
    pub(crate) fn session(&self) -> String {
        self.records.borrow().session().to_owned()
    }

    /// The user whose records are shown and written.
    pub(crate) const fn user(&self) -> User {
        self.user.get()
    }

    /// Writes no more records, and returns whose they were.
    pub(crate) const fn stop_keeping(&self) -> User {
        self.user.replace(User::Unknown)
    }

    /// The uploads of nobody are this user's from now on.
    pub(crate) fn hand_to(&self, user: User) {
        self.user.set(user);
        if let Some(database) = self.database() {
            database.set_user(user.id());
        }
        self.records.borrow_mut().mark_all_changed();
    }

    /// Continues with the records of this session, whose lock this is.
    pub(crate) fn hold(&self, session: String, lock: Lock) {
        self.held.borrow_mut().insert(session, lock);
    }

    /// Leaves the records of this session to other pages.
    pub(crate) fn release(&self, session: &str) {
        self.held.borrow_mut().remove(session);
    }

    /// Whether this page continues with the records of this session.
    pub(crate) fn holds(&self, session: &str) -> bool {
        self.held.borrow().contains_key(session)
    }

    /// Notes that the end of this session's page is waited for. Returns whether that is new.
    pub(crate) fn await_end(&self, session: &str) -> bool {
        self.awaited.borrow_mut().insert(session.to_owned())
    }

    /// Tells other tabs from now on when what is kept has changed.
    pub(crate) fn set_tabs(&self, tabs: Option<Tabs>) {
        self.tabs.replace(tabs);
    }

    /// Tells other tabs that these changes were written, if they show any of them.
    fn announce(&self, changes: &[Change]) {
        if let Some(tabs) = &*self.tabs.borrow()
            && changes.iter().any(Change::concerns_other_tabs)
        {
            tabs.announce();
        }
    }

    pub(crate) fn on_opened(&self, database: Rc<Database>) {
        // Somebody may have signed in since it was opened.
        database.set_user(self.user().id());
        self.access.replace(Access::Open(database));
        self.driver.report(ToDriver::WriteDue);
    }

    /// The database; `None` if there is none, or not yet.
    pub(crate) fn database(&self) -> Option<Rc<Database>> {
        match &*self.access.borrow() {
            Access::Open(database) | Access::Writing(database) | Access::Resting(database, _) => {
                Some(Rc::clone(database))
            }
            Access::Off | Access::Opening => None,
        }
    }

    /// Takes over a record that an earlier page or another tab made.
    pub(crate) fn inherit(&self, id: FileId, key: RecordKey, handle: Option<FileHandle>) {
        self.records.borrow_mut().inherit(id, key, handle);
    }

    /// Every file that has a record of an earlier page or another tab.
    pub(crate) fn inherited(&self) -> Vec<(RecordKey, FileId)> {
        self.records.borrow().inherited()
    }

    /// The handle of a file, if the browser has one for it.
    pub(crate) fn handle(&self, id: FileId) -> Option<FileHandle> {
        self.records.borrow().handle(id)
    }

    pub(crate) fn set_handle(&self, id: FileId, handle: FileHandle) {
        self.records.borrow_mut().set_handle(id, handle);
    }

    /// The engine's record of this file has changed, or there is none any more.
    pub(crate) fn mark_changed(&self, id: FileId) {
        self.records.borrow_mut().mark_changed(id);
    }

    /// The engine's record of this file has one more part.
    pub(crate) fn mark_part(&self, id: FileId, number: u32) {
        self.records.borrow_mut().mark_part(id, number);
    }

    /// Removes records that no file on the list has.
    pub(crate) fn discard(&self, keys: impl IntoIterator<Item = RecordKey>) {
        self.records.borrow_mut().discard(keys);
    }

    /// Takes over the record of a file of this batch that an earlier page stored.
    pub(crate) fn inherit_stored(&self, batch: BatchId, key: RecordKey) {
        self.records.borrow_mut().inherit_stored(batch, key);
    }

    /// Keeps what the uploader of this batch answered, for as long as records of its files are kept.
    pub(crate) fn set_fields(&self, batch: BatchId, fields: Fields) {
        self.records.borrow_mut().set_fields(batch, fields);
    }

    /// Removes the records of the stored files of this batch.
    pub(crate) fn forget_batch(&self, batch: BatchId) {
        self.records.borrow_mut().forget_batch(batch);
    }

    /// Reports this save once all that has changed so far is on the disk; where nothing can be written, at once.
    pub(crate) fn report_saved(&self, save: SaveId) {
        self.records.borrow_mut().report_saved(save);
    }

    /// Writes what has changed, unless a transaction is being written, or has just been and nothing waits for the next.
    /// The engine's state at this moment is what counts, however many changes led to it.
    pub(crate) fn write(self: &Rc<Self>, engine: &Engine) {
        if self.outage.is_on() || self.is_off() {
            let saves = self.records.borrow_mut().take_saves();
            self.report(saves);
        }
        let mut access = self.access.borrow_mut();
        let mut records = self.records.borrow_mut();
        let database = match &*access {
            Access::Open(database) => Rc::clone(database),
            Access::Resting(database, _) if records.has_saves() => Rc::clone(database),
            _ => return,
        };
        let (mut changes, saves) = (records.take_changes(engine), records.take_saves());
        if self.user() == User::Unknown {
            changes.retain(|change| matches!(change, Change::Remove(_)));
        }
        if changes.is_empty() {
            self.report(saves);
            return;
        }
        *access = Access::Writing(Rc::clone(&database));
        spawn_local(write_persistently(Rc::downgrade(self), database, changes, saves));
    }

    /// Reports that saves are done. The engine takes that in a later task.
    fn report(&self, saves: Vec<SaveId>) {
        let driver = self.driver.clone();
        if !saves.is_empty() {
            spawn_local(async move {
                for save in saves {
                    driver.event(Event::Saved(save));
                }
            });
        }
    }

    /// Leaves the database alone for a moment.
    fn rest(self: &Rc<Self>, database: Rc<Database>) {
        let store = Rc::downgrade(self);
        let resting = Rc::clone(&database);
        let timer = Timer::after(REST, move || {
            if let Some(store) = store.upgrade() {
                store.on_opened(resting);
            }
        });
        self.access.replace(Access::Resting(database, timer));
    }
}

/// Writes these changes and reports these saves. While the storage does not work, the changes wait, and nothing else
/// does.
async fn write_persistently(
    store: Weak<Store>,
    database: Rc<Database>,
    changes: Vec<Change>,
    mut saves: Vec<SaveId>,
) {
    loop {
        let written = database.write(&changes).await;
        let Some(store) = store.upgrade() else { return };
        if written.is_ok() {
            store.outage.end();
            store.announce(&changes);
            store.rest(database);
            store.report(saves);
            return;
        }
        store.report(std::mem::take(&mut saves));
        let wait = store.outage.wait();
        drop(store);
        wait.await;
    }
}

fn new_session() -> String {
    let random = || js_sys::Math::random().to_bits();
    format!("{:x}-{:x}-{:x}", js_sys::Date::now() as u64, random(), random())
}

#[cfg(test)]
mod tests {
    use browser::Port;
    use engine::Settings;
    use futures_channel::mpsc;
    use messages::ToWorker;
    use wasm_bindgen_test::wasm_bindgen_test;
    use web_sys::MessageChannel;

    use super::*;

    #[wasm_bindgen_test]
    async fn a_store_that_is_off_reports_saves_and_writes_nothing() {
        let channel = MessageChannel::new().expect("a channel");
        let page = Page::new(Port::new(channel.port1(), |_: Option<ToWorker>, _| {}));
        let (sender, mut reports) = mpsc::unbounded();
        let driver = DriverHandle::new(move |report| {
            let _ = sender.unbounded_send(report);
        });
        let store = Store::new(driver, User::Nobody, false, page);
        store.mark_changed(FileId(0));
        store.report_saved(SaveId(7));
        store.write(&Engine::new(Settings::default(), 1));
        let report = reports.recv().await.expect("a report");
        assert!(matches!(report, ToDriver::Event(Event::Saved(SaveId(7)))));
        assert!(store.database().is_none());
    }
}
