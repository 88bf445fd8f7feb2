//! The browser's database: IndexedDB (W3C Indexed Database API 3.0).
//!
//! It has three object stores: `uploads` has each upload's record as JSON, `parts` each of its parts that S3
//! has stored, and `handles` the browser's handle of its file, if there is one. Whatever is written together
//! is one transaction, so that a crash leaves the state before it or the state after it.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Duration,
};

use engine::{CompletedPart, UploadRecord};
use idb::{
    DatabaseEvent, Error, Factory, KeyRange, ObjectStore, ObjectStoreParams, Query, Transaction,
    TransactionMode,
};
use js_sys::Array;
use serde::{Deserialize, Serialize};
use wasm_bindgen::{JsCast, JsValue};
use wire::Sha256Digest;

use crate::effects::{clock, handle::FileHandle};

const NAME: &str = "slipway";
const UPLOADS: &str = "uploads";
const PARTS: &str = "parts";
const HANDLES: &str = "handles";
const STORES: [&str; 3] = [UPLOADS, PARTS, HANDLES];

/// How long a record is useful, in milliseconds: 6 days. A bucket's lifecycle rule should drop unfinished
/// multipart uploads after a week.
const LIFETIME: f64 = 6.0 * 24.0 * 3_600_000.0;

/// The key of a record: the session that made it, and the number of the file in that session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RecordKey {
    pub(crate) session: String,
    pub(crate) number: u32,
}

impl RecordKey {
    /// Whether `other` is the key that follows.
    fn is_before(&self, other: &Self) -> bool {
        self.session == other.session && self.number + 1 == other.number
    }
}

/// What is stored of one upload.
pub(crate) struct StoredRecord {
    pub(crate) key: RecordKey,
    pub(crate) record: UploadRecord,
    pub(crate) handle: Option<FileHandle>,
    /// The user whose upload it is, as in [`crate::user::User::Known`]; `None` if there was no sign-in.
    pub(crate) user: Option<Sha256Digest>,
    /// Whether it is too old to be useful.
    pub(crate) is_expired: bool,
}

/// Everything that is stored, by session.
pub(crate) type Sessions = BTreeMap<String, Vec<StoredRecord>>;

/// One change to write.
pub(crate) enum Change {
    /// A record of which nothing was stored before.
    Add(RecordKey, UploadRecord),
    /// A record that replaces everything stored before except the handle.
    Put(RecordKey, UploadRecord),
    /// One more part.
    PutPart(RecordKey, CompletedPart),
    /// The handle of the file.
    PutHandle(RecordKey, FileHandle),
    /// Remove everything that is stored under this key.
    Remove(RecordKey),
}

impl Change {
    /// Whether other tabs show it: that an upload is there, or has ended.
    pub(crate) const fn concerns_other_tabs(&self) -> bool {
        match self {
            Self::Add(..) | Self::Remove(_) => true,
            Self::Put(_, record) => record.has_ended,
            Self::PutPart(..) | Self::PutHandle(..) => false,
        }
    }
}

/// The value of the store `uploads`.
#[derive(Serialize, Deserialize)]
struct Entry<Record> {
    /// When the record was written, in milliseconds since 1970 by the browser's clock.
    written: f64,
    /// Whose upload it is; `None` if there was no sign-in, or an earlier version wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<Sha256Digest>,
    record: Record,
}

/// How often something is tried, each time over another connection: browsers lose connections, above all on phones
/// that put a page to sleep.
const TRIES: u32 = 3;

/// How long to wait before each try after the second.
const PAUSE: Duration = Duration::from_millis(500);

/// How long a browser may take to open the database. Chromium never answers while it keeps a page for the way back
/// (WHATWG HTML, "bfcache") that was left just when it created the database.
const PATIENCE: Duration = Duration::from_secs(5);

/// The database of this page's origin. It opens a connection when it needs one, and another if that is lost.
#[derive(Default)]
pub(crate) struct Database {
    /// The user who is named in each record that is written.
    user: Cell<Option<Sha256Digest>>,
    connection: RefCell<Option<Rc<idb::Database>>>,
}

