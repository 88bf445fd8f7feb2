//! The records of unfinished uploads that the browser keeps: all that outlives a tab.

use std::collections::BTreeMap;

use engine::{CompletedPart, FileId, UploadRecord};
use wire::BatchId;

/// The record of each file that has one.
pub(crate) type Records = BTreeMap<FileId, UploadRecord>;

/// A write to the records, on its way to the disk.
#[derive(Debug)]
pub(crate) enum Write {
    /// The whole record of a file; `None` if it is removed.
    Record(FileId, Option<Box<UploadRecord>>),
    /// One more part.
    Part(FileId, CompletedPart),
    /// What is kept of the stored files of a batch is removed.
    Batch(BatchId),
}

/// Carries a write out.
pub(crate) fn apply(records: &mut Records, write: Write) {
    match write {
        Write::Record(id, Some(record)) => {
            records.insert(id, *record);
        }
        Write::Record(id, None) => {
            records.remove(&id);
        }
        Write::Batch(batch) => {
            records.retain(|_, record| !(record.has_ended && record.batch == Some(batch)));
        }
        Write::Part(id, part) => {
            let record = records.get_mut(&id);
            if let Some(multipart) = record.and_then(|record| record.multipart.as_mut()) {
                multipart.parts.retain(|other| other.number != part.number);
                multipart.parts.push(part);
            }
        }
    }
}
