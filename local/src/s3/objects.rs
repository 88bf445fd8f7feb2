//! PutObject, GetObject, HeadObject, DeleteObject and ListObjectsV2.

use std::{
    collections::BTreeMap,
    io::{Seek as _, SeekFrom},
};

use bytes::BytesMut;
use futures::stream;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use s3s::{
    S3Request, S3Response,
    dto::{
        DeleteObjectInput, DeleteObjectOutput, ETag, GetObjectInput, GetObjectOutput, HeadObjectInput,
        HeadObjectOutput, ListObjectsV2Input, ListObjectsV2Output, Object, PutObjectInput, PutObjectOutput,
        Range, StreamingBlob,
    },
};
use tokio::{fs::File, io::AsyncReadExt as _};

use super::{
    authorization::Query,
    checksum::Algorithm,
    failure::Failure,
    operations::Operations,
    receive::{Arrival, Expectation, receive},
    tagging::{self, tags_of},
};
use crate::notifications::Stored;
use crate::storage::{Condition, NewObject, ObjectRecord, OpenedObject, PutOutcome};

/// What S3 computes where the client brings no checksum.
pub(super) const DEFAULT_ALGORITHM: Algorithm = Algorithm::Crc64Nvme;

/// The content type of an object that was stored without one.
const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

/// Most bytes of user-defined metadata (Amazon S3 User Guide, "Working with object metadata").
const MAX_METADATA_BYTES: usize = 2048;

/// Most keys of one page of ListObjectsV2.
const MAX_KEYS: usize = 1000;

/// The size of the pieces in which an object is read, in bytes.
const READ_BYTES: usize = 64 * 1024;

/// The headers that an object keeps and gives back, besides `x-amz-meta-*`.
const KEPT_HEADERS: [HeaderName; 6] = [
    header::CACHE_CONTROL,
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_TYPE,
    header::EXPIRES,
];

impl Operations {
    pub(super) async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> Result<S3Response<PutObjectOutput>, Failure> {
        let condition = put_condition(&request.uri, &request.headers)?;
        let headers = kept_headers(&request.headers)?;
        let expectation = Expectation::of(&request.headers, request.input.content_length)?;
        let arrival = Arrival::new(request.input.body, request.trailing_headers, &request.extensions);
        let received = receive(&self.store, arrival, expectation, DEFAULT_ALGORITHM).await?;
        let (etag, checksum) = (received.etag.clone(), received.checksum.clone());
        let key = request.input.key;
        let object = NewObject {
            key: key.clone(),
            file: received.file,
            etag: received.etag,
            checksum: received.checksum,
            headers,
            upload_id: None,
        };
        self.on_disk(move |store| match store.put(object, condition)? {
            PutOutcome::Stored => Ok(()),
            PutOutcome::Exists => Err(Failure::precondition_failed()),
        })
        .await?;
        self.notifications.tell(&Stored {
            operation: "Put",
            key: &key,
            size: received.size,
            etag: &etag,
        });
        let mut output = PutObjectOutput {
            e_tag: Some(ETag::Strong(etag)),
            checksum_type: Some(checksum.checksum_type.name().to_owned().into()),
            ..Default::default()
        };
        super::checksum::set_checksum!(output, checksum);
        Ok(S3Response::new(output))
    }

    pub(super) async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> Result<S3Response<GetObjectOutput>, Failure> {
        let OpenedObject { mut file, record } = self.open(&request.input.key).await?;
        let size = record.fingerprint.size;
        let range = request
            .input
            .range
            .map(|range| satisfiable(range, size))
            .transpose()?;
        let wanted = range.clone().unwrap_or(0..size);
        file.seek(SeekFrom::Start(wanted.start))?;
        let length = wanted.end - wanted.start;
        let mut output = GetObjectOutput {
            body: Some(read(File::from_std(file), length)),
            content_length: i64::try_from(length).ok(),
            content_range: range.map(|range| format!("bytes {}-{}/{size}", range.start, range.end - 1)),
            accept_ranges: Some("bytes".to_owned()),
            e_tag: Some(ETag::Strong(record.etag.clone())),
            last_modified: Some(record.last_modified.into()),
            ..Default::default()
        };
        // A checksum of the whole object is none of a range of it.
        if request.input.checksum_mode.is_some() && output.content_range.is_none() {
            output.checksum_type = Some(record.checksum.checksum_type.name().to_owned().into());
            super::checksum::set_checksum!(output, record.checksum);
        }
        let status = output.content_range.as_ref().map(|_| StatusCode::PARTIAL_CONTENT);
        let mut response = S3Response::with_headers(output, given_back(&record));
        response.status = status;
        Ok(response)
    }