impl Database {
    /// The database, for records of this user.
    pub(crate) fn of(user: Option<Sha256Digest>) -> Self {
        Self {
            user: Cell::new(user),
            connection: RefCell::default(),
        }
    }

    /// Names this user in each record that is written from now on.
    pub(crate) fn set_user(&self, user: Option<Sha256Digest>) {
        self.user.set(user);
    }

    /// Opens the database, and creates it if there is none.
    async fn connect(&self) -> Result<Rc<idb::Database>, Error> {
        if let Some(connection) = self.connection.borrow().clone() {
            return Ok(connection);
        }
        let mut request = Factory::new()?.open(NAME, Some(1))?;
        request.on_upgrade_needed(|event| {
            if let Ok(database) = event.database() {
                for store in STORES {
                    // If a store cannot be created, the first transaction fails.
                    let _ = database.create_object_store(store, ObjectStoreParams::new());
                }
            }
        });
        let connection = Rc::new(request.await?);
        self.connection.replace(Some(Rc::clone(&connection)));
        Ok(connection)
    }

    /// Does something over the connection; whatever fails is tried again over a new one.
    async fn repeat<T>(&self, act: impl AsyncFn(&idb::Database) -> Result<T, Error>) -> Result<T, Error> {
        let mut tries = 1;
        loop {
            let Some(connected) = clock::within(PATIENCE, self.connect()).await else {
                // To ask a silent browser again at once is of no use.
                return Err(Error::IndexedDbOpenFailed(JsValue::UNDEFINED));
            };
            let result = match connected {
                Ok(connection) => act(&connection).await,
                Err(error) => Err(error),
            };
            if result.is_ok() || tries == TRIES {
                return result;
            }
            if let Some(lost) = self.connection.take() {
                lost.close();
            }
            clock::sleep(PAUSE * (tries - 1)).await;
            tries += 1;
        }
    }

    /// Loads everything that is stored, by session. Records are expired as of `now`, in milliseconds since 1970.
    ///
    /// # Errors
    /// If it cannot be read, or the browser has no IndexedDB for this page, as in some private windows.
    pub(crate) async fn load(&self, now: f64) -> Result<Sessions, Error> {
        self.repeat(async |connection| load(connection, now).await).await
    }

    /// Writes all of these changes, or none.
    ///
    /// # Errors
    /// If they cannot be written, for example because the disk is full.
    pub(crate) async fn write(&self, changes: &[Change]) -> Result<(), Error> {
        self.repeat(async |connection| write(connection, self.user.get(), changes).await)
            .await
    }
}

async fn load(connection: &idb::Database, now: f64) -> Result<Sessions, Error> {
    let transaction = connection.transaction(&STORES, TransactionMode::ReadOnly)?;
    let entries = all(&transaction, UPLOADS).await?;
    let mut parts = BTreeMap::<RecordKey, Vec<CompletedPart>>::new();
    for (key, value) in all(&transaction, PARTS).await? {
        let upload = Array::from(&key).get(0);
        if let (Some(key), Some(part)) = (read_key(&upload), read_json(&value)) {
            parts.entry(key).or_default().push(part);
        }
    }
    let mut handles: BTreeMap<RecordKey, FileHandle> = all(&transaction, HANDLES)
        .await?
        .into_iter()
        .filter_map(|(key, value)| Some((read_key(&key)?, value.unchecked_into())))
        .collect();
    let mut sessions = Sessions::new();
    for (key, value) in entries {
        // What another version of the page wrote and this one cannot read is useless.
        let (Some(key), Some(entry)) = (read_key(&key), read_json::<Entry<UploadRecord>>(&value)) else {
            continue;
        };
        let Entry {
            written,
            user,
            mut record,
        } = entry;
        if let Some(multipart) = &mut record.multipart {
            multipart.parts = parts.remove(&key).unwrap_or_default();
        }
        let handle = handles.remove(&key);
        let is_expired = now - written > LIFETIME;
        sessions
            .entry(key.session.clone())
            .or_default()
            .push(StoredRecord {
                key,
                record,
                handle,
                user,
                is_expired,
            });
    }
    sessions
        .values_mut()
        .for_each(|stored| stored.sort_by(|a, b| a.key.cmp(&b.key)));
    Ok(sessions)
}

