//! `POST /sign`: the further requests of one multipart upload.

use serde::{Deserialize, Serialize};

use crate::{ApiError, Sha256Digest, SignedRequest};

/// The body of `POST /sign`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignRequest {
    /// The object's key, as `POST /uploads` gave it.
    pub key: String,
    /// The upload id, as S3 answered CreateMultipartUpload.
    pub upload_id: String,
    /// 1 to [`crate::MAX_BATCH`] operations.
    pub operations: Vec<MultipartOperation>,
}

/// One request to sign; `operation` names it as AWS does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum MultipartOperation {
    /// UploadPart: these bytes, as this part.
    UploadPart {
        /// 1 to [`crate::MAX_PARTS`].
        part_number: u32,
        /// The part's size in bytes.
        size: u64,
        /// The SHA-256 of the part.
        sha256: Sha256Digest,
        /// Whether it is to go to the bucket's second endpoint.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        second_endpoint: bool,
    },
    /// ListParts: one page of at most 1,000 parts.
    ListParts {
        /// The last part number of the page before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        part_number_marker: Option<u32>,
    },
    /// CompleteMultipartUpload: make the object, if it is this large and nothing has its key.
    CompleteMultipartUpload {
        /// The whole object's size in bytes.
        size: u64,
    },
    /// AbortMultipartUpload: throw the parts away.
    AbortMultipartUpload,
}

/// The answer to `POST /sign`. Where no operation at all could be signed, the answer is an
/// [`crate::ErrorBody`] with the first operation's error and status instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignResponse {
    /// The Lambda's clock, in seconds since 1970-01-01T00:00:00Z.
    pub server_time: u64,
    /// One outcome an operation, in the order of the request.
    pub requests: Vec<OperationOutcome>,
}

/// A signed request, or why the operation was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OperationOutcome {
    /// `{"signed": {…}}`
    Signed(SignedRequest),
    /// `{"error": {…}}`
    Error(ApiError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_named_as_aws_names_them() {
        let json = r#"{"key":"k","uploadId":"u","operations":[{"operation":"ListParts","partNumberMarker":1000},{"operation":"CompleteMultipartUpload","size":5},{"operation":"AbortMultipartUpload"}]}"#;
        let request: SignRequest = serde_json::from_str(json).expect("a request");
        assert_eq!(serde_json::to_string(&request).expect("JSON"), json);
    }
}
