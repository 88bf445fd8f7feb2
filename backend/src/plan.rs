//! `POST /uploads`: where files may go, and how.

use lambda_api::{
    AllowedTypes, MediaType,
    json::{FieldError, Object, check_batch_size, read_object},
};
use wire::{
    ApiError, BatchId, DEFAULT_PART_BYTES, ErrorCode, FilePlan, FileToUpload, MAX_PARTS, MIN_PART_BYTES,
    PlanOutcome, SINGLE_PUT_MAX_BYTES, UploadsRequest, UploadsResponse,
};

use crate::{
    issuer::Issuer,
    key::new_key,
    s3_request::{Description, S3Request},
};

/// The longest file name in bytes of UTF-8, path included: what Linux takes for a path (`PATH_MAX`).
const MAX_NAME_BYTES: usize = 4_096;

/// Part sizes are whole numbers of this many bytes.
pub(crate) const PART_STEP_BYTES: u64 = 1024 * 1024;

/// What is said of a size that cannot be read.
pub(crate) const SIZE: FieldError<'_> = (
    "size",
    ErrorCode::InvalidSize,
    "the size is not a whole number of bytes from 0 to 2^64 - 1",
);

/// What is said of a SHA-256 that cannot be read.
pub(crate) const SHA256: FieldError<'_> = (
    "sha256",
    ErrorCode::InvalidChecksum,
    "the SHA-256 is not 32 bytes in base64, 44 characters",
);

/// What is said of a number of a copy that cannot be read.
const COPY: FieldError<'_> = (
    "copy",
    ErrorCode::InvalidRequest,
    "the number of the copy is not a whole number from 0 to 2^32 - 1",
);

/// What is said of a choice of endpoint that cannot be read.
pub(crate) const SECOND_ENDPOINT: FieldError<'_> = (
    "secondEndpoint",
    ErrorCode::InvalidRequest,
    "the field secondEndpoint is neither true nor false",
);

/// The fields of a file that have an error of their own.
const FIELDS: [FieldError<'_>; 6] = [
    ("name", ErrorCode::InvalidName, "the name is not a text"),
    ("type", ErrorCode::InvalidType, "the type is not a text"),
    COPY,
    SIZE,
    SHA256,
    SECOND_ENDPOINT,
];

/// Plans each file on its own, so that one that is refused does not fail the others.
///
/// # Errors
///
/// If the body as a whole is wrong: there are not 1 to 100 files, or one has no `id`, so that nothing could be
/// answered about it.
pub(crate) fn plan(
    issuer: &Issuer<'_>,
    request: UploadsRequest<Object>,
) -> Result<UploadsResponse, ApiError> {
    check_batch_size("files", &request.files)?;
    check_file_count(request.files.len(), issuer.max_files())?;
    let batch = request.batch.unwrap_or_else(|| issuer.new_batch());
    let ids: Vec<String> = request.files.iter().map(read_id).collect::<Result<_, _>>()?;
    let plans = ids.into_iter().zip(request.files).map(|(id, file)| FilePlan {
        id,
        outcome: plan_file(issuer, batch, file).unwrap_or_else(|error| {
            issuer.record_refusal(&error);
            PlanOutcome::Refused(error)
        }),
    });
    Ok(UploadsResponse {
        server_time: issuer.server_time(),
        batch,
        files: plans.collect(),
    })
}

fn read_id(file: &Object) -> Result<String, ApiError> {
    let id = file.get("id").and_then(|id| id.as_str());
    id.map(str::to_owned).ok_or_else(|| {
        let message = "an entry of files has no id that is a text";
        ApiError::new(ErrorCode::InvalidRequest, message)
    })
}

fn plan_file(issuer: &Issuer<'_>, batch: BatchId, file: Object) -> Result<PlanOutcome, ApiError> {
    let file: FileToUpload = read_object(file, &FIELDS)?;
    let media_type = check_file(issuer, &file)?;
    let key = new_key(&issuer.own_folder(), batch, &file.name, file.copy);
    let description = Description {
        key: &key,
        name: &file.name,
        media_type: media_type.as_str(),
        storage: &issuer.settings().storage,
    };
    // A small file without a checksum is one that something on the way lets pass in parts only.
    let may_be_single = file.size <= SINGLE_PUT_MAX_BYTES && file.sha256.is_some();
    if file.size > MIN_PART_BYTES && !may_be_single {
        let create = S3Request::create_multipart_upload(description, file.size).at(file.endpoint);
        let create = issuer.issue(&key, create)?;
        let service = issuer.settings().service;
        return Ok(PlanOutcome::Multipart {
            key,
            create,
            part_size: service.part_size(file.size),
            part_sizes: service.part_sizes,
        });
    }
    let sha256 = file.sha256.ok_or_else(|| {
        let message = format!("a file of up to {MIN_PART_BYTES} bytes needs its SHA-256");
        ApiError::new(ErrorCode::ChecksumRequired, message)
    })?;
    let put = S3Request::put_object(description, file.size, sha256).at(file.endpoint);
    let put = issuer.issue(&key, put)?;
    Ok(PlanOutcome::Put { key, put })
}