async fn write(
    connection: &idb::Database,
    user: Option<Sha256Digest>,
    changes: &[Change],
) -> Result<(), Error> {
    let transaction = connection.transaction(&STORES, TransactionMode::ReadWrite)?;
    let stores = Stores {
        uploads: transaction.object_store(UPLOADS)?,
        parts: transaction.object_store(PARTS)?,
        handles: transaction.object_store(HANDLES)?,
        user,
    };
    let mut removed: Vec<&RecordKey> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Remove(key) => Some(key),
            _ => None,
        })
        .collect();
    removed.sort();
    for run in removed.chunk_by(|one, next| one.is_before(next)) {
        stores.remove(run)?;
    }
    for change in changes {
        stores.write(change)?;
    }
    match transaction.await? {
        result if result.is_committed() => Ok(()),
        _ => Err(Error::TransactionAbortError(JsValue::UNDEFINED)),
    }
}

struct Stores {
    uploads: ObjectStore,
    parts: ObjectStore,
    handles: ObjectStore,
    user: Option<Sha256Digest>,
}

impl Stores {
    fn write(&self, change: &Change) -> Result<(), Error> {
        match change {
            Change::Add(key, record) => self.put(key, record)?,
            Change::Put(key, record) => {
                self.parts.delete(parts_of(key, key)?)?;
                self.put(key, record)?;
            }
            Change::PutPart(key, part) => self.put_part(key, part)?,
            Change::PutHandle(key, handle) => {
                self.handles.put(handle.as_ref(), Some(&write_key(key)))?;
            }
            // All of these have been removed together.
            Change::Remove(_) => {}
        }
        Ok(())
    }

    fn put(&self, key: &RecordKey, record: &UploadRecord) -> Result<(), Error> {
        for part in record.multipart.iter().flat_map(|multipart| &multipart.parts) {
            self.put_part(key, part)?;
        }
        let written = js_sys::Date::now();
        let user = self.user;
        let entry = json(&Entry {
            written,
            user,
            record,
        });
        self.uploads.put(&entry, Some(&write_key(key))).map(drop)
    }

    /// Removes records of one session whose numbers have no gap. One range costs far less than one request
    /// per record.
    fn remove(&self, run: &[&RecordKey]) -> Result<(), Error> {
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            return Ok(());
        };
        let whole = || KeyRange::bound(&write_key(first), &write_key(last), None, None);
        self.uploads.delete(whole()?)?;
        self.handles.delete(whole()?)?;
        self.parts.delete(parts_of(first, last)?).map(drop)
    }

    fn put_part(&self, key: &RecordKey, part: &CompletedPart) -> Result<(), Error> {
        let key = Array::of2(&write_key(key), &part.number.into());
        self.parts.put(&json(part), Some(&key)).map(drop)
    }
}

/// Every key of a store with its value.
async fn all(transaction: &Transaction, name: &str) -> Result<Vec<(JsValue, JsValue)>, Error> {
    let store = transaction.object_store(name)?;
    let keys = store.get_all_keys(None::<Query>, None)?.await?;
    let values = store.get_all(None::<Query>, None)?.await?;
    Ok(keys.into_iter().zip(values).collect())
}

/// The keys of all parts of the uploads from `first` to `last`. In IndexedDB's order every array comes after
/// every number, so an empty array is the upper bound of part numbers.
fn parts_of(first: &RecordKey, last: &RecordKey) -> Result<KeyRange, Error> {
    let first = Array::of1(&write_key(first));
    let last = Array::of2(&write_key(last), &Array::new());
    KeyRange::bound(&first, &last, None, None)
}

