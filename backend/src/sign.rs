//! `POST /sign`: the further requests of one multipart upload.

use serde_json::Value;
use wire::{
    ApiError, DEFAULT_PART_BYTES, ErrorCode, GROWN_PART_MAX_BYTES, MAX_PARTS, OperationOutcome, SignResponse,
};

use crate::{
    fields::{Fields, check_limit, read_sha256, read_size},
    issuer::Issuer,
    key::check_key,
    plan::part_size,
    s3_request::S3Request,
};

/// Longest upload id in bytes; those of S3 are opaque and about 130 characters long.
const MAX_UPLOAD_ID_BYTES: usize = 1_024;

/// Signs each operation on its own: one that is refused spoils no other.
///
/// # Errors
///
/// Where the body as a whole is wrong, or the key does not lie in the caller's own folder.
pub(crate) fn sign(issuer: &Issuer<'_>, body: &[u8]) -> Result<SignResponse, ApiError> {
    let mut request = Fields::parse(body)?;
    let key = request.need_string("key")?;
    let upload_id = request.need_string("uploadId")?;
    let operations = request.need_batch("operations")?;
    request.finish()?;
    check_own_key(issuer, &key)?;
    check_upload_id(&upload_id)?;
    let max_bytes = issuer.settings().max_upload_bytes;
    let outcomes = operations.into_iter().map(|operation| {
        let signed = read_operation(operation, &upload_id, max_bytes)
            .and_then(|request| issuer.issue(&key, &request))
            .inspect_err(|error| issuer.record_refusal(error));
        match signed {
            Ok(signed) => OperationOutcome::Signed(signed),
            Err(error) => OperationOutcome::Error(error),
        }
    });
    Ok(SignResponse {
        server_time: issuer.server_time(),
        requests: outcomes.collect(),
    })
}

fn check_own_key(issuer: &Issuer<'_>, key: &str) -> Result<(), ApiError> {
    check_key(key).map_err(|fault| ApiError::new(ErrorCode::InvalidKey, fault.to_string()))?;
    if key.starts_with(&issuer.own_folder()) {
        Ok(())
    } else {
        Err(ApiError::new(
            ErrorCode::Forbidden,
            "the key belongs to somebody else",
        ))
    }
}

fn check_upload_id(upload_id: &str) -> Result<(), ApiError> {
    let printable = upload_id.bytes().all(|byte| byte.is_ascii_graphic());
    if printable && (1..=MAX_UPLOAD_ID_BYTES).contains(&upload_id.len()) {
        Ok(())
    } else {
        let message = format!("the upload id is not 1 to {MAX_UPLOAD_ID_BYTES} printable ASCII characters");
        Err(ApiError::new(ErrorCode::InvalidUploadId, message))
    }
}

fn read_operation(mut fields: Fields, upload_id: &str, max_bytes: u64) -> Result<S3Request, ApiError> {
    let request = match fields.need_string("operation")?.as_str() {
        "UploadPart" => read_upload_part(&mut fields, upload_id, max_bytes)?,
        "ListParts" => read_list_parts(&mut fields, upload_id)?,
        "CompleteMultipartUpload" => read_complete(&mut fields, upload_id, max_bytes)?,
        "AbortMultipartUpload" => S3Request::abort_multipart_upload(upload_id),
        other => {
            let message = format!("the operation {other:?} is unknown");
            return Err(ApiError::new(ErrorCode::InvalidRequest, message));
        }
    };
    fields.finish()?;
    Ok(request)
}

fn read_upload_part(fields: &mut Fields, upload_id: &str, max_bytes: u64) -> Result<S3Request, ApiError> {
    let number = read_part_number(&fields.need("partNumber")?, 1)?;
    let size = read_size(&fields.need("size")?)?;
    let sha256 = read_sha256(&fields.need("sha256")?)?;
    let endpoint = fields.take_endpoint()?;
    check_part(number, size, max_bytes)?;
    Ok(S3Request::upload_part(upload_id, number, size, sha256).at(endpoint))
}

fn read_list_parts(fields: &mut Fields, upload_id: &str) -> Result<S3Request, ApiError> {
    let marker = fields.take("partNumberMarker").filter(|value| !value.is_null());
    let marker = marker.map(|value| read_part_number(&value, 0)).transpose()?;
    Ok(S3Request::list_parts(upload_id, marker))
}

