//! CompleteMultipartUpload: parts become an object.

use std::{
    fs::File,
    io::{Read as _, Write as _},
};

use http::HeaderMap;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use s3s::{
    S3Request, S3Response,
    crypto::Checksum as _,
    dto::{CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart, ETag},
};
use tempfile::NamedTempFile;

use super::{
    checksum::{self, Algorithm, Checksum, ChecksumType, Claim, Hasher, get_checksum, set_checksum},
    failure::Failure,
    multipart::{MAX_PART_NUMBER, find_upload},
    objects::{DEFAULT_ALGORITHM, condition},
    operations::Operations,
    receive::MAX_BODY_BYTES,
};
use crate::notifications::Stored;
use crate::storage::{Condition, NewObject, PartRecord, PutOutcome, Store, UploadRecord, hexadecimal};

/// Smallest size of every part but the last, in bytes: 5 MiB (Amazon S3 multipart upload limits).
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
    claim: Option<Claim>,
    checksum_type: Option<ChecksumType>,
    condition: Condition,
}

impl Operations {
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
        let completion = Completion::of(&request)?;
        let lock = self.upload_locks.of(&completion.upload_id);
        let _ending = lock.write().await;
        let (etag, size, checksum) = self.on_disk(move |store| completion.carry_out(store)).await?;
        self.notifications.tell(&Stored {
            operation: "CompleteMultipartUpload",
            key: &request.input.key,
            size,
            etag: &etag,
        });
        let mut output = CompleteMultipartUploadOutput {
            bucket: Some(request.input.bucket),
            key: Some(request.input.key),
            location: Some(location),
            e_tag: Some(ETag::Strong(etag)),
            checksum_type: Some(checksum.checksum_type.name().to_owned().into()),
            ..Default::default()
        };
        set_checksum!(output, checksum);
        Ok(S3Response::new(output))
    }
}

impl Completion {
    fn of(request: &S3Request<CompleteMultipartUploadInput>) -> Result<Self, Failure> {
        let input = &request.input;
        let parts = input
            .multipart_upload
            .as_ref()
            .and_then(|upload| upload.parts.clone());
        let object_size = input.mpu_object_size.map(|size| {
            u64::try_from(size)
                .map_err(|_| Failure::invalid_request("Value for x-amz-mp-object-size header is invalid."))
        });
        Ok(Self {
            upload_id: input.upload_id.clone(),
            key: input.key.clone(),
            parts: parts.unwrap_or_default(),
            object_size: object_size.transpose()?,
            claim: object_claim(&request.headers)?,
            checksum_type: header(&request.headers, "x-amz-checksum-type")
                .map(ChecksumType::named)
                .transpose()?,
            condition: condition(&request.headers)?,
        })
    }

    /// Makes the object and ends the upload; returns the ETag, the size in bytes and the checksum.
    fn carry_out(self, store: &Store) -> Result<(String, u64, Checksum), Failure> {
        let upload = find_upload(store, &self.upload_id, &self.key)?;
        let stored = store.parts(&self.upload_id)?;
        let parts = self.chosen_parts(&upload, &stored)?;
        self.check_sizes(&parts)?;
        let (file, full_object) = assemble(store, &self.upload_id, &parts, full_object_algorithm(&upload))?;
        let checksum = full_object.unwrap_or_else(|| composite(&upload, &parts));
        self.check_object_checksum(&upload, &checksum)?;
        let etag = etag_of_parts(&parts);
        let size = parts.iter().map(|part| part.size).sum();
        let object = NewObject {
            key: self.key,
            file,
            etag: etag.clone(),
            checksum: checksum.clone(),
            headers: upload.headers,
            upload_id: Some(self.upload_id.clone()),
        };
        match store.put(object, self.condition)? {
            PutOutcome::Exists => Err(Failure::precondition_failed()),
            PutOutcome::Stored => {
                if let Err(error) = store.discard_upload(&self.upload_id) {
                    // The object is there, and the next start removes the parts.
                    tracing::warn!("the parts of a completed upload stay for now: {error}");
                }
                Ok((etag, size, checksum))
            }
        }
    }

