//! The bucket's folder as the function that looks at stored objects reads it.

use std::{
    io::{self, Read as _, Seek as _, SeekFrom},
    ops::Range,
    sync::Arc,
};

use verdict::{Description, ObjectStore, ObjectVersion, StoreError, Tags};

use crate::{
    checksum::Algorithm,
    s3::{TAGGING_HEADER, tagging_header, tags_of},
    storage::{OpenedObject, Store},
};

/// Objects on the disk. There is one version of each.
pub(crate) struct VerdictStore(pub(crate) Arc<Store>);

impl VerdictStore {
    fn open(
        &self,
        operation: &'static str,
        object: &ObjectVersion,
    ) -> Result<Option<OpenedObject>, StoreError> {
        self.0.open_object(&object.key).map_err(failed(operation))
    }
}

impl ObjectStore for VerdictStore {
    fn describe(&self, object: &ObjectVersion) -> Result<Option<Description>, StoreError> {
        let opened = self.open("HeadObject", object)?;
        Ok(opened.map(|OpenedObject { record, .. }| Description {
            content_type: record.headers.get("content-type").cloned().unwrap_or_default(),
            content_encoding: record.headers.get("content-encoding").cloned(),
            size: record.fingerprint.size,
            sha256: (record.checksum.algorithm == Algorithm::Sha256).then_some(record.checksum.value),
            etag: record.etag,
        }))
    }

    fn bytes(&self, object: &ObjectVersion, range: Range<u64>) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(OpenedObject { mut file, .. }) = self.open("GetObject", object)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(range.start))
            .and_then(|_| {
                file.take(range.end.saturating_sub(range.start))
                    .read_to_end(&mut bytes)
            })
            .map_err(failed("GetObject"))?;
        Ok(Some(bytes))
    }

    fn tags(&self, object: &ObjectVersion) -> Result<Option<Tags>, StoreError> {
        let opened = self.open("GetObjectTagging", object)?;
        Ok(opened.map(|OpenedObject { record, .. }| tags_of(&record)))
    }

    fn set_tags(&self, object: &ObjectVersion, tags: &Tags) -> Result<(), StoreError> {
        let set = self
            .0
            .set_header(&object.key, TAGGING_HEADER, &tagging_header(tags));
        set.map(drop).map_err(failed("PutObjectTagging"))
    }
}

fn failed(operation: &'static str) -> impl Fn(io::Error) -> StoreError {
    move |error| StoreError::Failed {
        operation,
        reason: error.to_string(),
    }
}
