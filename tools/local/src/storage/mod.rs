//! Objects as plain files.
//!
//! ```text
//! <data>/<bucket>/<key>                  an object's bytes, see [`key_path`] for odd keys
//! <data>/.state/metadata/<hash>.json     what else is known of the object
//! <data>/.state/uploads/<id>/            a multipart upload: its record and its parts
//! <data>/.state/staging/                 what is being received; emptied at every start
//! <data>/.state/lock                     held by the one process that uses the folder
//! ```
//!
//! An object exists when both its file and its metadata do. Everything is written in `staging`,
//! flushed to the disk and only then renamed to where it counts, so a crash leaves either all of
//! it or nothing.

mod durable;
mod holes;
mod key_path;
mod objects;
mod record;
mod recovery;
mod store;
mod uploads;

pub(crate) use holes::{Piece, pieces, write_sparsely};
pub(crate) use key_path::hexadecimal;
pub(crate) use objects::{Condition, NewObject, OpenedObject, PutOutcome};
pub(crate) use record::{ObjectRecord, PartRecord, StagedBytes, UploadRecord};
pub(crate) use store::Store;
