//! `POST /sign`: the further requests of one multipart upload.

use lambda_api::json::{FieldError, Object, check_batch_size, read_object};
use wire::{
    ApiError, Endpoint, ErrorCode, GROWN_PART_MAX_BYTES, MAX_PARTS, MIN_PART_BYTES, MultipartOperation,
    OperationOutcome, SignRequest, SignResponse,
};

use crate::{
    issuer::Issuer,
    key::check_named_key,
    plan::{SECOND_ENDPOINT, SHA256, SIZE, check_limit, part_size},
    s3_request::S3Request,
};

/// The longest upload id in bytes; those of S3 are opaque and about 130 characters long.
const MAX_UPLOAD_ID_BYTES: usize = 1_024;

/// The fields of an operation that have an error of their own.
const FIELDS: [FieldError<'_>; 5] = [
    (
        "partNumber",
        ErrorCode::InvalidPartNumber,
        "the part number is not a whole number",
    ),
    (
        "partNumberMarker",
        ErrorCode::InvalidPartNumber,
        "the part number marker is not a whole number",
    ),
    SIZE,
    SHA256,
    SECOND_ENDPOINT,
];

/// Signs each operation on its own, so that one that is refused does not fail the others.
///
/// # Errors
///
/// If the body as a whole is wrong, or the key does not lie in the caller's own folder.
pub(crate) fn sign(issuer: &Issuer<'_>, request: SignRequest<Object>) -> Result<SignResponse, ApiError> {
    let SignRequest {
        key,
        upload_id,
        endpoint,
        operations,
    } = request;
    check_batch_size("operations", &operations)?;
    check_own_key(issuer, &key)?;
    check_upload_id(&upload_id)?;
    let max_bytes = issuer.max_upload_bytes();
    let outcomes = operations.into_iter().map(|operation| {
        let signed = read_object(operation, &FIELDS)
            .and_then(|operation| s3_request(operation, &upload_id, endpoint, max_bytes))
            .and_then(|request| issuer.issue(&key, request))
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
    check_named_key(key)?;
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

/// The request of an operation, checked by the limits. `control` is where those without bytes go.
fn s3_request(
    operation: MultipartOperation,
    upload_id: &str,
    control: Endpoint,
    max_bytes: u64,
) -> Result<S3Request, ApiError> {
    match operation {
        MultipartOperation::UploadPart {
            part_number,
            size,
            sha256,
            endpoint,
        } => {
            check_part_number(part_number, 1)?;
            check_part(part_number, size, max_bytes)?;
            Ok(S3Request::upload_part(upload_id, part_number, size, sha256).at(endpoint))
        }
        MultipartOperation::ListParts { part_number_marker } => {
            check_part_number(part_number_marker.unwrap_or_default(), 0)?;
            Ok(S3Request::list_parts(upload_id, part_number_marker).at(control))
        }
        MultipartOperation::CompleteMultipartUpload { size: 0 } => Err(ApiError::new(
            ErrorCode::InvalidSize,
            "a multipart upload has at least 1 byte",
        )),
        MultipartOperation::CompleteMultipartUpload { size } => {
            check_limit(size, max_bytes)?;
            Ok(S3Request::complete_multipart_upload(upload_id, size).at(control))
        }
        MultipartOperation::AbortMultipartUpload => {
            Ok(S3Request::abort_multipart_upload(upload_id).at(control))
        }
    }
}

fn check_part_number(number: u32, min: u32) -> Result<(), ApiError> {
    if (min..=MAX_PARTS as u32).contains(&number) {
        return Ok(());
    }
    let message = format!("the part number is {number}; {min} to {MAX_PARTS} are accepted");
    Err(ApiError::new(ErrorCode::InvalidPartNumber, message))
}

/// Bounds what the parts of one upload can hold together.
///
/// No part is larger than the parts of the largest file that is accepted, or than parts may grow, and the
/// parts before it have at least 5 MiB each. If that largest file has parts of 8 MiB (up to 78 GiB), all
/// parts together hold no more than seven times as much as it; in any case the signed object size of
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
    let before = (u64::from(number) - 1) * MIN_PART_BYTES;
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
        check(3, 10 * MIB, 20 * MIB, Ok(()));
        check(3, 10 * MIB + 1, 20 * MIB, Err(ErrorCode::InvalidPartNumber));
        check(5, 1, 20 * MIB, Err(ErrorCode::InvalidPartNumber));
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
