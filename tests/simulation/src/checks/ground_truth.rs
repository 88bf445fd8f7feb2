//! What the world knows and the engine does not.

use std::time::Duration;

use engine::FileId;

use crate::{
    models::{disk::DiskFile, lambda::Lambda, s3::S3},
    violation::Violation,
};

/// What the world knows and the engine does not.
pub(crate) struct GroundTruth<'a> {
    pub(crate) lambda: &'a Lambda,
    pub(crate) s3: &'a S3,
    pub(crate) disk: &'a [DiskFile],
    /// The time on the page's clock.
    pub(crate) now: Duration,
}

impl GroundTruth<'_> {
    pub(crate) fn file(&self, id: FileId) -> Result<&DiskFile, Violation> {
        let file = self.disk.get(id.0 as usize);
        file.ok_or(Violation::UnknownFile { file: id })
    }
}
