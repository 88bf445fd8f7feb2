//! CreateMultipartUpload, UploadPart, ListParts and AbortMultipartUpload.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use http::HeaderMap;
use s3s::{
    S3Request, S3Response,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CreateMultipartUploadInput,
        CreateMultipartUploadOutput, ETag, ListPartsInput, ListPartsOutput, Part, UploadPartInput,
        UploadPartOutput,
    },
};
use tokio::sync::RwLock;

use super::{
    checksum::{Algorithm, ChecksumType, set_checksum},
    failure::Failure,
    objects::{DEFAULT_ALGORITHM, kept_headers},
    operations::Operations,
    receive::{Arrival, Expectation, receive},
};
use crate::storage::{NewPart, PartRecord, Store, UploadRecord};

/// Largest part number (Amazon S3 multipart upload limits).
pub(super) const MAX_PART_NUMBER: u16 = 10_000;

/// Most parts of one page of ListParts.
const MAX_PARTS_OF_A_PAGE: usize = 1000;

/// One lock for each upload under way: parts are stored side by side, but not while the upload ends.
#[derive(Default)]
pub(crate) struct UploadLocks(Mutex<HashMap<String, Arc<RwLock<()>>>>);

impl UploadLocks {
    pub(super) fn of(&self, upload_id: &str) -> Arc<RwLock<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A lock that only the map knows is one that nobody holds or waits for.
        locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        Arc::clone(locks.entry(upload_id.to_owned()).or_default())
    }
}

impl Operations {
    pub(super) async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> Result<S3Response<CreateMultipartUploadOutput>, Failure> {
        let checksum = requested_checksum(&request.headers)?;
        let record = UploadRecord {
            key: request.input.key.clone(),
            headers: kept_headers(&request.headers)?,
            checksum,
        };
        let upload_id = self
            .on_disk(move |store| Ok(store.create_upload(&record)?))
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
        let arrival = Arrival::new(request.input.body, request.trailing_headers, &request.extensions);
        let received = receive(&self.store, arrival, expectation, algorithm).await?;
        let mut output = UploadPartOutput {
            e_tag: Some(ETag::Strong(received.etag.clone())),
            ..Default::default()
        };
        set_checksum!(output, received.checksum);
        let part = NewPart {
            number,
            file: received.file,
            size: received.size,
            etag: received.etag,
            checksum: received.checksum,
        };
        let lock = self.upload_locks.of(&upload_id);
        let _open = lock.read().await;
        self.on_disk(move |store| {
            find_upload(store, &upload_id, &upload.key)?;
            Ok(store.put_part(&upload_id, part)?)
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

    pub(super) async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> Result<S3Response<AbortMultipartUploadOutput>, Failure> {
        let (upload_id, key) = (request.input.upload_id, request.input.key);
        let lock = self.upload_locks.of(&upload_id);
        let _ending = lock.write().await;
        self.on_disk(move |store| {
            find_upload(store, &upload_id, &key)?;
            Ok(store.discard_upload(&upload_id)?)
        })
        .await?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    async fn find_upload(&self, upload_id: &str, key: &str) -> Result<UploadRecord, Failure> {
        let (upload_id, key) = (upload_id.to_owned(), key.to_owned());
        self.on_disk(move |store| find_upload(store, &upload_id, &key))
            .await
    }
}

/// The upload of this id, which has to be one of this key.
///
/// # Errors
/// 404 NoSuchUpload
pub(super) fn find_upload(store: &Store, upload_id: &str, key: &str) -> Result<UploadRecord, Failure> {
    let upload = store.upload(upload_id)?.filter(|upload| upload.key == key);
    upload.ok_or_else(|| Failure::no_such_upload(upload_id))
}

/// The checksum that CreateMultipartUpload asks for.
fn requested_checksum(headers: &HeaderMap) -> Result<Option<(Algorithm, ChecksumType)>, Failure> {
    let text = |name: &str| {
        headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let checksum_type = text("x-amz-checksum-type")
        .map(|name| ChecksumType::named(&name))
        .transpose()?;
    let Some(algorithm) = text("x-amz-checksum-algorithm") else {
        return match checksum_type {
            None => Ok(None),
            Some(_) => Err(Failure::invalid_request(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )),
        };
    };
    let algorithm = Algorithm::named(&algorithm)?;
    let checksum_type = checksum_type.unwrap_or(algorithm.default_type());
    if algorithm.allows(checksum_type) {
        Ok(Some((algorithm, checksum_type)))
    } else {
        Err(Failure::invalid_request(format!(
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            checksum_type.name(),
            algorithm.name().to_lowercase()
        )))
    }
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

/// Parts bring the checksum that their upload was created with; for a composite one they must.
fn check_part_algorithm(upload: &UploadRecord, brought: Option<Algorithm>) -> Result<(), Failure> {
    let Some((expected, checksum_type)) = upload.checksum else {
        return Ok(());
    };
    let fits = match brought {
        Some(brought) => brought == expected,
        None => checksum_type == ChecksumType::FullObject,
    };
    if fits {
        return Ok(());
    }
    let name = |algorithm: Algorithm| algorithm.name().to_lowercase();
    Err(Failure::invalid_request(format!(
        "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
        name(expected),
        brought.map_or_else(|| "null".to_owned(), name)
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
