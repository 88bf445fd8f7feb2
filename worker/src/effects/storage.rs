//! What outlives the page, in IndexedDB (W3C Indexed Database API 3.0).
//!
//! Three stores: `uploads` has each upload's record as JSON, `parts` each of its parts that S3 stored,
//! and `handles` the browser's handle of its file, where there is one. All that is written together
//! is one transaction, so that a crash leaves what was there before or what was to be there after.

use std::collections::BTreeMap;

use engine::{CompletedPart, UploadRecord};
use idb::{
    Database, DatabaseEvent, Error, Factory, KeyRange, ObjectStore, ObjectStoreParams, Query, Transaction,
    TransactionMode,
};
use js_sys::Array;
use serde::{Deserialize, Serialize};
use wasm_bindgen::{JsCast, JsValue};

use super::handle::FileHandle;

const DATABASE: &str = "slipway";
const UPLOADS: &str = "uploads";
const PARTS: &str = "parts";
const HANDLES: &str = "handles";
const STORES: [&str; 3] = [UPLOADS, PARTS, HANDLES];

/// How long a record is of use, in milliseconds: 6 days. A bucket's lifecycle rule is to drop
/// unfinished multipart uploads after a week.
const LIFETIME: f64 = 6.0 * 24.0 * 3_600_000.0;

/// Names a record: the session that made it, and which of its files it is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RecordKey {
    pub(crate) session: String,
    pub(crate) number: u32,
}

impl RecordKey {
    /// Whether it is the one right before another.
    fn is_before(&self, other: &Self) -> bool {
        self.session == other.session && self.number + 1 == other.number
    }
}

/// What was kept of one upload.
pub(crate) struct Kept {
    pub(crate) key: RecordKey,
    pub(crate) record: UploadRecord,
    pub(crate) handle: Option<FileHandle>,
    /// Whether its time is over.
    pub(crate) is_expired: bool,
}

/// One thing to write.
pub(crate) enum Change {
    /// A record of which nothing was kept before.
    Add(RecordKey, UploadRecord),
    /// This record, in place of all that was kept before but the handle.
    Put(RecordKey, UploadRecord),
    /// One more part.
    PutPart(RecordKey, CompletedPart),
    /// The file's handle.
    PutHandle(RecordKey, FileHandle),
    /// Nothing.
    Remove(RecordKey),
}

/// The value of the store `uploads`.
#[derive(Serialize, Deserialize)]
struct Entry<Record> {
    /// When the record was written, in milliseconds of the browser's clock.
    written: f64,
    record: Record,
}

/// The database.
pub(crate) struct Storage {
    database: Database,
}

impl Storage {
    /// Opens the database, and makes it where there is none.
    ///
    /// # Errors
    /// Where the browser has no IndexedDB for this page, as in some private windows.
    pub(crate) async fn open() -> Result<Self, Error> {
        let mut request = Factory::new()?.open(DATABASE, Some(1))?;
        request.on_upgrade_needed(|event| {
            if let Ok(database) = event.database() {
                for store in STORES {
                    // A store that cannot be made is missed by the first transaction.
                    let _ = database.create_object_store(store, ObjectStoreParams::new());
                }
            }
        });
        let database = request.await?;
        Ok(Self { database })
    }

    /// Everything that is kept, by session, and whether its time is over now, in milliseconds of the
    /// browser's clock.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(crate) async fn load(&self, now: f64) -> Result<BTreeMap<String, Vec<Kept>>, Error> {
        let transaction = self.database.transaction(&STORES, TransactionMode::ReadOnly)?;
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
        let mut sessions = BTreeMap::<String, Vec<Kept>>::new();
        for (key, value) in entries {
            // What an older version of the page wrote and this one cannot read is of no use.
            let (Some(key), Some(Entry { written, mut record })) =
                (read_key(&key), read_json::<Entry<UploadRecord>>(&value))
            else {
                continue;
            };
            if let Some(multipart) = &mut record.multipart {
                multipart.parts = parts.remove(&key).unwrap_or_default();
            }
            let handle = handles.remove(&key);
            let is_expired = now - written > LIFETIME;
            sessions.entry(key.session.clone()).or_default().push(Kept {
                key,
                record,
                handle,
                is_expired,
            });
        }
        sessions
            .values_mut()
            .for_each(|kept| kept.sort_by(|a, b| a.key.cmp(&b.key)));
        Ok(sessions)
    }

    /// Writes all of these, or none.
    ///
    /// # Errors
    /// Where they cannot be written, as when the disk is full.
    pub(crate) async fn write(&self, changes: Vec<Change>) -> Result<(), Error> {
        let transaction = self.database.transaction(&STORES, TransactionMode::ReadWrite)?;
        let stores = Stores {
            uploads: transaction.object_store(UPLOADS)?,
            parts: transaction.object_store(PARTS)?,
            handles: transaction.object_store(HANDLES)?,
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
        for change in &changes {
            stores.write(change)?;
        }
        match transaction.await? {
            result if result.is_committed() => Ok(()),
            _ => Err(Error::TransactionAbortError(JsValue::UNDEFINED)),
        }
    }
}

