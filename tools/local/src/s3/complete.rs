//! CompleteMultipartUpload: parts become an object.

use std::{fs::File, io::Read as _};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use s3s::{
    S3Request, S3Response,
    crypto::{Checksum as _, Md5},
    dto::{CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart, ETag},
};

use super::{
    bucket::Bucket,
    claim::{bad_digest, object_checksum, requested_type},
    failure::Failure,
    headers::condition,
    multipart::{MAX_PART_NUMBER, find_upload},
    receive::{DEFAULT_ALGORITHM, MAX_BODY_BYTES},
    upload_locks::Completing,
};
use crate::{
    checksum::{Algorithm, Checksum, ChecksumType, Hasher, get_checksum, set_checksum},
    notifications::StoredObject,
    storage::{
        Condition, NewObject, PartRecord, PutOutcome, StagedBytes, Store, UploadRecord, hexadecimal,
        write_sparsely,
    },
};

/// The smallest size of every part but the last, in bytes: 5 MiB (Amazon S3 multipart upload limits).
const MIN_PART_BYTES: u64 = 5 * 1024 * 1024;

/// How much of a part is in memory at once, in bytes.
const COPY_BYTES: usize = 256 * 1024;

/// What `Location` percent-encodes in a key.
const LOCATION: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?');

/// What the request asks for.
struct Completion {
    upload_id: String,
    key: String,
    parts: Vec<CompletedPart>,
    object_size: Option<u64>,
    checksum: Option<(Algorithm, String)>,
    checksum_type: Option<ChecksumType>,
    condition: Condition,
    /// Whether all parts but the last must have one length.
    equal_parts: bool,
}

/// What became of the parts.
struct Completed {
    etag: String,
    size: u64,
    checksum: Checksum,
}

impl Bucket {
    pub(super) async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> Result<S3Response<CompleteMultipartUploadOutput>, Failure> {
        let host = request
            .headers
            .get("host")
            .and_then(|host| host.to_str().ok())
            .unwrap_or_default();
        let location = format!(
            "http://{host}/{}/{}",
            request.input.bucket,
            utf8_percent_encode(&request.input.key, LOCATION)
        );
        let equal_parts = self.controls.state().equal_parts;
        let completion = Completion::of(&request, equal_parts)?;
        let completed = self.complete(completion).await?;
        self.notifications.notify(&StoredObject {
            operation: "CompleteMultipartUpload",
            key: &request.input.key,
            size: completed.size,
            etag: &completed.etag,
        });
        let mut output = CompleteMultipartUploadOutput {
            bucket: Some(request.input.bucket),
            key: Some(request.input.key),
            location: Some(location),
            e_tag: Some(ETag::Strong(completed.etag)),
            checksum_type: Some(completed.checksum.checksum_type.name().to_owned().into()),
            ..Default::default()
        };
        set_checksum!(output, completed.checksum);
        Ok(S3Response::new(output))
    }

    /// Completes an upload, alone. Of two that may not replace an object and have one key, the later one is refused
    /// as long as the first is at work, as the loser of a race is by Amazon S3.
    async fn complete(&self, completion: Completion) -> Result<Completed, Failure> {
        self.find_upload(&completion.upload_id, &completion.key).await?;
        let _key = match completion.condition {
            Condition::Always => None,
            Condition::Absent => {
                let key = Completing::NewKey(completion.key.clone());
                let marked = self.upload_locks.mark_completing(key);
                Some(marked.ok_or_else(|| conflict(&completion.key))?)
            }
        };
        let lock = self.upload_locks.of(&completion.upload_id);
        let _ending = lock.write().await;
        let upload = Completing::Upload(completion.upload_id.clone());
        let _upload = self.upload_locks.mark_completing(upload);
        self.controls.pass_completion_gate().await;
        self.on_disk(move |store| completion.carry_out(store)).await
    }
}

impl Completion {
    fn of(request: &S3Request<CompleteMultipartUploadInput>, equal_parts: bool) -> Result<Self, Failure> {
        let input = &request.input;
        let parts = input.multipart_upload.as_ref();
        let object_size = input.mpu_object_size.map(|size| {
            u64::try_from(size)
                .map_err(|_| Failure::invalid_request("Value for x-amz-mp-object-size header is invalid."))
        });
        Ok(Self {
            upload_id: input.upload_id.clone(),
            key: input.key.clone(),
            parts: parts.and_then(|upload| upload.parts.clone()).unwrap_or_default(),
            object_size: object_size.transpose()?,
            checksum: object_checksum(&request.headers)?,
            checksum_type: requested_type(&request.headers)?,
            condition: condition(&request.headers)?,
            equal_parts,
        })
    }