fn write_key(key: &RecordKey) -> JsValue {
    Array::of2(&key.session.as_str().into(), &key.number.into()).into()
}

fn read_key(key: &JsValue) -> Option<RecordKey> {
    let key = Array::from(key);
    Some(RecordKey {
        session: key.get(0).as_string()?,
        number: key.get(1).as_f64()? as u32,
    })
}

fn json(value: &impl Serialize) -> JsValue {
    // Records are plain structures of strings and numbers, which always serialize.
    serde_json::to_string(value).unwrap_or_default().into()
}

fn read_json<T: for<'de> Deserialize<'de>>(value: &JsValue) -> Option<T> {
    serde_json::from_str(&value.as_string()?).ok()
}

#[cfg(test)]
mod tests {
    use engine::{MultipartRecord, PartRules};
    use wasm_bindgen_test::wasm_bindgen_test;
    use wire::{BatchId, Sha256Digest};

    use super::*;

    fn key(session: &str, number: u32) -> RecordKey {
        RecordKey {
            session: session.to_owned(),
            number,
        }
    }

    fn part(number: u32) -> CompletedPart {
        CompletedPart {
            number,
            etag: format!("\"{number}\""),
            sha256: Sha256Digest::new([number as u8; 32]),
        }
    }

    fn record(parts: &[u32]) -> UploadRecord {
        UploadRecord {
            name: "مرحبا 🎉".to_owned(),
            size: 1 << 40,
            media_type: String::new(),
            last_modified: 1_800_000_000_123,
            batch: Some(BatchId::new(1, [1; 10])),
            copy: 2,
            has_ended: false,
            stored: None,
            manifest: None,
            fields: Default::default(),
            object: None,
            multipart: Some(MultipartRecord {
                key: "uploads/key".to_owned(),
                upload_id: "id".to_owned(),
                part_size: 8 << 20,
                part_size_changes: Vec::new(),
                rules: PartRules::default(),
                created: Some(1),
                seen: None,
                parts: parts.iter().copied().map(part).collect(),
            }),
        }
    }

    async fn stored_in(session: &str) -> Vec<(u32, UploadRecord)> {
        // A new connection each time, as after a crash.
        let database = Database::default();
        let mut sessions = database.load(0.0).await.expect("what is stored");
        let stored = sessions.remove(session).unwrap_or_default();
        stored
            .into_iter()
            .map(|stored| (stored.key.number, stored.record))
            .collect()
    }

    #[wasm_bindgen_test]
    async fn the_next_page_finds_what_was_written_part_by_part() {
        let database = Database::default();
        let put = Change::Put(key("one", 10), record(&[1]));
        database.write(&[put]).await.expect("room");
        let more = vec![
            Change::PutPart(key("one", 10), part(3)),
            Change::Put(key("one", 2), record(&[])),
        ];
        database.write(&more).await.expect("room");
        assert_eq!(stored_in("one").await, [(2, record(&[])), (10, record(&[1, 3]))]);
    }

    #[wasm_bindgen_test]
    async fn a_record_names_the_user_who_was_signed_in() {
        let users = [
            None,
            Some(Sha256Digest::new([1; 32])),
            Some(Sha256Digest::new([2; 32])),
        ];
        for (user, number) in users.into_iter().zip(0..) {
            let add = Change::Add(key("eight", number), record(&[]));
            let written = Database::of(user).write(&[add]).await;
            written.expect("room");
        }
        let sessions = Database::default().load(0.0).await.expect("what is stored");
        let stored: Vec<_> = sessions["eight"].iter().map(|stored| stored.user).collect();
        assert_eq!(stored, users);
    }

    #[wasm_bindgen_test]
    async fn a_record_expires_after_six_days() {
        let database = Database::default();
        let put = Change::Put(key("three", 1), record(&[]));
        database.write(&[put]).await.expect("room");
        for (days, expected) in [(5.9, false), (6.1, true)] {
            let then = js_sys::Date::now() + days * 24.0 * 3_600_000.0;
            let sessions = database.load(then).await.expect("what is stored");
            assert_eq!(sessions["three"][0].is_expired, expected, "after {days} days");
        }
    }

