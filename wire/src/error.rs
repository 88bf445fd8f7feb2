//! The Lambda's typed errors.

use serde::{Deserialize, Serialize};

use crate::FilePlan;

/// Why the Lambda refused, as a name that programs can match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ErrorCode {
    /// 400: the request has no body.
    MissingBody,
    /// 400: the body is not JSON.
    InvalidJson,
    /// 400: the JSON lacks a field, has an unknown one, or one of the wrong type; or what API Gateway sent
    /// is no event of payload format 2.0.
    InvalidRequest,
    /// 400: the batch is empty or has more than [`crate::MAX_BATCH`] entries.
    InvalidBatchSize,
    /// 400: the key is missing, empty, outside the prefix, too long, or has a part that is not allowed.
    InvalidKey,
    /// 400: the file's name is empty or too long.
    InvalidName,
    /// 400: the size is not a whole number of bytes, or not one that the operation allows.
    InvalidSize,
    /// 400: the type is not a media type (RFC 9110, section 8.3.1).
    InvalidType,
    /// 400: the SHA-256 is not 44 characters of base64.
    InvalidChecksum,
    /// 400: a file that travels as one PutObject has no SHA-256.
    ChecksumRequired,
    /// 400: the part number is not 1 to 10,000, or not one that the upload can have.
    InvalidPartNumber,
    /// 400: the upload id is empty or too long.
    InvalidUploadId,
    /// 401: no principal is signed in where one is needed.
    NotSignedIn,
    /// 403: the key belongs to somebody else.
    Forbidden,
    /// 403: the plain `GET /presign` contract is turned off.
    PresignDisabled,
    /// 404: no such route.
    NotFound,
    /// 405: the route has no such method.
    MethodNotAllowed,
    /// 413: the file is larger than the limit.
    FileTooLarge,
    /// 413: the request's body is larger than the limit.
    BodyTooLarge,
    /// 415: the body is not `application/json`.
    UnsupportedMediaType,
    /// 415: files of this type are not accepted.
    TypeNotAllowed,
    /// 500: the Lambda could not sign; the reason is in its log.
    InternalError,
    /// A code that this version does not know: a newer Lambda's.
    #[serde(other)]
    Unknown,
}

impl ErrorCode {
    /// The HTTP status that goes with the code (RFC 9110, section 15).
    pub const fn status(self) -> u16 {
        match self {
            Self::MissingBody
            | Self::InvalidJson
            | Self::InvalidRequest
            | Self::InvalidBatchSize
            | Self::InvalidKey
            | Self::InvalidName
            | Self::InvalidSize
            | Self::InvalidType
            | Self::InvalidChecksum
            | Self::ChecksumRequired
            | Self::InvalidPartNumber
            | Self::InvalidUploadId => 400,
            Self::NotSignedIn => 401,
            Self::Forbidden | Self::PresignDisabled => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::FileTooLarge | Self::BodyTooLarge => 413,
            Self::UnsupportedMediaType | Self::TypeNotAllowed => 415,
            Self::InternalError | Self::Unknown => 500,
        }
    }
}

/// A typed error, with the facts that a program needs to explain it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiError {
    /// The name to match.
    pub code: ErrorCode,
    /// One English sentence for a log or a developer.
    pub message: String,
    /// The limit in bytes that was passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// The media types that are accepted, such as `image/*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_types: Option<Vec<String>>,
}

impl ApiError {
    /// An error without further facts.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            max_bytes: None,
            allowed_types: None,
        }
    }
}

/// The body of every answer with a status of 400 or more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What was wrong; of a batch, the first entry's error.
    pub error: ApiError,
    /// Where every file of a `POST /uploads` was refused: each file's own error, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<FilePlan>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_carries_only_the_facts_it_has() {
        let mut error = ApiError::new(ErrorCode::FileTooLarge, "too large");
        error.max_bytes = Some(5);
        let body = ErrorBody { error, files: None };
        assert_eq!(
            serde_json::to_string(&body).expect("JSON"),
            r#"{"error":{"code":"FileTooLarge","message":"too large","maxBytes":5}}"#
        );
    }

    #[test]
    fn a_code_of_a_newer_lambda_is_read_as_unknown() {
        let error: ApiError =
            serde_json::from_str(r#"{"code":"Teapot","message":"short and stout"}"#).expect("an error");
        assert_eq!(error.code, ErrorCode::Unknown);
    }
}
