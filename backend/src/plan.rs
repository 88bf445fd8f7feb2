//! `POST /uploads`: where files may go, and how.

use serde_json::Value;
use wire::{
    ApiError, DEFAULT_PART_BYTES, ErrorCode, FilePlan, MAX_PARTS, PlanOutcome, SINGLE_PUT_MAX_BYTES,
    SMALL_FILE_MAX_BYTES, Sha256Digest, UploadsResponse,
};

use crate::{
    bucket::Endpoint,
    fields::{Fields, check_limit, read_sha256, read_size},
    issuer::Issuer,
    key::new_key,
    media_type::{AllowedTypes, MediaType},
    s3_request::{Description, S3Request},
    settings::Settings,
};

/// Longest file name in bytes of UTF-8, path included: what Linux takes for a path (`PATH_MAX`).
const MAX_NAME_BYTES: usize = 4_096;

/// Part sizes are whole numbers of this many bytes.
const PART_STEP_BYTES: u64 = 1024 * 1024;

/// A file that passed every check.
#[derive(Debug)]
struct CheckedFile {
    name: String,
    size: u64,
    media_type: MediaType,
    sha256: Option<Sha256Digest>,
    endpoint: Endpoint,
}

/// Plans each file on its own: one that is refused spoils no other.
///
/// # Errors
///
/// Where the body as a whole is wrong: a field that is unknown or missing, no 1 to 100 files, or a file
/// without an `id`, for which nothing could be answered.
pub(crate) fn plan(issuer: &Issuer<'_>, body: &[u8]) -> Result<UploadsResponse, ApiError> {
    let mut request = Fields::parse(body)?;
    let mut entries = request.need_batch("files")?;
    request.finish()?;
    let ids: Vec<String> = entries
        .iter_mut()
        .map(|entry| entry.need_string("id"))
        .collect::<Result<_, _>>()?;
    let plans = ids.into_iter().zip(entries).map(|(id, entry)| FilePlan {
        id,
        outcome: plan_file(issuer, entry).unwrap_or_else(|error| {
            issuer.record_refusal(&error);
            PlanOutcome::Refused(error)
        }),
    });
    Ok(UploadsResponse {
        server_time: issuer.server_time(),
        files: plans.collect(),
    })
}

fn plan_file(issuer: &Issuer<'_>, entry: Fields) -> Result<PlanOutcome, ApiError> {
    let file = check_file(issuer.settings(), entry)?;
    let key = new_key(&issuer.own_folder(), issuer.environment().new_uuid(), &file.name);
    let description = Description {
        key: &key,
        name: &file.name,
        media_type: &file.media_type,
        storage: &issuer.settings().storage,
    };
    let may_be_single = file.size <= SINGLE_PUT_MAX_BYTES && file.sha256.is_some();
    if file.size > SMALL_FILE_MAX_BYTES && !may_be_single {
        let create = issuer.issue(&key, &S3Request::create_multipart_upload(description, file.size))?;
        return Ok(PlanOutcome::Multipart {
            key,
            create,
            part_size: part_size(file.size),
        });
    }
    let sha256 = file.sha256.ok_or_else(|| {
        let message = format!("a file of up to {SMALL_FILE_MAX_BYTES} bytes needs its SHA-256");
        ApiError::new(ErrorCode::ChecksumRequired, message)
    })?;
    let put = S3Request::put_object(description, file.size, sha256).at(file.endpoint);
    let put = issuer.issue(&key, &put)?;
    Ok(PlanOutcome::Put { key, put })
}

/// The size in bytes that every part but the last has at least: 8 MiB, and more only where 10,000 parts would
/// not do.
pub(crate) fn part_size(file_size: u64) -> u64 {
    file_size
        .div_ceil(MAX_PARTS)
        .next_multiple_of(PART_STEP_BYTES)
        .max(DEFAULT_PART_BYTES)
}

fn check_file(settings: &Settings, mut entry: Fields) -> Result<CheckedFile, ApiError> {
    let name = entry.need("name")?;
    let size = entry.need("size")?;
    let media_type = entry.take("type");
    let sha256 = entry.take("sha256").filter(|value| !value.is_null());
    let endpoint = entry.take_endpoint()?;
    entry.finish()?;
    let file = CheckedFile {
        name: read_name(name)?,
        size: read_size(&size)?,
        media_type: read_type(media_type)?,
        sha256: sha256.as_ref().map(read_sha256).transpose()?,
        endpoint,
    };
    check_limit(file.size, settings.max_upload_bytes)?;
    check_type(&file.media_type, &settings.allowed_types)?;
    Ok(file)
}

fn read_name(value: Value) -> Result<String, ApiError> {
    match value {
        Value::String(name) if (1..=MAX_NAME_BYTES).contains(&name.len()) => Ok(name),
        _ => {
            let message = format!("the name is not a text of 1 to {MAX_NAME_BYTES} bytes");
            Err(ApiError::new(ErrorCode::InvalidName, message))
        }
    }
}

fn read_type(value: Option<Value>) -> Result<MediaType, ApiError> {
    let media_type = match &value {
        None => MediaType::parse(""),
        Some(value) => value.as_str().and_then(MediaType::parse),
    };
    media_type.ok_or_else(|| {
        ApiError::new(
            ErrorCode::InvalidType,
            "the type is not a media type such as image/png",
        )
    })
}

fn check_type(media_type: &MediaType, allowed: &AllowedTypes) -> Result<(), ApiError> {
    if allowed.allow(media_type) {
        return Ok(());
    }
    let message = format!(
        "{} is not accepted; these types are: {allowed}",
        media_type.as_str()
    );
    let mut error = ApiError::new(ErrorCode::TypeNotAllowed, message);
    error.allowed_types = Some(allowed.patterns().to_vec());
    Err(error)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wire::MAX_PART_BYTES;

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