    pub(super) async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> Result<S3Response<HeadObjectOutput>, Failure> {
        let record = self.open(&request.input.key).await?.record;
        let mut output = HeadObjectOutput {
            content_length: i64::try_from(record.fingerprint.size).ok(),
            accept_ranges: Some("bytes".to_owned()),
            e_tag: Some(ETag::Strong(record.etag.clone())),
            last_modified: Some(record.last_modified.into()),
            ..Default::default()
        };
        if request.input.checksum_mode.is_some() {
            output.checksum_type = Some(record.checksum.checksum_type.name().to_owned().into());
            super::checksum::set_checksum!(output, record.checksum);
        }
        Ok(S3Response::with_headers(output, given_back(&record)))
    }

    pub(super) async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> Result<S3Response<DeleteObjectOutput>, Failure> {
        let key = request.input.key;
        self.on_disk(move |store| Ok(store.delete(&key)?)).await?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    pub(super) async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> Result<S3Response<ListObjectsV2Output>, Failure> {
        let input = request.input;
        if input.delimiter.is_some() || input.encoding_type.is_some() {
            return Err(Failure::new(
                StatusCode::NOT_IMPLEMENTED,
                "NotImplemented",
                "ListObjectsV2 has neither delimiter nor encoding-type here.",
            ));
        }
        let objects = self.on_disk(|store| Ok(store.objects()?)).await?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let after = input
            .continuation_token
            .as_ref()
            .or(input.start_after.as_ref())
            .cloned()
            .unwrap_or_default();
        let limit = input
            .max_keys
            .and_then(|limit| usize::try_from(limit).ok())
            .unwrap_or(MAX_KEYS)
            .min(MAX_KEYS);
        let mut matching = objects
            .into_iter()
            .filter(|object| object.key.starts_with(&prefix) && object.key > after);
        let page: Vec<ObjectRecord> = matching.by_ref().take(limit).collect();
        let is_truncated = matching.next().is_some();
        let last_key = page.last().map(|object| object.key.clone());
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(prefix),
            max_keys: i32::try_from(limit).ok(),
            key_count: i32::try_from(page.len()).ok(),
            continuation_token: input.continuation_token,
            start_after: input.start_after,
            is_truncated: Some(is_truncated),
            next_continuation_token: last_key.filter(|_| is_truncated),
            contents: Some(page.into_iter().map(listed).collect()),
            ..Default::default()
        }))
    }

    async fn open(&self, key: &str) -> Result<OpenedObject, Failure> {
        let key = key.to_owned();
        let opened = self
            .on_disk(move |store| store.open_object(&key)?.ok_or_else(|| Failure::no_such_key(&key)))
            .await?;
        // The bucket's policy lets nobody read what is under quarantine.
        let tags = tags_of(&opened.record);
        match tags.get(verdict::TAG).map(String::as_str) {
            Some("forbidden") => Err(Failure::access_denied("Access Denied")),
            _ => Ok(opened),
        }
    }
}

/// Under which condition PutObject writes: `If-None-Match`, as a header or, undocumented, as a signed
/// query parameter.
///
/// # Errors
/// As [`condition`].
fn put_condition(uri: &Uri, headers: &HeaderMap) -> Result<Condition, Failure> {
    let mut condition = condition(headers)?;
    for value in Query::of(uri).all("If-None-Match") {
        condition = condition_of(value)?;
    }
    Ok(condition)
}

