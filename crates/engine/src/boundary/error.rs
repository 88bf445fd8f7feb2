//! Why a file is not uploaded: the facts from which the page makes a sentence.

use serde::{Deserialize, Serialize};
use wire::{ApiError, ErrorCode};

/// What went wrong, as far as a user's next step depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ErrorKind {
    /// The API gave no answer.
    ApiUnreachable,
    /// The API failed, or asked to be left alone for a while.
    ApiBusy,
    /// The API answered something that cannot be read.
    ApiUnexpectedAnswer,
    /// The API asks for a sign-in.
    NotSignedIn,
    /// This deployment did not make the upload link.
    InvalidLink,
    /// The upload link is not valid yet.
    LinkNotYetValid,
    /// The upload link has expired.
    LinkExpired,
    /// The upload link was revoked.
    LinkRevoked,
    /// The API refused the file or the request.
    ApiRefused,
    /// The file is larger than the API allows.
    FileTooLarge,
    /// The API does not take files of this type.
    TypeNotAllowed,
    /// S3 gave no answer that the browser would show.
    S3Unreachable,
    /// The API answers and S3's host never did: something between the browser and S3 blocks it.
    S3Blocked,
    /// Something on the way refuses requests of this size (RFC 9110, section 15.5.14).
    RequestTooLarge,
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
    /// S3 answered something that cannot be read.
    S3UnexpectedAnswer,
    /// S3 refused for another reason.
    S3Refused,
    /// The file changed while it was uploaded, or may not be read any more.
    FileChanged,
}

impl ErrorKind {
    /// Whether it is about the upload link that the page was opened with.
    pub const fn is_of_link(self) -> bool {
        matches!(
            self,
            Self::InvalidLink | Self::LinkNotYetValid | Self::LinkExpired | Self::LinkRevoked
        )
    }
}

/// An error of S3 as it was answered (Amazon S3 API reference, "Error responses").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct S3Error {
    /// The HTTP status; 200 for an error in the body of a successful Complete.
    pub status: u16,
    /// `<Code>`; empty if the body was not S3's.
    pub code: String,
    /// `<Message>`.
    pub message: String,
    /// `<RequestId>`, or the header if the body has none.
    pub request_id: String,
}

/// Why a file is not uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadError {
    /// What went wrong.
    pub kind: ErrorKind,
    /// What S3 said.
    pub s3: Option<S3Error>,
    /// What the Lambda said.
    pub api: Option<ApiError>,
    /// The S3 host that never answered, for [`ErrorKind::S3Blocked`].
    pub host: Option<String>,
    /// The size in bytes up to which requests pass, as far as is known, for [`ErrorKind::RequestTooLarge`].
    pub limit: Option<u64>,
}

impl UploadError {
    /// An error of which nothing more is known.
    pub const fn new(kind: ErrorKind) -> Self {
        Self {
            kind,
            s3: None,
            api: None,
            host: None,
            limit: None,
        }
    }

    pub(crate) fn from_s3(kind: ErrorKind, s3: S3Error) -> Self {
        Self {
            s3: Some(s3),
            ..Self::new(kind)
        }
    }

    pub(crate) fn from_api(api: ApiError) -> Self {
        let kind = match api.code {
            ErrorCode::FileTooLarge => ErrorKind::FileTooLarge,
            ErrorCode::TypeNotAllowed => ErrorKind::TypeNotAllowed,
            ErrorCode::NotSignedIn => ErrorKind::NotSignedIn,
            ErrorCode::InvalidLink => ErrorKind::InvalidLink,
            ErrorCode::LinkNotYetValid => ErrorKind::LinkNotYetValid,
            ErrorCode::LinkExpired => ErrorKind::LinkExpired,
            ErrorCode::LinkRevoked => ErrorKind::LinkRevoked,
            ErrorCode::InternalError => ErrorKind::ApiBusy,
            _ => ErrorKind::ApiRefused,
        };
        Self {
            api: Some(api),
            ..Self::new(kind)
        }
    }
}