fn read_complete(fields: &mut Fields, upload_id: &str, max_bytes: u64) -> Result<S3Request, ApiError> {
    let size = read_size(&fields.need("size")?)?;
    if size == 0 {
        return Err(ApiError::new(
            ErrorCode::InvalidSize,
            "a multipart upload has at least 1 byte",
        ));
    }
    check_limit(size, max_bytes)?;
    Ok(S3Request::complete_multipart_upload(upload_id, size))
}

fn read_part_number(value: &Value, min: u32) -> Result<u32, ApiError> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number
        .filter(|number| (min..=MAX_PARTS as u32).contains(number))
        .ok_or_else(|| {
            let message = format!("the part number is not a whole number from {min} to {MAX_PARTS}");
            ApiError::new(ErrorCode::InvalidPartNumber, message)
        })
}

/// Bounds what the parts of one upload can hold together.
///
/// No part is larger than the parts of the largest file that is accepted, or than parts may grow, and the
/// parts before it have at least 8 MiB each. Where that largest file has parts of 8 MiB (up to 78 GiB), all
/// parts together hold no more than four times as much as it; in any case the signed object size of
/// CompleteMultipartUpload bounds the object.
fn check_part(number: u32, size: u64, max_bytes: u64) -> Result<(), ApiError> {
    let max_part = part_size(max_bytes).max(GROWN_PART_MAX_BYTES).min(max_bytes);
    if size == 0 || size > max_part {
        let mut error = ApiError::new(
            ErrorCode::InvalidSize,
            format!("a part has 1 to {max_part} bytes here, not {size}"),
        );
        error.max_bytes = Some(max_part);
        return Err(error);
    }
    let before = (u64::from(number) - 1) * DEFAULT_PART_BYTES;
    if before + size > max_bytes {
        let message = format!("a file of at most {max_bytes} bytes has no part {number} of {size} bytes");
        return Err(ApiError::new(ErrorCode::InvalidPartNumber, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wire::MAX_PART_BYTES;

    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn check(number: u32, size: u64, max_bytes: u64, expected: Result<(), ErrorCode>) {
        let outcome = check_part(number, size, max_bytes).map_err(|error| error.code);
        assert_eq!(
            outcome, expected,
            "part {number} of {size} bytes, at most {max_bytes}"
        );
    }

    #[test]
    fn parts_beyond_the_largest_file_are_refused() {
        check(1, 8 * MIB, 20 * MIB, Ok(()));
        check(3, 4 * MIB, 20 * MIB, Ok(()));
        check(3, 4 * MIB + 1, 20 * MIB, Err(ErrorCode::InvalidPartNumber));
        check(4, 1, 20 * MIB, Err(ErrorCode::InvalidPartNumber));
        check(1, 20 * MIB + 1, 20 * MIB, Err(ErrorCode::InvalidSize));
        check(1, 32 * MIB, 90 * MIB, Ok(()));
        check(1, 32 * MIB + 1, 90 * MIB, Err(ErrorCode::InvalidSize));
        check(1, 0, 20 * MIB, Err(ErrorCode::InvalidSize));
        check(1, 3, 2, Err(ErrorCode::InvalidSize));
        check(10_000, MAX_PART_BYTES, MAX_PARTS * MAX_PART_BYTES, Ok(()));
        check(
            1,
            MAX_PART_BYTES + 1,
            MAX_PARTS * MAX_PART_BYTES,
            Err(ErrorCode::InvalidSize),
        );
    }

    proptest! {
        #[test]
        fn every_part_of_a_planned_file_is_accepted(
            max_bytes in 1..=MAX_PARTS * MAX_PART_BYTES,
            share in 0.0..=1.0_f64,
            which in 0.0..1.0_f64,
        ) {
            let file = (((max_bytes as f64) * share) as u64).clamp(1, max_bytes);
            let part = part_size(file);
            let parts = file.div_ceil(part);
            let index = ((parts as f64) * which) as u64;
            let size = part.min(file - index * part);
            prop_assert!(check_part(index as u32 + 1, size, max_bytes).is_ok());
        }
    }
}
