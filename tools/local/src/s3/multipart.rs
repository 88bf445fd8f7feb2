//! CreateMultipartUpload, UploadPart, ListParts and AbortMultipartUpload.

use s3s::{
    S3Request, S3Response,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CreateMultipartUploadInput,
        CreateMultipartUploadOutput, ETag, ListPartsInput, ListPartsOutput, Part, UploadPartInput,
        UploadPartOutput,
    },
};

use super::{
    body::BodyWatch,
    bucket::Bucket,
    claim::requested_checksum,
    failure::Failure,
    headers::kept_headers,
    receive::{Arrival, DEFAULT_ALGORITHM, Expectation, receive},
};
use crate::{
    checksum::{Algorithm, ChecksumType, set_checksum},
    storage::{PartRecord, Store, UploadRecord},
};

/// The largest part number (Amazon S3 multipart upload limits).
pub(super) const MAX_PART_NUMBER: u16 = 10_000;

/// The most parts of one page of ListParts.
const MAX_PARTS_OF_A_PAGE: usize = 1000;

impl Bucket {
    pub(super) async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> Result<S3Response<CreateMultipartUploadOutput>, Failure> {
        let checksum = requested_checksum(&request.headers)?;
        let mut record = UploadRecord {
            key: request.input.key.clone(),
            headers: kept_headers(&request.headers)?,
            checksum,
            key_was_taken: false,
        };
        let upload_id = self
            .on_disk(move |store| {
                record.key_was_taken = store.open_object(&record.key)?.is_some();
                Ok(store.create_upload(&record)?)
            })
            .await?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(request.input.bucket),
            key: Some(request.input.key),
            upload_id: Some(upload_id),
            checksum_algorithm: checksum.map(|(algorithm, _)| algorithm.name().to_owned().into()),
            checksum_type: checksum.map(|(_, checksum_type)| checksum_type.name().to_owned().into()),
            ..Default::default()
        }))
    }

    pub(super) async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> Result<S3Response<UploadPartOutput>, Failure> {
        let number = part_number(request.input.part_number)?;
        let expectation = Expectation::of(&request.headers, request.input.content_length)?;
        let upload_id = request.input.upload_id;
        let upload = self.find_upload(&upload_id, &request.input.key).await?;
        check_part_algorithm(&upload, expectation.algorithm())?;
        let algorithm = upload
            .checksum
            .map_or(DEFAULT_ALGORITHM, |(algorithm, _)| algorithm);
        let arrival = Arrival {
            body: request.input.body,
            trailing_headers: request.trailing_headers,
            watch: BodyWatch::of(&request.extensions),
        };
        let part = receive(&self.store, arrival, expectation, algorithm).await?;
        let mut output = UploadPartOutput {
            e_tag: Some(ETag::Strong(part.etag.clone())),
            ..Default::default()
        };
        set_checksum!(output, part.checksum);
        let lock = self.upload_locks.of(&upload_id);
        let _open = lock.read().await;
        self.on_disk(move |store| {
            find_upload(store, &upload_id, &upload.key)?;
            Ok(store.put_part(&upload_id, number, part)?)
        })
        .await?;
        Ok(S3Response::new(output))
    }

    pub(super) async fn list_parts(
        &self,
        request: S3Request<ListPartsInput>,
    ) -> Result<S3Response<ListPartsOutput>, Failure> {
        let input = request.input;
        let limit = bounded("max-parts", input.max_parts, MAX_PARTS_OF_A_PAGE)?.min(MAX_PARTS_OF_A_PAGE);
        let marker = bounded("part-number-marker", input.part_number_marker, 0)?;
        let (upload_id, key) = (input.upload_id, input.key);
        let lock = self.upload_locks.of(&upload_id);
        let _open = lock.read().await;
        let id = upload_id.clone();
        let (upload, mut parts) = self
            .on_disk(move |store| {
                let upload = find_upload(store, &id, &key)?;
                Ok((upload, store.parts(&id)?))
            })
            .await?;
        parts.retain(|part| usize::from(part.number) > marker);
        let is_truncated = parts.len() > limit;
        parts.truncate(limit);
        let next_marker = parts.last().map_or(0, |part| i32::from(part.number));
        Ok(S3Response::new(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(upload.key),
            upload_id: Some(upload_id),
            part_number_marker: i32::try_from(marker).ok(),
            next_part_number_marker: Some(next_marker),
            max_parts: i32::try_from(limit).ok(),
            is_truncated: Some(is_truncated),
            parts: Some(
                parts
                    .into_iter()
                    .map(|part| listed(part, upload.checksum.is_some()))
                    .collect(),
            ),
            checksum_algorithm: upload
                .checksum
                .map(|(algorithm, _)| algorithm.name().to_owned().into()),
            checksum_type: upload
                .checksum
                .map(|(_, checksum_type)| checksum_type.name().to_owned().into()),
            storage_class: Some("STANDARD".to_owned().into()),
            ..Default::default()
        }))
    }

    /// Refuses to abort an upload that is being completed, by "A conflicting conditional action is currently in
    /// progress against this resource. Try again." (Amazon S3 API Reference, "Error responses"). That Amazon
    /// S3 does so at this moment is an assumption.
    pub(super) async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> Result<S3Response<AbortMultipartUploadOutput>, Failure> {
        let (upload_id, key) = (request.input.upload_id, request.input.key);
        if self.upload_locks.is_completing(&upload_id) {
            return Err(Failure::of("OperationAborted"));
        }
        let lock = self.upload_locks.of(&upload_id);
        let _ending = lock.write().await;
        self.on_disk(move |store| {
            find_upload(store, &upload_id, &key)?;
            Ok(store.discard_upload(&upload_id)?)
        })
        .await?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    pub(super) async fn find_upload(&self, upload_id: &str, key: &str) -> Result<UploadRecord, Failure> {
        let (upload_id, key) = (upload_id.to_owned(), key.to_owned());
        self.on_disk(move |store| find_upload(store, &upload_id, &key))
            .await
    }
}