struct Stores {
    uploads: ObjectStore,
    parts: ObjectStore,
    handles: ObjectStore,
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
            // All of these went at once.
            Change::Remove(_) => {}
        }
        Ok(())
    }

    fn put(&self, key: &RecordKey, record: &UploadRecord) -> Result<(), Error> {
        for part in record.multipart.iter().flat_map(|multipart| &multipart.parts) {
            self.put_part(key, part)?;
        }
        let written = js_sys::Date::now();
        let entry = json(&Entry { written, record });
        self.uploads.put(&entry, Some(&write_key(key))).map(drop)
    }

    /// Removes records of one session whose numbers have no gap. One range costs far less than a request for
    /// each of them.
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

/// The keys of every part of the uploads between two: no number is larger than an array.
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
    // The records are plain structures of strings and numbers, which always serialize.
    serde_json::to_string(value).unwrap_or_default().into()
}

fn read_json<T: for<'de> Deserialize<'de>>(value: &JsValue) -> Option<T> {
    serde_json::from_str(&value.as_string()?).ok()
}

#[cfg(test)]
mod tests {
    use engine::MultipartRecord;
    use wasm_bindgen_test::wasm_bindgen_test;
    use wire::Sha256Digest;

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
            multipart: Some(MultipartRecord {
                key: "uploads/key".to_owned(),
                upload_id: "id".to_owned(),
                part_size: 8 << 20,
                part_size_changes: Vec::new(),
                created: Some(1),
                seen: None,
                parts: parts.iter().copied().map(part).collect(),
            }),
        }
    }

    async fn kept(session: &str) -> Vec<(u32, UploadRecord)> {
        // Each time through a new connection, as after a crash.
        let storage = Storage::open().await.expect("a database");
        let mut sessions = storage.load(0.0).await.expect("what is kept");
        let kept = sessions.remove(session).unwrap_or_default();
        kept.into_iter()
            .map(|kept| (kept.key.number, kept.record))
            .collect()
    }

    #[wasm_bindgen_test]
    async fn what_is_written_is_there_for_the_next_page_part_by_part() {
        let storage = Storage::open().await.expect("a database");
        let put = Change::Put(key("one", 10), record(&[1]));
        storage.write(vec![put]).await.expect("room");
        let more = vec![
            Change::PutPart(key("one", 10), part(3)),
            Change::Put(key("one", 2), record(&[])),
        ];
        storage.write(more).await.expect("room");
        assert_eq!(kept("one").await, [(2, record(&[])), (10, record(&[1, 3]))]);
    }

    #[wasm_bindgen_test]
    async fn a_record_is_of_use_for_six_days() {
        let storage = Storage::open().await.expect("a database");
        let put = Change::Put(key("three", 1), record(&[]));
        storage.write(vec![put]).await.expect("room");
        for (days, expected) in [(5.9, false), (6.1, true)] {
            let then = js_sys::Date::now() + days * 24.0 * 3_600_000.0;
            let sessions = storage.load(then).await.expect("what is kept");
            assert_eq!(sessions["three"][0].is_expired, expected, "after {days} days");
        }
    }

    #[wasm_bindgen_test]
    async fn a_record_takes_the_place_of_its_parts_and_a_removed_one_leaves_none() {
        let storage = Storage::open().await.expect("a database");
        let before = vec![
            Change::Put(key("two", 1), record(&[1, 2])),
            Change::Put(key("two", 11), record(&[5])),
        ];
        storage.write(before).await.expect("room");
        let put = Change::Put(key("two", 1), record(&[2]));
        storage.write(vec![put]).await.expect("room");
        assert_eq!(kept("two").await, [(1, record(&[2])), (11, record(&[5]))]);
        let remove = Change::Remove(key("two", 1));
        storage.write(vec![remove]).await.expect("room");
        storage
            .write(vec![Change::Put(key("two", 1), record(&[]))])
            .await
            .expect("room");
        assert_eq!(kept("two").await, [(1, record(&[])), (11, record(&[5]))]);
    }

    #[wasm_bindgen_test]
    async fn of_many_that_are_removed_at_once_nothing_is_left_and_of_the_others_everything() {
        let storage = Storage::open().await.expect("a database");
        let numbers = [0, 1, 2, 3, 9, 10, 11];
        let add = numbers.map(|number| Change::Add(key("four", number), record(&[1])));
        storage.write(add.into()).await.expect("room");
        let other = Change::Add(key("five", 2), record(&[1]));
        storage.write(vec![other]).await.expect("room");
        let remove = [11, 2, 0, 1, 9].map(|number| Change::Remove(key("four", number)));
        storage.write(remove.into()).await.expect("room");
        assert_eq!(kept("four").await, [(3, record(&[1])), (10, record(&[1]))]);
        assert_eq!(kept("five").await, [(2, record(&[1]))]);
        let again = [0, 2].map(|number| Change::Add(key("four", number), record(&[])));
        storage.write(again.into()).await.expect("room");
        let first: Vec<_> = kept("four").await.into_iter().take(2).collect();
        assert_eq!(first, [(0, record(&[])), (2, record(&[]))], "no part came back");
    }
}
