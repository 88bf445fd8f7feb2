//! What is left in the browser of a user who signs out: nothing.

use std::{
    rc::{Rc, Weak},
    time::Duration,
};

use engine::{Engine, Event, FileId, Selection};
use web_sys::BroadcastChannel;

use crate::{
    driver::{Driver, with},
    effects::clock,
    store::database::{Change, StoredRecord},
    user::User,
};

/// How long signing out waits for S3 to drop what it has of unfinished uploads. What is left then, the bucket's
/// lifecycle rule removes.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often that is looked at.
const INTERVAL: Duration = Duration::from_millis(50);

/// Ends the user's uploads and removes their records, and then says so on [`browser::SIGNED_OUT_CHANNEL`]. From then on
/// no records are kept until somebody signs in. Uploads of other tabs go on, and so do their records.
pub(crate) async fn forget_user(driver: Weak<Driver>) {
    let Some(user) = driver.upgrade().map(|driver| driver.store.stop_keeping()) else {
        return;
    };
    with(&driver, |driver| end_uploads(driver));
    remove_records(&driver, user).await;
    wait_for_aborts(&driver).await;
    if let Ok(channel) = BroadcastChannel::new(browser::SIGNED_OUT_CHANNEL) {
        let _ = channel.post_message(&true.into());
        channel.close();
    }
}

/// Takes every file off the list, and has S3 drop what it has of those that are not stored. A file that S3 is putting
/// together stays: nobody can take that back.
fn end_uploads(driver: &Driver) {
    driver.handle(Event::Cancel(Selection::All));
    driver.handle(Event::Remove(Selection::All));
    let is_listed = |engine: &Engine, id: &FileId| engine.view(*id).is_some();
    let listed: Vec<FileId> = driver.query(|engine| {
        let ids = (0..engine.next_file_id().0).map(FileId);
        ids.filter(|id| is_listed(engine, id)).collect()
    });
    for id in listed {
        driver.handle(Event::TakenOver { id, record: None });
        driver.handle(Event::Remove(Selection::File(id)));
    }
}

/// Removes the user's records, except those of other tabs.
async fn remove_records(driver: &Weak<Driver>, user: User) {
    let Some(store) = driver.upgrade().map(|driver| Rc::clone(&driver.store)) else {
        return;
    };
    let Some(database) = store.database() else { return };
    let Ok(sessions) = database.load(js_sys::Date::now()).await else {
        return;
    };
    let is_theirs = |stored: &StoredRecord| user.owns(stored.user) && store.holds(&stored.key.session);
    let records = sessions.into_values().flatten().filter(is_theirs);
    let removed: Vec<Change> = records.map(|stored| Change::Remove(stored.key)).collect();
    // What cannot be removed now is shown to nobody else, and expires.
    let _ = database.write(&removed).await;
}

async fn wait_for_aborts(driver: &Weak<Driver>) {
    let mut waited = Duration::ZERO;
    while waited < PATIENCE && is_aborting(driver) {
        clock::sleep(INTERVAL).await;
        waited += INTERVAL;
    }
}

fn is_aborting(driver: &Weak<Driver>) -> bool {
    let driver = driver.upgrade();
    driver.is_some_and(|driver| driver.query(Engine::is_aborting))
}