    #[wasm_bindgen_test]
    async fn a_record_replaces_its_parts_and_a_removed_one_leaves_none() {
        let database = Database::default();
        let before = vec![
            Change::Put(key("two", 1), record(&[1, 2])),
            Change::Put(key("two", 11), record(&[5])),
        ];
        database.write(&before).await.expect("room");
        let put = Change::Put(key("two", 1), record(&[2]));
        database.write(&[put]).await.expect("room");
        assert_eq!(stored_in("two").await, [(1, record(&[2])), (11, record(&[5]))]);
        let remove = Change::Remove(key("two", 1));
        database.write(&[remove]).await.expect("room");
        let put = Change::Put(key("two", 1), record(&[]));
        database.write(&[put]).await.expect("room");
        assert_eq!(stored_in("two").await, [(1, record(&[])), (11, record(&[5]))]);
    }

    #[wasm_bindgen_test]
    async fn removing_many_records_leaves_nothing_of_them_and_all_others() {
        let database = Database::default();
        let numbers = [0, 1, 2, 3, 9, 10, 11];
        let add = numbers.map(|number| Change::Add(key("four", number), record(&[1])));
        database.write(&add).await.expect("room");
        let other = Change::Add(key("five", 2), record(&[1]));
        database.write(&[other]).await.expect("room");
        let remove = [11, 2, 0, 1, 9].map(|number| Change::Remove(key("four", number)));
        database.write(&remove).await.expect("room");
        assert_eq!(stored_in("four").await, [(3, record(&[1])), (10, record(&[1]))]);
        assert_eq!(stored_in("five").await, [(2, record(&[1]))]);
        let again = [0, 2].map(|number| Change::Add(key("four", number), record(&[])));
        database.write(&again).await.expect("room");
        let first: Vec<_> = stored_in("four").await.into_iter().take(2).collect();
        assert_eq!(first, [(0, record(&[])), (2, record(&[]))], "no part came back");
    }

    #[wasm_bindgen_test]
    async fn a_connection_that_was_lost_is_opened_again() {
        let database = Database::default();
        let add = Change::Add(key("six", 1), record(&[1]));
        database.write(&[add]).await.expect("room");
        let connection = database.connect().await.expect("a connection");
        connection.close();
        let put = Change::PutPart(key("six", 1), part(2));
        database.write(&[put]).await.expect("another connection");
        let connection = database.connect().await.expect("a connection");
        connection.close();
        let sessions = database.load(0.0).await.expect("another connection");
        assert_eq!(sessions["six"][0].record, record(&[1, 2]));
    }

    /// Lets this many transactions fail as WebKit's do after it lost its storage process.
    fn fail_transactions(count: u32) {
        let script = "
            const { prototype } = IDBDatabase;
            const own = prototype.transaction;
            let left = count;
            prototype.transaction = function (...options) {
                if (left-- > 0) throw new DOMException('Connection to Indexed Database server lost.', 'UnknownError');
                prototype.transaction = own;
                return own.apply(this, options);
            };";
        let replace = js_sys::Function::new_with_args("count", script);
        let replaced = replace.call1(&JsValue::UNDEFINED, &count.into());
        replaced.expect("a page can do that");
    }

    #[wasm_bindgen_test]
    async fn a_write_that_fails_is_repeated_and_possible_later() {
        let database = Database::default();
        for (failures, expected) in [(1, true), (2, true), (3, false), (0, true)] {
            fail_transactions(failures);
            let add = Change::Add(key("seven", failures), record(&[]));
            let written = database.write(&[add]).await;
            assert_eq!(written.is_ok(), expected, "after {failures} failures");
        }
        let numbers: Vec<u32> = stored_in("seven")
            .await
            .into_iter()
            .map(|(number, _)| number)
            .collect();
        assert_eq!(numbers, [0, 1, 2]);
    }
}
