//! The typed errors of both Lambdas.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::FilePlan;

/// One line for each code: its meaning, its name and its status.
macro_rules! error_codes {
    ($($(#[$meaning:meta])* $code:ident = $status:literal,)*) => {
        /// Why the Lambda refused, as a name that programs can match.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ErrorCode {
            $($(#[$meaning])* $code,)*
            /// A code that this version does not know: a newer Lambda's.
            #[serde(other)]
            Unknown,
        }

        impl ErrorCode {
            /// Every code that this version of the Lambda can send.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// The code as JSON, the log and the metrics name it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => stringify!($code),)*
                    Self::Unknown => "Unknown",
                }
            }

            /// The HTTP status that goes with the code (RFC 9110, section 15); 500 for an unknown one.
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$code => $status,)*
                    Self::Unknown => 500,
                }
            }
        }
    };
}

error_codes! {
    /// The request has no body.
    MissingBody = 400,
    /// The body is not JSON.
    InvalidJson = 400,
    /// The JSON lacks a field, has an unknown one, or one of the wrong type; or what API Gateway sent is not
    /// an event of payload format 2.0.
    InvalidRequest = 400,
    /// The batch is empty or has more than [`crate::MAX_BATCH`] entries.
    InvalidBatchSize = 400,
    /// The key is missing, empty, outside the prefix, too long, or has a part that is not allowed.
    InvalidKey = 400,
    /// The file's name is empty or too long.
    InvalidName = 400,
    /// The size is not a whole number of bytes, or not one that the operation allows.
    InvalidSize = 400,
    /// The type is not a media type (RFC 9110, section 8.3.1).
    InvalidType = 400,
    /// The SHA-256 is not 44 characters of base64.
    InvalidChecksum = 400,
    /// A file that is sent as one PutObject has no SHA-256.
    ChecksumRequired = 400,
    /// The part number is not 1 to [`crate::MAX_PARTS`], or not one that the upload can have.
    InvalidPartNumber = 400,
    /// The upload id is empty or too long.
    InvalidUploadId = 400,
    /// No principal is signed in, and one is needed.
    NotSignedIn = 401,
    /// The request has no upload link, or one that this deployment did not make.
    InvalidLink = 401,
    /// The upload link's time is over.
    LinkExpired = 403,
    /// The upload link's time has not come yet.
    LinkNotYetValid = 403,
    /// The upload link was revoked.
    LinkRevoked = 403,
    /// The key belongs to another principal.
    Forbidden = 403,
    /// The plain `GET /presign` contract is turned off.
    PresignDisabled = 403,
    /// There is no such path.
    NotFound = 404,
    /// The path does not take this method.
    MethodNotAllowed = 405,
    /// The file is larger than the limit.
    FileTooLarge = 413,
    /// The request's body is larger than the limit.
    BodyTooLarge = 413,
    /// The body is not `application/json`.
    UnsupportedMediaType = 415,
    /// Files of this type are not accepted.
    TypeNotAllowed = 415,
    /// The Lambda could not sign; the reason is in its log.
    InternalError = 500,
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
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
    /// The limit that was exceeded, in bytes.
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

/// The body of every answer of a Lambda with a status of 400 or more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What was wrong; of a batch, the first entry's error.
    pub error: ApiError,
    /// If every file of a `POST /uploads` was refused: each file's own error, in the order of the request.
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
    fn a_code_is_named_as_json_has_it() {
        for code in ErrorCode::ALL {
            let json = serde_json::to_string(code).expect("JSON");
            assert_eq!(json, format!("\"{code}\""));
            assert_eq!(serde_json::from_str::<ErrorCode>(&json).expect("a code"), *code);
        }
    }

    #[test]
    fn a_code_of_a_newer_lambda_is_read_as_unknown() {
        let error: ApiError =
            serde_json::from_str(r#"{"code":"Teapot","message":"short and stout"}"#).expect("an error");
        assert_eq!(error.code, ErrorCode::Unknown);
    }
}