    /// Makes the object and ends the upload.
    fn carry_out(self, store: &Store) -> Result<Completed, Failure> {
        let upload = find_upload(store, &self.upload_id, &self.key)?;
        let stored = store.parts(&self.upload_id)?;
        let parts = self.chosen_parts(&upload, &stored)?;
        self.check_sizes(&parts)?;
        let bytes = assemble(store, &self.upload_id, &parts, &upload)?;
        self.check_object_checksum(&upload, &bytes.checksum)?;
        self.check_key_was_free(store, &upload)?;
        let completed = Completed {
            etag: bytes.etag.clone(),
            size: bytes.size,
            checksum: bytes.checksum.clone(),
        };
        let object = NewObject {
            key: self.key,
            headers: upload.headers,
            upload_id: Some(self.upload_id.clone()),
        };
        match store.put(object, bytes, self.condition)? {
            PutOutcome::Exists => Err(Failure::of("PreconditionFailed").with("Condition", "If-None-Match")),
            PutOutcome::Stored => {
                if let Err(error) = store.discard_upload(&self.upload_id) {
                    // The object is there, and the next start removes the parts.
                    tracing::warn!("the parts of a completed upload stay for now: {error}");
                }
                Ok(completed)
            }
        }
    }

    /// Refuses an object that must not replace another one, if one had its key when the upload was created and
    /// was deleted since: "if a delete request to an object succeeds before a conditional write operation on
    /// that object completes" (Amazon S3 User Guide, "How to prevent object overwrites with conditional
    /// writes").
    fn check_key_was_free(&self, store: &Store, upload: &UploadRecord) -> Result<(), Failure> {
        let is_deleted = upload.key_was_taken && store.open_object(&self.key)?.is_none();
        if is_deleted && self.condition == Condition::Absent {
            return Err(conflict(&self.key));
        }
        Ok(())
    }

    /// The stored parts that the request lists.
    fn chosen_parts<'a>(
        &self,
        upload: &UploadRecord,
        stored: &'a [PartRecord],
    ) -> Result<Vec<&'a PartRecord>, Failure> {
        if self.parts.is_empty() {
            return Err(Failure::of("MalformedXML"));
        }
        let numbers: Vec<i32> = self
            .parts
            .iter()
            .map(|part| part.part_number.unwrap_or_default())
            .collect();
        if let Some(number) = numbers
            .iter()
            .find(|number| !(1..=i32::from(MAX_PART_NUMBER)).contains(number))
        {
            let message = "PartNumber must be >= 1 and <= 10000";
            return Err(Failure::invalid_argument(message, "PartNumber", number));
        }
        if !numbers.is_sorted_by(|one, next| one < next) {
            return Err(Failure::new(
                "InvalidPartOrder",
                "The list of parts was not in ascending order. Parts must be ordered by part number.",
            )
            .with("UploadId", &self.upload_id));
        }
        // The Amazon S3 User Guide, "Checking object integrity", demands part numbers without gaps
        // if parts have checksums, and names this answer.
        if upload.checksum.is_some() && numbers.last().is_some_and(|last| *last as usize != numbers.len()) {
            return Err(Failure::of("InternalError"));
        }
        self.parts
            .iter()
            .map(|part| self.chosen_part(upload, part, stored))
            .collect()
    }

    fn chosen_part<'a>(
        &self,
        upload: &UploadRecord,
        listed: &CompletedPart,
        stored: &'a [PartRecord],
    ) -> Result<&'a PartRecord, Failure> {
        let number = listed.part_number.unwrap_or_default();
        let etag = listed.e_tag.as_ref().map_or("", ETag::value);
        let invalid = || {
            Failure::new(
                "InvalidPart",
                "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
            )
            .with("UploadId", &self.upload_id)
            .with("PartNumber", number)
            .with("ETag", etag)
        };
        let part = stored
            .iter()
            .find(|part| i32::from(part.number) == number && part.etag == etag);
        let part = part.ok_or_else(invalid)?;
        let Some((algorithm, checksum_type)) = upload.checksum else {
            return Ok(part);
        };
        match get_checksum!(listed, algorithm) {
            Some(claimed) if claimed != part.checksum.value => Err(invalid()),
            None if checksum_type == ChecksumType::Composite => Err(Failure::invalid_request(format!(
                "The upload was created using a {} checksum. The complete request must include the checksum for each part. It was missing for part {number} in the request.",
                algorithm.name().to_lowercase()
            ))),
            _ => Ok(part),
        }
    }

    fn check_sizes(&self, parts: &[&PartRecord]) -> Result<(), Failure> {
        let all_but_last = &parts[..parts.len().saturating_sub(1)];
        if let Some(small) = all_but_last.iter().find(|part| part.size < MIN_PART_BYTES) {
            return Err(Failure::new(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
            )
            .with("ProposedSize", small.size)
            .with("MinSizeAllowed", MIN_PART_BYTES)
            .with("PartNumber", small.number)
            .with("ETag", &small.etag));
        }
        if self.equal_parts && !are_equal(parts) {
            return Err(Failure::new(
                "InvalidPart",
                "All non-trailing parts must have the same length.",
            ));
        }
        let size: u64 = parts.iter().map(|part| part.size).sum();
        let limit = u64::from(MAX_PART_NUMBER) * MAX_BODY_BYTES;
        if size > limit {
            return Err(Failure::entity_too_large(size, limit));
        }
        match self.object_size {
            Some(claimed) if claimed != size => Err(Failure::invalid_request(format!(
                "The provided 'x-amz-mp-object-size' header value {claimed} does not match what was computed: {size}"
            ))),
            _ => Ok(()),
        }
    }

    /// Compares what the request says of the object's checksum with what it is.
    fn check_object_checksum(&self, upload: &UploadRecord, checksum: &Checksum) -> Result<(), Failure> {
        if let (Some(named), Some((_, expected))) = (self.checksum_type, upload.checksum)
            && named != expected
        {
            return Err(Failure::invalid_request(format!(
                "The upload was created using the {} checksum mode. The complete request must use the same checksum mode.",
                expected.name()
            )));
        }
        match &self.checksum {
            Some((algorithm, claimed)) if *algorithm == checksum.algorithm && *claimed != checksum.value => {
                Err(bad_digest(*algorithm))
            }
            _ => Ok(()),
        }
    }
}