/// The upload with this id, if it is one of this key.
///
/// # Errors
/// 404 NoSuchUpload
pub(super) fn find_upload(store: &Store, upload_id: &str, key: &str) -> Result<UploadRecord, Failure> {
    let upload = store.upload(upload_id)?.filter(|upload| upload.key == key);
    upload.ok_or_else(|| Failure::of("NoSuchUpload").with("UploadId", upload_id))
}

fn part_number(number: i32) -> Result<u16, Failure> {
    let valid = u16::try_from(number)
        .ok()
        .filter(|number| (1..=MAX_PART_NUMBER).contains(number));
    valid.ok_or_else(|| {
        Failure::invalid_argument(
            "Part number must be an integer between 1 and 10000, inclusive",
            "partNumber",
            number,
        )
    })
}

/// Checks that a part has the checksum that its upload was created with; it may have none unless the upload's is
/// a composite one.
fn check_part_algorithm(upload: &UploadRecord, actual: Option<Algorithm>) -> Result<(), Failure> {
    let Some((expected, checksum_type)) = upload.checksum else {
        return Ok(());
    };
    let matches = match actual {
        Some(actual) => actual == expected,
        None => checksum_type == ChecksumType::FullObject,
    };
    if matches {
        return Ok(());
    }
    let name = |algorithm: Algorithm| algorithm.name().to_lowercase();
    Err(Failure::invalid_request(format!(
        "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
        name(expected),
        actual.map_or_else(|| "null".to_owned(), name)
    )))
}

fn bounded(name: &str, value: Option<i32>, default: usize) -> Result<usize, Failure> {
    let Some(value) = value else { return Ok(default) };
    usize::try_from(value).map_err(|_| {
        let message = format!("Argument {name} must be an integer between 0 and 2147483647");
        Failure::invalid_argument(message, name, value)
    })
}

fn listed(part: PartRecord, with_checksum: bool) -> Part {
    let mut listed = Part {
        part_number: Some(i32::from(part.number)),
        size: i64::try_from(part.size).ok(),
        e_tag: Some(ETag::Strong(part.etag)),
        last_modified: Some(part.last_modified.into()),
        ..Default::default()
    };
    if with_checksum {
        set_checksum!(listed, part.checksum);
    }
    listed
}
