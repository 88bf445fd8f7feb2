//! What an answer from the API, or none, says about the set-up.

use engine::HttpAnswer;
use messages::{Finding, FindingKind};
use serde::de::DeserializeOwned;
use wire::{ApiError, ErrorBody, ErrorCode};

use super::quote::quote;

/// Why the API did not do what it was asked.
#[derive(Debug)]
pub(super) enum ApiProblem {
    /// It refused the request.
    Refused(ApiError),
    /// Something else is wrong.
    Found(Finding),
}

impl ApiProblem {
    pub(super) fn finding(self) -> Finding {
        match self {
            Self::Refused(error) => refused(&error),
            Self::Found(finding) => finding,
        }
    }
}

/// Reads an answer from the API.
pub(super) fn read<T: DeserializeOwned>(url: &str, answer: &HttpAnswer) -> Result<T, ApiProblem> {
    let error = match serde_json::from_str::<T>(&answer.body) {
        Ok(read) if answer.status == 200 => return Ok(read),
        _ => serde_json::from_str::<ErrorBody>(&answer.body).ok(),
    };
    let kind = match (error, answer.status) {
        (Some(body), _) => return Err(ApiProblem::Refused(body.error)),
        (None, 401) => FindingKind::NotSignedIn,
        (None, 429 | 500..) => FindingKind::ApiBusy,
        (None, _) => FindingKind::ApiUnexpectedAnswer,
    };
    let details = quote(&format!("POST {url}"), answer);
    Err(ApiProblem::Found(Finding::new(kind, details, "")))
}

/// The API understood the request, and refused it.
pub(super) fn refused(error: &ApiError) -> Finding {
    let kind = match error.code {
        ErrorCode::NotSignedIn => FindingKind::NotSignedIn,
        ErrorCode::InternalError => FindingKind::ApiBusy,
        _ => FindingKind::ApiRefused,
    };
    Finding::new(kind, format!("{}: {}", error.code, error.message), "")
}

/// The API answered without a plan or an error.
pub(super) fn empty_answer() -> Finding {
    Finding::new(FindingKind::ApiUnexpectedAnswer, "It planned nothing.", "")
}

/// The browser shows no answer from the API.
pub(super) fn api_silence(url: &str, is_reachable: bool, origin: &str) -> Finding {
    if is_reachable {
        let details =
            format!("{url} answers, but does not allow pages of {origin}. Set this for the Lambda:");
        Finding::new(FindingKind::ApiCors, details, format!("ALLOWED_ORIGINS={origin}"))
    } else {
        let details = format!(
            "Nothing answers at {url}. The address is apiUrl in config.json; the page's \
             Content-Security-Policy has to allow it in connect-src."
        );
        Finding::new(FindingKind::ApiUnreachable, details, "")
    }
}
