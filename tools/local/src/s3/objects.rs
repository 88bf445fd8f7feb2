//! PutObject, GetObject, HeadObject, DeleteObject and ListObjectsV2.

use std::io::{Seek as _, SeekFrom};

use bytes::BytesMut;
use futures::stream;
use http::StatusCode;
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
    body::BodyWatch,
    bucket::Bucket,
    failure::Failure,
    headers::{kept_headers, put_condition, returned_headers},
    receive::{Arrival, DEFAULT_ALGORITHM, Expectation, receive},
    tagging::tags_of,
};
use crate::{
    checksum::set_checksum,
    notifications::StoredObject,
    storage::{NewObject, ObjectRecord, OpenedObject, PutOutcome},
};

/// The most keys of one page of ListObjectsV2.
const MAX_KEYS: usize = 1000;

/// The size of the pieces in which an object is read, in bytes.
const READ_BYTES: usize = 64 * 1024;

impl Bucket {
    pub(super) async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> Result<S3Response<PutObjectOutput>, Failure> {
        let condition = put_condition(&request.uri, &request.headers)?;
        let headers = kept_headers(&request.headers)?;
        let expectation = Expectation::of(&request.headers, request.input.content_length)?;
        let arrival = Arrival {
            body: request.input.body,
            trailing_headers: request.trailing_headers,
            watch: BodyWatch::of(&request.extensions),
        };
        let bytes = receive(&self.store, arrival, expectation, DEFAULT_ALGORITHM).await?;
        let (size, etag, checksum) = (bytes.size, bytes.etag.clone(), bytes.checksum.clone());
        let key = request.input.key;
        let object = NewObject {
            key: key.clone(),
            headers,
            upload_id: None,
        };
        self.on_disk(move |store| match store.put(object, bytes, condition)? {
            PutOutcome::Stored => Ok(()),
            PutOutcome::Exists => Err(Failure::of("PreconditionFailed").with("Condition", "If-None-Match")),
        })
        .await?;
        self.notifications.notify(&StoredObject {
            operation: "Put",
            key: &key,
            size,
            etag: &etag,
        });
        let mut output = PutObjectOutput {
            e_tag: Some(ETag::Strong(etag)),
            checksum_type: Some(checksum.checksum_type.name().to_owned().into()),
            ..Default::default()
        };
        set_checksum!(output, checksum);
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
        let bytes = range.clone().unwrap_or(0..size);
        file.seek(SeekFrom::Start(bytes.start))?;
        let length = bytes.end - bytes.start;
        let mut output = GetObjectOutput {
            body: Some(read(File::from_std(file), length)),
            content_length: i64::try_from(length).ok(),
            content_range: range.map(|range| format!("bytes {}-{}/{size}", range.start, range.end - 1)),
            accept_ranges: Some("bytes".to_owned()),
            e_tag: Some(ETag::Strong(record.etag.clone())),
            last_modified: Some(record.last_modified.into()),
            ..Default::default()
        };
        // The checksum of the whole object is not the checksum of a range of it.
        if request.input.checksum_mode.is_some() && output.content_range.is_none() {
            output.checksum_type = Some(record.checksum.checksum_type.name().to_owned().into());
            set_checksum!(output, record.checksum);
        }
        let status = output.content_range.as_ref().map(|_| StatusCode::PARTIAL_CONTENT);
        let mut response = S3Response::with_headers(output, returned_headers(&record));
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
            set_checksum!(output, record.checksum);
        }
        Ok(S3Response::with_headers(output, returned_headers(&record)))
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
        if input.delimiter.is_some() {
            let message = "ListObjectsV2 has no delimiter here.";
            return Err(Failure::new("NotImplemented", message));
        }
        let encode = match input.encoding_type.as_ref().map(|encoding| encoding.as_str()) {
            None => str::to_owned,
            Some("url") => url_encoded,
            Some(other) => {
                let message = "Invalid Encoding Method specified in Request";
                return Err(Failure::invalid_argument(message, "encoding-type", other));
            }
        };
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
            prefix: Some(encode(&prefix)),
            encoding_type: input.encoding_type,
            max_keys: i32::try_from(limit).ok(),
            key_count: i32::try_from(page.len()).ok(),
            continuation_token: input.continuation_token,
            start_after: input.start_after.as_deref().map(encode),
            is_truncated: Some(is_truncated),
            next_continuation_token: last_key.filter(|_| is_truncated),
            contents: Some(page.into_iter().map(|record| listed(record, encode)).collect()),
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
            Some("forbidden") => Err(Failure::of("AccessDenied")),
            _ => Ok(opened),
        }
    }
}

fn satisfiable(range: Range, size: u64) -> Result<std::ops::Range<u64>, Failure> {
    range.check(size).map_err(|_| {
        Failure::new("InvalidRange", "The requested range is not satisfiable")
            .with("RangeRequested", range.to_header_string())
            .with("ActualObjectSize", size)
    })
}

/// The next `length` bytes of a file, read when they are asked for.
fn read(file: File, length: u64) -> StreamingBlob {
    let pieces = stream::try_unfold(file.take(length), |mut file| async move {
        let mut piece = BytesMut::with_capacity(READ_BYTES);
        let count = file.read_buf(&mut piece).await?;
        Ok::<_, std::io::Error>((count > 0).then(|| (piece.freeze(), file)))
    });
    StreamingBlob::wrap(pieces)
}

/// A key as a form has it, but with its slashes: what `encoding-type=url` asks for.
fn url_encoded(key: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(key.as_bytes()).collect();
    encoded.replace("%2F", "/")
}

fn listed(record: ObjectRecord, encode: fn(&str) -> String) -> Object {
    Object {
        key: Some(encode(&record.key)),
        size: i64::try_from(record.fingerprint.size).ok(),
        e_tag: Some(ETag::Strong(record.etag)),
        last_modified: Some(record.last_modified.into()),
        checksum_algorithm: Some(vec![record.checksum.algorithm.name().to_owned().into()]),
        checksum_type: Some(record.checksum.checksum_type.name().to_owned().into()),
        ..Default::default()
    }
}
