//! Why a file is not on its way: the facts from which the page makes a sentence.

use serde::{Deserialize, Serialize};
use wire::{ApiError, ErrorCode};

/// What went wrong, as far as a person's next step depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ErrorKind {
    /// The API gave no answer.
    ApiUnreachable,
    /// The API failed, or asked to be left alone for a while.
    ApiBusy,
    /// The API answered something that is not its language.
    ApiUnexpectedAnswer,
    /// The API wants somebody to sign in.
    NotSignedIn,
    /// The API refused the file or the request.
    ApiRefused,
    /// The file is larger than the API allows.
    FileTooLarge,
    /// The API does not take files of this type.
    TypeNotAllowed,
    /// S3 gave no answer that the browser would show.
    S3Unreachable,
    /// A request showed no progress for too long.
    Stalled,
    /// S3 failed, or asked to be left alone for a while.
    S3Busy,
    /// S3 called the presigned URL, or the credentials in it, expired.
    Expired,
    /// S3 and the Lambda disagree about the time.
    ClockSkewed,
    /// The Lambda's role may not do this.
    AccessDenied,
    /// S3 did not accept the signature.
    SignatureRefused,
    /// What S3 received was not what was hashed.
    Corrupted,
    /// Another object has the key.
    AlreadyExists,
    /// S3 does not know the multipart upload any more.
    UploadGone,
    /// The bucket's CORS configuration hides the `ETag` that a multipart upload needs.
    EtagHidden,
    /// S3 answered something that is not its language.
    S3UnexpectedAnswer,
    /// S3 refused for another reason.
    S3Refused,
    /// The file is not there any more.
    FileMissing,
    /// The file changed while it was uploaded, or may not be read any more.
    FileChanged,
}

/// An error of S3 as it was answered (Amazon S3 API reference, "Error responses").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct S3Error {
    /// The HTTP status; 200 for an error in the body of a successful Complete.
    pub status: u16,
    /// `<Code>`; empty where the body was not S3's.
    pub code: String,
    /// `<Message>`.
    pub message: String,
    /// `<RequestId>`, or the header where the body has none.
    pub request_id: String,
}

/// Why a file is not on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadError {
    /// What went wrong.
    pub kind: ErrorKind,
    /// What S3 said.
    pub s3: Option<S3Error>,
    /// What the Lambda said.
    pub api: Option<ApiError>,
}

impl UploadError {
    /// An error of which nothing more is known.
    pub const fn new(kind: ErrorKind) -> Self {
        Self {
            kind,
            s3: None,
            api: None,
        }
    }

    pub(crate) const fn from_s3(kind: ErrorKind, s3: S3Error) -> Self {
        Self {
            kind,
            s3: Some(s3),
            api: None,
        }
    }

    pub(crate) const fn from_api(api: ApiError) -> Self {
        let kind = match api.code {
            ErrorCode::FileTooLarge => ErrorKind::FileTooLarge,
            ErrorCode::TypeNotAllowed => ErrorKind::TypeNotAllowed,
            ErrorCode::NotSignedIn => ErrorKind::NotSignedIn,
            ErrorCode::InternalError => ErrorKind::ApiBusy,
            _ => ErrorKind::ApiRefused,
        };
        Self {
            kind,
            s3: None,
            api: Some(api),
        }
    }
}
