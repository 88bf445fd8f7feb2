//! Reading the Lambda's answers.

use wire::{BatchId, ErrorBody, FilePlan, LinkTerms, ManifestResponse, SignResponse, UploadsResponse};

use crate::{
    ErrorKind, FileId, HttpAnswer, TransportFailure, UploadError,
    protocol::{
        judge::{Asked, judge},
        recovery::Recovery,
    },
};

/// An answer of `POST /uploads`, whether it planned any file or none.
pub(crate) struct Plans {
    pub(crate) server_time: Option<u64>,
    pub(crate) batch: Option<BatchId>,
    pub(crate) files: Vec<FilePlan>,
}

/// Whether there is one plan a file, in order.
pub(crate) fn are_for(plans: &[FilePlan], files: &[FileId]) -> bool {
    plans.len() == files.len()
        && plans
            .iter()
            .zip(files)
            .all(|(plan, file)| plan.id == file.0.to_string())
}

pub(crate) fn read_plans(answer: Result<HttpAnswer, TransportFailure>) -> Result<Plans, Recovery> {
    if let Ok(answer) = &answer
        && let Some(files) = refused_files(answer)
    {
        return Ok(Plans {
            server_time: None,
            batch: None,
            files,
        });
    }
    let response: UploadsResponse = read_json(&judge(Asked::Api, answer)?)?;
    Ok(Plans {
        server_time: Some(response.server_time),
        batch: Some(response.batch),
        files: response.files,
    })
}

/// Each file's own error, if the Lambda refused every file of a call.
fn refused_files(answer: &HttpAnswer) -> Option<Vec<FilePlan>> {
    let refusal: ErrorBody = serde_json::from_str(&answer.body).ok()?;
    refusal.files.filter(|_| (400..500).contains(&answer.status))
}

pub(crate) fn read_signatures(
    answer: Result<HttpAnswer, TransportFailure>,
) -> Result<SignResponse, Recovery> {
    read_json(&judge(Asked::Api, answer)?)
}

pub(crate) fn read_manifest(
    answer: Result<HttpAnswer, TransportFailure>,
) -> Result<ManifestResponse, Recovery> {
    read_json(&judge(Asked::Api, answer)?)
}

/// Reads an answer of `GET /link`, for whoever asks before there is an engine.
///
/// # Errors
/// Why the link does not let anybody in, or not now. [`ErrorKind::ApiUnreachable`] and [`ErrorKind::ApiBusy`] may pass.
pub fn read_link_terms(answer: Result<HttpAnswer, TransportFailure>) -> Result<LinkTerms, UploadError> {
    let terms = judge(Asked::Api, answer).and_then(|answer| read_json(&answer));
    terms.map_err(Recovery::into_error)
}

/// What is no answer of the Lambda is a stranger's, who may be gone in a while.
fn read_json<T: serde::de::DeserializeOwned>(answer: &HttpAnswer) -> Result<T, Recovery> {
    serde_json::from_str(&answer.body)
        .map_err(|_| Recovery::Ambiguous(UploadError::new(ErrorKind::ApiUnexpectedAnswer)))
}
