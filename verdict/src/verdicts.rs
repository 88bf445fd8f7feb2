//! `POST /verdicts`: a page learns what was found in its files.

use backend::shared::{
    Fields, Principal, Request, add_preflight_headers, folder, json, json_body, no_content, refusal,
};
use http::{HeaderValue, Response, StatusCode, header::ALLOW};
use serde_json::Value;
use wire::{ApiError, ErrorCode, MAX_BATCH, VerdictOutcome, VerdictsResponse};

use crate::{
    inspect::verdict_of,
    object_store::{ObjectStore, ObjectVersion},
};

/// The one path that is answered, as a path without stage and `/api`.
const PATH: &str = "/verdicts";

/// Its methods.
const METHODS: &str = "POST, OPTIONS";

/// Answers a request of the API.
pub(crate) fn answer(request: Request, store: &dyn ObjectStore, key_prefix: &str) -> Response<String> {
    if request.path != PATH {
        return refusal(ApiError::new(ErrorCode::NotFound, "there is no such path"), None);
    }
    match request.method.as_str() {
        "OPTIONS" => {
            let mut response = no_content();
            add_preflight_headers(METHODS, response.headers_mut());
            response
        }
        "POST" => match verdicts(request, store, key_prefix) {
            Ok(verdicts) => json(StatusCode::OK, &verdicts),
            Err(error) => refusal(error, None),
        },
        _ => {
            let message = format!("this path takes {METHODS}");
            let mut response = refusal(ApiError::new(ErrorCode::MethodNotAllowed, message), None);
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static(METHODS));
            response
        }
    }
}

/// The verdict of each key; the first error where there is one for every key.
fn verdicts(
    request: Request,
    store: &dyn ObjectStore,
    key_prefix: &str,
) -> Result<VerdictsResponse, ApiError> {
    let principal = request.caller.principal.clone().ok_or_else(|| {
        let message = "the token has no sub claim of 1 to 255 bytes";
        ApiError::new(ErrorCode::NotSignedIn, message)
    })?;
    let keys = read_keys(&json_body(request)?)?;
    let own = own_folder(key_prefix, &principal);
    let verdicts: Vec<_> = keys
        .into_iter()
        .map(|key| verdict(key, store, &own).unwrap_or_else(VerdictOutcome::Error))
        .collect();
    let error = |outcome: &VerdictOutcome| match outcome {
        VerdictOutcome::Error(error) => Some(error.clone()),
        VerdictOutcome::Verdict(_) | VerdictOutcome::Pending => None,
    };
    let errors: Option<Vec<ApiError>> = verdicts.iter().map(error).collect();
    match errors.and_then(|errors| errors.into_iter().next()) {
        Some(error) => Err(error),
        None => Ok(VerdictsResponse { verdicts }),
    }
}

fn read_keys(body: &[u8]) -> Result<Vec<String>, ApiError> {
    let invalid = |message: &str| ApiError::new(ErrorCode::InvalidRequest, message);
    let mut request = Fields::parse(body)?;
    let keys = request.need("keys")?;
    request.finish()?;
    let Value::Array(keys) = keys else {
        return Err(invalid("the field keys is not an array"));
    };
    if !(1..=MAX_BATCH).contains(&keys.len()) {
        let message = format!("keys has {} entries; 1 to {MAX_BATCH} are accepted", keys.len());
        return Err(ApiError::new(ErrorCode::InvalidBatchSize, message));
    }
    let keys = keys.into_iter().map(|key| match key {
        Value::String(key) => Ok(key),
        _ => Err(invalid("an entry of keys is not a string")),
    });
    keys.collect()
}

/// Where the keys of a principal lie.
fn own_folder(key_prefix: &str, principal: &Principal) -> String {
    folder(&[key_prefix, principal.as_segment()])
}

fn verdict(key: String, store: &dyn ObjectStore, own_folder: &str) -> Result<VerdictOutcome, ApiError> {
    if !key.starts_with(own_folder) {
        let message = "the key does not belong to the caller";
        return Err(ApiError::new(ErrorCode::Forbidden, message));
    }
    let object = ObjectVersion {
        key,
        version_id: None,
    };
    let tags = store.tags(&object).map_err(|error| {
        tracing::error!(key = object.key, "{error}");
        ApiError::new(ErrorCode::InternalError, "the verdict cannot be read")
    })?;
    let verdict = tags.as_ref().and_then(verdict_of);
    Ok(verdict.map_or(VerdictOutcome::Pending, VerdictOutcome::Verdict))
}