/// Under which condition a request writes, by its headers.
///
/// # Errors
/// 501 NotImplemented for any `If-None-Match` but `*`, and for `If-Match`.
pub(super) fn condition(headers: &HeaderMap) -> Result<Condition, Failure> {
    if headers.contains_key(header::IF_MATCH) {
        return Err(Failure::not_implemented_header("If-Match"));
    }
    let value = headers.get(header::IF_NONE_MATCH);
    value.map_or(Ok(Condition::Always), |value| {
        condition_of(value.to_str().unwrap_or_default())
    })
}

fn condition_of(value: &str) -> Result<Condition, Failure> {
    match value {
        "*" => Ok(Condition::Absent),
        _ => Err(Failure::not_implemented_header("If-None-Match")),
    }
}

/// The headers of a request that its object keeps.
///
/// # Errors
/// 400 MetadataTooLarge for more than 2 KiB of `x-amz-meta-*`.
pub(super) fn kept_headers(headers: &HeaderMap) -> Result<BTreeMap<String, String>, Failure> {
    let mut kept = BTreeMap::new();
    let mut metadata_bytes = 0;
    for (name, value) in headers {
        let metadata_name = name.as_str().strip_prefix("x-amz-meta-");
        if let Some(metadata_name) = metadata_name {
            metadata_bytes += metadata_name.len() + value.len();
        }
        if metadata_name.is_some() || KEPT_HEADERS.contains(name) || name.as_str() == tagging::HEADER {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            kept.entry(name.as_str().to_owned())
                .and_modify(|values: &mut String| *values = format!("{values},{value}"))
                .or_insert(value);
        }
    }
    if metadata_bytes > MAX_METADATA_BYTES {
        return Err(Failure::bad_request(
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
        )
        .with("Size", metadata_bytes)
        .with("MaxSizeAllowed", MAX_METADATA_BYTES));
    }
    // The coding of the transfer is none of the object's.
    if let Some(coding) = kept.remove("content-encoding") {
        let codings: Vec<&str> = coding
            .split(',')
            .map(str::trim)
            .filter(|coding| *coding != "aws-chunked")
            .collect();
        if !codings.is_empty() {
            kept.insert("content-encoding".to_owned(), codings.join(","));
        }
    }
    if let Some(tags) = kept.get(tagging::HEADER) {
        tagging::check_header(tags)?;
    }
    kept.entry("content-type".to_owned())
        .or_insert_with(|| DEFAULT_CONTENT_TYPE.to_owned());
    Ok(kept)
}

fn given_back(record: &ObjectRecord) -> HeaderMap {
    let headers = record.headers.iter().filter_map(|(name, value)| {
        if name == tagging::HEADER {
            return None;
        }
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))
    });
    headers.collect()
}

fn satisfiable(range: Range, size: u64) -> Result<std::ops::Range<u64>, Failure> {
    range.check(size).map_err(|_| {
        Failure::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "InvalidRange",
            "The requested range is not satisfiable",
        )
        .with("RangeRequested", range.to_header_string())
        .with("ActualObjectSize", size)
    })
}

/// So many bytes of a file, read as they are wanted.
fn read(file: File, length: u64) -> StreamingBlob {
    let pieces = stream::try_unfold(file.take(length), |mut file| async move {
        let mut piece = BytesMut::with_capacity(READ_BYTES);
        let count = file.read_buf(&mut piece).await?;
        Ok::<_, std::io::Error>((count > 0).then(|| (piece.freeze(), file)))
    });
    StreamingBlob::wrap(pieces)
}

fn listed(record: ObjectRecord) -> Object {
    Object {
        key: Some(record.key),
        size: i64::try_from(record.fingerprint.size).ok(),
        e_tag: Some(ETag::Strong(record.etag)),
        last_modified: Some(record.last_modified.into()),
        checksum_algorithm: Some(vec![record.checksum.algorithm.name().to_owned().into()]),
        checksum_type: Some(record.checksum.checksum_type.name().to_owned().into()),
        ..Default::default()
    }
}
