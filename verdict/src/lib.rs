//! The Lambda that looks at what was stored.
//!
//! S3 tells it of every new object (`notification`). It reads the first bytes, compares what they are with
//! the declared type (`judge`, `types`), writes the verdict into the object's tags and the line of the
//! audit that closes the one of the issuing (`inspect`). The same function answers `POST /verdicts`, where a
//! page learns what was found (`verdicts`).
//!
//! Nothing is moved to put it under quarantine: the tag does it, by a bucket policy that denies reading
//! what has the tag of a forbidden object. So no byte can be lost, an object of any size is out of reach
//! after one small request, and so is the version that was stored, whatever comes after it.
//!
//! An object is reached by [`ObjectStore`]: S3 over HTTP (`s3_store`), or what a test or the development
//! stack has in its place.

mod function;
mod inspect;
mod judge;
mod notification;
mod object_store;
mod s3_store;
mod settings;
mod signature;
mod tagging;
mod types;
mod verdicts;

pub use function::{Answer, EventError, Function};
pub use inspect::TAG;
pub use judge::{Judgement, Rules, judge};
pub use notification::NotificationError;
pub use object_store::{Description, ObjectStore, ObjectVersion, StoreError, Tags};
pub use s3_store::S3Store;
pub use settings::Settings;
