//! `POST /manifests`: the object that says that a batch has ended.

use lambda_api::json::{FieldError, Object, read_object};
use wire::{
    ApiError, ErrorCode, MANIFEST_TYPE, MAX_MANIFEST_BYTES, MAX_MANIFEST_EDITION, ManifestRequest,
    ManifestResponse, manifest_name,
};

use crate::{
    issuer::Issuer,
    plan::{SECOND_ENDPOINT, SHA256, SIZE, check_limit},
    s3_request::{Description, S3Request},
};

/// The fields that have an error of their own.
const FIELDS: [FieldError<'_>; 4] = [
    (
        "edition",
        ErrorCode::InvalidRequest,
        "the edition is not a whole number",
    ),
    SIZE,
    SHA256,
    SECOND_ENDPOINT,
];

/// Signs the PutObject of a batch's manifest: these bytes, once, beside the batch's folder. The limits of files do not
/// hold for it.
pub(crate) fn sign_manifest(issuer: &Issuer<'_>, request: Object) -> Result<ManifestResponse, ApiError> {
    let request: ManifestRequest = read_object(request, &FIELDS)?;
    check(&request)?;
    let name = manifest_name(request.batch, request.edition);
    let key = issuer.own_folder() + &name;
    let description = Description {
        key: &key,
        name: &name,
        media_type: MANIFEST_TYPE,
        storage: &issuer.settings().storage,
    };
    let put = S3Request::put_manifest(description, request.size, request.sha256).at(request.endpoint);
    let put = issuer.issue(&key, put)?;
    Ok(ManifestResponse {
        server_time: issuer.server_time(),
        key,
        put,
    })
}

fn check(request: &ManifestRequest) -> Result<(), ApiError> {
    let edition = request.edition;
    if !(1..=MAX_MANIFEST_EDITION).contains(&edition) {
        let message = format!("the edition is {edition}; 1 to {MAX_MANIFEST_EDITION} are accepted");
        return Err(ApiError::new(ErrorCode::InvalidRequest, message));
    }
    if request.size == 0 {
        let message = "a manifest has at least 1 byte";
        return Err(ApiError::new(ErrorCode::InvalidSize, message));
    }
    check_limit(request.size, MAX_MANIFEST_BYTES)
}
