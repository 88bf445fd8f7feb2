//! What is to be done after an answer that is no success.

use crate::{ErrorKind, UploadError};

/// What is to be done after an answer that is no success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Recovery {
    /// No answer, or none that the server vouches for: find out whether the request was carried out, then try again.
    Ambiguous(UploadError),
    /// Try again after a back-off.
    Retry(UploadError),
    /// S3 wants fewer requests; try again after a back-off.
    Throttled(UploadError),
    /// The bytes did not arrive as they were hashed: hash again, then send again once.
    HashAgain(UploadError),
    /// The signature is of no use any more: have the request signed again.
    SignAgain(UploadError),
    /// The request is larger than something on the way lets through: make it smaller.
    TooLarge(UploadError),
    /// Something on the way refuses it: perhaps because of its size, perhaps only now.
    Refused(UploadError),
    /// The multipart upload is gone.
    UploadGone(UploadError),
    /// S3 does not have a part of the multipart upload as it was named.
    PartsDiffer(UploadError),
    /// Another conditional write to the key is in progress: perhaps an earlier one of this page.
    Conflict(UploadError),
    /// Something already has the key.
    AlreadyExists(UploadError),
    /// No further try would change it.
    Final(UploadError),
}

impl Recovery {
    /// What went wrong.
    pub(crate) fn into_error(self) -> UploadError {
        match self {
            Self::Ambiguous(error)
            | Self::Retry(error)
            | Self::Throttled(error)
            | Self::HashAgain(error)
            | Self::SignAgain(error)
            | Self::TooLarge(error)
            | Self::Refused(error)
            | Self::UploadGone(error)
            | Self::PartsDiffer(error)
            | Self::Conflict(error)
            | Self::AlreadyExists(error)
            | Self::Final(error) => error,
        }
    }

    /// What follows where the request did not ask S3 to keep an object that is there: then nothing proves that one is.
    pub(crate) fn of_unconditional_request(self) -> Self {
        match self {
            Self::AlreadyExists(error) => Self::Final(UploadError {
                kind: ErrorKind::S3Refused,
                ..error
            }),
            other => other,
        }
    }

    /// What follows where the request has no part of the file in it, and so cannot be made smaller: S3 alone can call
    /// the object too large, and anybody else is on the way.
    pub(crate) fn of_control_request(self) -> Self {
        match self {
            Self::TooLarge(error) if error.s3.as_ref().is_none_or(|s3| s3.code.is_empty()) => {
                Self::Refused(error)
            }
            Self::TooLarge(error) => Self::Final(UploadError {
                kind: ErrorKind::FileTooLarge,
                ..error
            }),
            other => other,
        }
    }
}
