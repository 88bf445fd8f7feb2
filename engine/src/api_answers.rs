//! The Lambda's answers: reading them, and telling what is worth another try from what is not.

use wire::{ErrorBody, FilePlan, SignResponse, UploadsResponse};

use crate::{ErrorKind, FileId, HttpAnswer, TransportFailure, UploadError};

/// An answer of `POST /uploads`, whether it planned any file or none.
pub(crate) struct Plans {
    pub(crate) server_time: Option<u64>,
    pub(crate) files: Vec<FilePlan>,
}

/// Why a call has no readable answer.
pub(crate) enum Refusal {
    NoAnswer,
    /// Worth another try.
    Busy(UploadError),
    /// Not worth one.
    Final(UploadError),
}

/// Whether there is one plan a file, in order.
pub(crate) fn are_for(plans: &[FilePlan], files: &[FileId]) -> bool {
    plans.len() == files.len()
        && plans
            .iter()
            .zip(files)
            .all(|(plan, file)| plan.id == file.0.to_string())
}

pub(crate) fn read_plans(answer: Result<HttpAnswer, TransportFailure>) -> Result<Plans, Refusal> {
    let answer = answer.map_err(|_| Refusal::NoAnswer)?;
    if answer.status == 200 {
        let response: UploadsResponse = read_json(&answer)?;
        return Ok(Plans {
            server_time: Some(response.server_time),
            files: response.files,
        });
    }
    match serde_json::from_str(&answer.body) {
        Ok(ErrorBody {
            files: Some(files), ..
        }) if answer.status < 500 => Ok(Plans {
            server_time: None,
            files,
        }),
        _ => Err(refusal(&answer)),
    }
}

pub(crate) fn read_signatures(answer: Result<HttpAnswer, TransportFailure>) -> Result<SignResponse, Refusal> {
    let answer = answer.map_err(|_| Refusal::NoAnswer)?;
    if answer.status == 200 {
        return read_json(&answer);
    }
    Err(refusal(&answer))
}

fn read_json<T: serde::de::DeserializeOwned>(answer: &HttpAnswer) -> Result<T, Refusal> {
    serde_json::from_str(&answer.body)
        .map_err(|_| Refusal::Final(UploadError::new(ErrorKind::ApiUnexpectedAnswer)))
}

/// Judges an answer that is no success. API Gateway's own errors do not have the Lambda's form.
fn refusal(answer: &HttpAnswer) -> Refusal {
    let api = serde_json::from_str::<ErrorBody>(&answer.body)
        .ok()
        .map(|body| body.error);
    let is_busy = matches!(answer.status, 408 | 429 | 500..);
    let error = match (api, answer.status) {
        (Some(api), _) => UploadError::from_api(api),
        (None, 401) => UploadError::new(ErrorKind::NotSignedIn),
        (None, 403) => UploadError::new(ErrorKind::ApiRefused),
        (None, _) if is_busy => UploadError::new(ErrorKind::ApiBusy),
        (None, _) => UploadError::new(ErrorKind::ApiUnexpectedAnswer),
    };
    if is_busy {
        Refusal::Busy(error)
    } else {
        Refusal::Final(error)
    }
}
