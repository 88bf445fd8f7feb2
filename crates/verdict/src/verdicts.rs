//! `POST /verdicts`: a page asks what was found in its files.

use std::time::SystemTime;

use http::{Response, StatusCode};
use lambda_api::{
    Deployment, Request,
    json::{check_batch_size, read_body},
    response::{first_if_all, json, method_not_allowed, not_found, preflight, refusal},
};
use wire::{ApiError, ErrorCode, Verdict, VerdictOutcome, VerdictsRequest, VerdictsResponse};

use crate::{
    inspect::{quarantine, verdict_of},
    object_store::{ObjectStore, ObjectVersion},
};

/// The paths that are answered, without stage and `/api`: for who is signed in, and for who has an upload link.
const PATH: &str = "/verdicts";
const LINK_PATH: &str = "/link/verdicts";

/// Their methods.
const METHODS: &str = "POST, OPTIONS";

/// Answers a request of the API that came now.
pub(crate) fn answer(
    request: Request,
    store: &dyn ObjectStore,
    deployment: &Deployment,
    now: SystemTime,
) -> Response<String> {
    let has_links = deployment.links.is_some();
    if request.path != PATH && !(has_links && request.path == LINK_PATH) {
        return refusal(not_found(), None);
    }
    match request.method.as_str() {
        "OPTIONS" => preflight(METHODS),
        "POST" => match verdicts(request, store, deployment, now) {
            Ok(verdicts) => json(StatusCode::OK, &verdicts),
            Err(error) => refusal(error, None),
        },
        _ => method_not_allowed(METHODS),
    }
}

/// The folder of the caller's own keys.
fn own_folder(request: &Request, deployment: &Deployment, now: SystemTime) -> Result<String, ApiError> {
    if request.path == PATH {
        return Ok(deployment.own_folder(request.caller.signed_in()?));
    }
    let grant = deployment.links.as_ref().ok_or_else(not_found)?.of(request)?;
    grant.check(now)?;
    Ok(deployment.link_folder(&grant.link))
}

/// The verdict of each key; the first error if there is one for every key.
fn verdicts(
    request: Request,
    store: &dyn ObjectStore,
    deployment: &Deployment,
    now: SystemTime,
) -> Result<VerdictsResponse, ApiError> {
    deployment.check_way(&request)?;
    let own_folder = own_folder(&request, deployment, now)?;
    let VerdictsRequest { keys } = read_body(request)?;
    check_batch_size("keys", &keys)?;
    let verdicts: Vec<_> = keys
        .into_iter()
        .map(|key| verdict(key, store, &own_folder).unwrap_or_else(VerdictOutcome::Error))
        .collect();
    let errors = verdicts.iter().map(|outcome| match outcome {
        VerdictOutcome::Error(error) => Some(error),
        VerdictOutcome::Verdict(_) | VerdictOutcome::Pending => None,
    });
    match first_if_all(errors) {
        Some(error) => Err(error.clone()),
        None => Ok(VerdictsResponse { verdicts }),
    }
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
    let verdict = tags.as_ref().and_then(|tags| match quarantine(tags) {
        Some(_) => Some(Verdict::Forbidden),
        None => verdict_of(tags),
    });
    Ok(verdict.map_or(VerdictOutcome::Pending, VerdictOutcome::Verdict))
}
