//! The Lambda that scans what was stored, and writes down a verdict.
//!
//! S3 notifies it of every new object (`notification`). It reads the first bytes, and of a container those that say what
//! is in it (`containers`); unpacks them if they are encoded (`content_coding`); compares what they are with the declared
//! type (`judge`, `types`, `text`), and writes the verdict into the object's tags and a line of the audit,
//! which completes the one that the signing Lambda wrote (`inspect`). The same function answers
//! `POST /verdicts`, so that a page can show what was found (`verdicts`). What it shares with the signing Lambda is in
//! [`lambda_api`].
//!
//! Nothing is moved to put it under quarantine: the tag does it, by a bucket policy that denies reading
//! an object with the tag `forbidden`. So no byte can be lost, an object of any size is out of reach
//! after one small request, and so is the version that was stored, whatever comes after it.
//!
//! An object is reached through [`ObjectStore`]: S3 over HTTP (`s3_store`), or what a test or the development
//! stack has in its place.

mod containers;
mod content_coding;
mod function;
mod inspect;
mod judge;
mod notification;
mod object_store;
mod s3_store;
mod settings;
mod signature;
mod tagging;
mod text;
mod types;
mod verdicts;

pub use function::{Answer, EventError, Function};
pub use inspect::TAG;
pub use judge::{Judgement, Rules, Subject, judge};
pub use notification::NotificationError;
pub use object_store::{Description, ObjectStore, ObjectVersion, StoreError, Tags};
pub use s3_store::S3Store;
pub use settings::Settings;