/// The size in bytes that every part but the last has at least: 8 MiB, and more only if 10,000 parts would
/// not do.
pub(crate) fn part_size(file_size: u64) -> u64 {
    file_size
        .div_ceil(MAX_PARTS)
        .next_multiple_of(PART_STEP_BYTES)
        .max(DEFAULT_PART_BYTES)
}

/// Refuses more files at once than a link allows.
fn check_file_count(count: usize, max: usize) -> Result<(), ApiError> {
    if count <= max {
        return Ok(());
    }
    let message = format!("files has {count} entries; the upload link allows {max} at once");
    Err(ApiError::new(ErrorCode::InvalidBatchSize, message))
}

/// Checks a file by itself and by what the caller may upload, and reads its type.
fn check_file(issuer: &Issuer<'_>, file: &FileToUpload) -> Result<MediaType, ApiError> {
    let name_bytes = file.name.len();
    if !(1..=MAX_NAME_BYTES).contains(&name_bytes) {
        let message = format!("the name has {name_bytes} bytes; 1 to {MAX_NAME_BYTES} are accepted");
        return Err(ApiError::new(ErrorCode::InvalidName, message));
    }
    check_limit(file.size, issuer.max_upload_bytes())?;
    check_type(file, issuer.allowed_types())
}

/// Refuses a file or an object above the limit.
pub(crate) fn check_limit(size: u64, max_bytes: u64) -> Result<(), ApiError> {
    if size <= max_bytes {
        return Ok(());
    }
    let message = format!("{size} bytes are more than the {max_bytes} bytes that are accepted");
    let mut error = ApiError::new(ErrorCode::FileTooLarge, message);
    error.max_bytes = Some(max_bytes);
    Err(error)
}

/// Returns the type as which both the deployment and the link accept a file. The error names the types of the one that
/// does not.
fn check_type(file: &FileToUpload, both: [&AllowedTypes; 2]) -> Result<MediaType, ApiError> {
    let (declared, name) = (&file.media_type, &file.name);
    AllowedTypes::accepted_by_all(&both, declared, name).ok_or_else(|| {
        let [deployment, link] = both;
        let is_the_links = deployment.accepted_type(declared, name).is_some();
        type_not_allowed(declared, if is_the_links { link } else { deployment })
    })
}

/// The refusal of a type.
pub(crate) fn type_not_allowed(declared: &str, allowed: &AllowedTypes) -> ApiError {
    let message = format!("a file of the type {declared:?} is not accepted; these types are: {allowed}");
    let mut error = ApiError::new(ErrorCode::TypeNotAllowed, message);
    error.allowed_types = Some(allowed.patterns().to_vec());
    error
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wire::{MAX_PART_BYTES, SMALL_FILE_MAX_BYTES};

    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn check(file_size: u64, expected: u64) {
        assert_eq!(part_size(file_size), expected, "{file_size}");
    }

    #[test]
    fn parts_are_of_8_mib_as_long_as_10_000_of_them_hold_the_file() {
        check(16 * MIB + 1, 8 * MIB);
        check(10_000 * 8 * MIB, 8 * MIB);
        check(10_000 * 8 * MIB + 1, 9 * MIB);
        check(MAX_PARTS * MAX_PART_BYTES, MAX_PART_BYTES);
    }

    proptest! {
        #[test]
        fn any_file_fits_into_the_parts_that_s3_takes(size in SMALL_FILE_MAX_BYTES..=MAX_PARTS * MAX_PART_BYTES) {
            let part = part_size(size);
            prop_assert!(size.div_ceil(part) <= MAX_PARTS);
            prop_assert!((5 * MIB..=MAX_PART_BYTES).contains(&part));
        }
    }
}