/// The answer to a write whose condition another request made impossible.
fn conflict(key: &str) -> Failure {
    Failure::of("ConditionalRequestConflict")
        .with("Condition", "If-None-Match")
        .with("Key", key)
}

/// Whether all parts but the last have one length, and the last is no longer (Cloudflare R2, "Multipart
/// upload", "Limitations").
fn are_equal(parts: &[&PartRecord]) -> bool {
    let Some((last, others)) = parts.split_last() else {
        return true;
    };
    let length = others.first().map_or(last.size, |part| part.size);
    others.iter().all(|part| part.size == length) && last.size <= length
}

/// Joins the parts in a staged file, on the disk when this returns.
fn assemble(
    store: &Store,
    upload_id: &str,
    parts: &[&PartRecord],
    upload: &UploadRecord,
) -> Result<StagedBytes, Failure> {
    let (algorithm, checksum_type) = upload
        .checksum
        .unwrap_or((DEFAULT_ALGORITHM, ChecksumType::FullObject));
    let object = store.stage()?;
    let mut hasher = (checksum_type == ChecksumType::FullObject).then(|| Hasher::new(algorithm));
    let mut buffer = vec![0; COPY_BYTES];
    for part in parts {
        let mut file = File::open(store.part_path(upload_id, part))?;
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            let data = &buffer[..count];
            if let Some(hasher) = &mut hasher {
                hasher.update(data);
            }
            write_sparsely(object.as_file(), data)?;
        }
    }
    let size = parts.iter().map(|part| part.size).sum();
    object.as_file().set_len(size)?;
    object.as_file().sync_all()?;
    let checksums = parts.iter().map(|part| &part.checksum);
    Ok(StagedBytes {
        file: object,
        size,
        etag: etag_of_parts(parts),
        checksum: hasher.map_or_else(|| Checksum::composite(algorithm, checksums), Hasher::finish),
    })
}

/// The ETag of a multipart object: the MD5 of its parts' MD5s, `-` and their number.
fn etag_of_parts(parts: &[&PartRecord]) -> String {
    let mut md5 = Md5::new();
    for part in parts {
        let digits = part.etag.as_bytes().chunks(2);
        let bytes: Vec<u8> = digits
            .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        md5.update(&bytes);
    }
    format!("{}-{}", hexadecimal(&md5.finalize()), parts.len())
}