    /// The stored parts that the request lists.
    fn chosen_parts<'a>(
        &self,
        upload: &UploadRecord,
        stored: &'a [PartRecord],
    ) -> Result<Vec<&'a PartRecord>, Failure> {
        if self.parts.is_empty() {
            return Err(Failure::bad_request(
                "MalformedXML",
                "The XML you provided was not well-formed or did not validate against our published schema",
            ));
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
            return Err(Failure::bad_request(
                "InvalidPartOrder",
                "The list of parts was not in ascending order. Parts must be ordered by part number.",
            )
            .with("UploadId", &self.upload_id));
        }
        // The Amazon S3 User Guide, "Checking object integrity", demands part numbers without gaps
        // where parts have checksums, and names this answer.
        if upload.checksum.is_some() && numbers.last().is_some_and(|last| *last as usize != numbers.len()) {
            return Err(Failure::internal());
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
            Failure::bad_request(
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
            return Err(Failure::bad_request(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
            )
            .with("ProposedSize", small.size)
            .with("MinSizeAllowed", MIN_PART_BYTES)
            .with("PartNumber", small.number)
            .with("ETag", &small.etag));
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
        match &self.claim {
            Some(Claim::Header(algorithm, claimed))
                if *algorithm == checksum.algorithm && *claimed != checksum.value =>
            {
                Err(Failure::bad_digest(*algorithm))
            }
            _ => Ok(()),
        }
    }
}

/// The checksum of the whole object that the request brings; a composite one ends in `-` and the
/// number of parts.
fn object_claim(headers: &HeaderMap) -> Result<Option<Claim>, Failure> {
    let found = Algorithm::ALL
        .into_iter()
        .find_map(|algorithm| Some((algorithm, header(headers, algorithm.header())?)));
    let Some((algorithm, value)) = found else {
        return Ok(None);
    };
    let digest = value.split_once('-').map_or(value, |(digest, _)| digest);
    if algorithm.decode(digest).is_none() {
        return Err(Failure::invalid_checksum(algorithm));
    }
    Ok(Some(Claim::Header(algorithm, value.to_owned())))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The algorithm of the checksum over the object's bytes, where that is the kind it gets.
fn full_object_algorithm(upload: &UploadRecord) -> Option<Algorithm> {
    match upload.checksum {
        None => Some(DEFAULT_ALGORITHM),
        Some((algorithm, ChecksumType::FullObject)) => Some(algorithm),
        Some((_, ChecksumType::Composite)) => None,
    }
}

fn composite(upload: &UploadRecord, parts: &[&PartRecord]) -> Checksum {
    let algorithm = upload
        .checksum
        .map_or(DEFAULT_ALGORITHM, |(algorithm, _)| algorithm);
    checksum::composite(algorithm, parts.iter().map(|part| &part.checksum))
}

/// Joins the parts in a staged file, on the disk when this returns.
fn assemble(
    store: &Store,
    upload_id: &str,
    parts: &[&PartRecord],
    algorithm: Option<Algorithm>,
) -> Result<(NamedTempFile, Option<Checksum>), Failure> {
    let mut object = store.stage()?;
    let mut hasher = algorithm.map(Hasher::new);
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
            object.write_all(data)?;
        }
    }
    object.as_file().sync_all()?;
    let checksum = algorithm.zip(hasher).map(|(algorithm, hasher)| Checksum {
        algorithm,
        checksum_type: ChecksumType::FullObject,
        value: hasher.finish(),
    });
    Ok((object, checksum))
}

/// The ETag of a multipart object: the MD5 of its parts' MD5s, `-` and their number.
fn etag_of_parts(parts: &[&PartRecord]) -> String {
    let mut md5 = checksum::md5();
    for part in parts {
        let digits = part.etag.as_bytes().chunks(2);
        let bytes: Vec<u8> = digits
            .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        md5.update(&bytes);
    }
    format!("{}-{}", hexadecimal(&md5.finalize()), parts.len())
}
