//! `POST /sign`: the further requests of one multipart upload.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{ApiError, Endpoint, Sha256Digest, SignedRequest};

/// The body of `POST /sign`.
///
/// `O` is [`MultipartOperation`]. The Lambda reads each operation for itself, so that one that is wrong does not fail the
/// others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignRequest<O = MultipartOperation> {
    /// The object's key, as the answer to `POST /uploads` has it.
    pub key: String,
    /// The upload id, as S3 answered CreateMultipartUpload.
    pub upload_id: String,
    /// Where the operations without bytes are to go; a part names its own endpoint.
    #[serde(
        rename = "secondEndpoint",
        default,
        skip_serializing_if = "Endpoint::is_first"
    )]
    pub endpoint: Endpoint,
    /// 1 to [`crate::MAX_BATCH`] operations.
    pub operations: Vec<O>,
}

/// One request to sign; the field `operation` names it as AWS does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "operation",
    rename_all_fields = "camelCase",
    try_from = "OperationFields"
)]
pub enum MultipartOperation {
    /// UploadPart: these bytes, as this part.
    UploadPart {
        /// 1 to [`crate::MAX_PARTS`].
        part_number: u32,
        /// The part's size in bytes.
        size: u64,
        /// The SHA-256 of the part.
        sha256: Sha256Digest,
        /// Where the part is to go.
        #[serde(rename = "secondEndpoint", skip_serializing_if = "Endpoint::is_first")]
        endpoint: Endpoint,
    },
    /// ListParts: one page of at most 1,000 parts.
    ListParts {
        /// The last part number of the page before.
        #[serde(skip_serializing_if = "Option::is_none")]
        part_number_marker: Option<u32>,
    },
    /// CompleteMultipartUpload: make the object, if it has this size and no object has its key.
    CompleteMultipartUpload {
        /// The whole object's size in bytes.
        size: u64,
    },
    /// AbortMultipartUpload: delete the parts.
    AbortMultipartUpload,
}

/// The JSON of a [`MultipartOperation`]. It is read flat: an enum with a tag would be read from a copy of its fields,
/// where an error has lost the name of the field, and an operation without fields would take any.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OperationFields {
    operation: OperationName,
    #[serde(default, deserialize_with = "given")]
    part_number: Option<u32>,
    #[serde(default, deserialize_with = "given")]
    size: Option<u64>,
    #[serde(default, deserialize_with = "given")]
    sha256: Option<Sha256Digest>,
    #[serde(default, deserialize_with = "given")]
    second_endpoint: Option<Endpoint>,
    /// It may be `null`, which is the same as missing.
    #[serde(default, deserialize_with = "given")]
    part_number_marker: Option<Option<u32>>,
}

#[derive(Clone, Copy, Deserialize)]
enum OperationName {
    UploadPart,
    ListParts,
    CompleteMultipartUpload,
    AbortMultipartUpload,
}

/// A field that may be missing. If it is there, it is not `null`, unless its type takes that.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(field: D) -> Result<Option<T>, D::Error> {
    T::deserialize(field).map(Some)
}

impl TryFrom<OperationFields> for MultipartOperation {
    type Error = &'static str;

    fn try_from(fields: OperationFields) -> Result<Self, Self::Error> {
        use OperationName as Name;
        let takes = match fields.operation {
            Name::UploadPart => {
                "UploadPart takes partNumber, size, sha256 and, if it is true, secondEndpoint"
            }
            Name::ListParts => "ListParts takes no field but partNumberMarker",
            Name::CompleteMultipartUpload => "CompleteMultipartUpload takes size and no other field",
            Name::AbortMultipartUpload => "AbortMultipartUpload takes no field",
        };
        let OperationFields {
            operation,
            part_number,
            size,
            sha256,
            second_endpoint,
            part_number_marker,
        } = fields;
        match (
            operation,
            part_number,
            size,
            sha256,
            second_endpoint,
            part_number_marker,
        ) {
            (Name::UploadPart, Some(part_number), Some(size), Some(sha256), endpoint, None) => {
                Ok(Self::UploadPart {
                    part_number,
                    size,
                    sha256,
                    endpoint: endpoint.unwrap_or_default(),
                })
            }
            (Name::ListParts, None, None, None, None, part_number_marker) => Ok(Self::ListParts {
                part_number_marker: part_number_marker.flatten(),
            }),
            (Name::CompleteMultipartUpload, None, Some(size), None, None, None) => {
                Ok(Self::CompleteMultipartUpload { size })
            }
            (Name::AbortMultipartUpload, None, None, None, None, None) => Ok(Self::AbortMultipartUpload),
            _ => Err(takes),
        }
    }
}

/// The answer to `POST /sign`. If no operation at all could be signed, the answer is a [`crate::ErrorBody`] with the
/// first operation's error and status instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignResponse {
    /// The Lambda's clock, in seconds since 1970-01-01T00:00:00Z.
    pub server_time: u64,
    /// One outcome for each operation, in the order of the request.
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

    #[test]
    fn operations_without_bytes_may_go_to_the_second_endpoint() {
        for (endpoint, field) in [
            (Endpoint::First, ""),
            (Endpoint::Second, r#""secondEndpoint":true,"#),
        ] {
            let json = format!(
                r#"{{"key":"k","uploadId":"u",{field}"operations":[{{"operation":"AbortMultipartUpload"}}]}}"#
            );
            let request: SignRequest = serde_json::from_str(&json).expect("a request");
            assert_eq!(request.endpoint, endpoint);
            assert_eq!(serde_json::to_string(&request).expect("JSON"), json);
        }
    }

    #[test]
    fn a_part_may_go_to_the_second_endpoint() {
        let sha256 = Sha256Digest::new([0; 32]);
        for (endpoint, field) in [
            (Endpoint::First, ""),
            (Endpoint::Second, r#","secondEndpoint":true"#),
        ] {
            let part = MultipartOperation::UploadPart {
                part_number: 1,
                size: 5,
                sha256,
                endpoint,
            };
            let json =
                format!(r#"{{"operation":"UploadPart","partNumber":1,"size":5,"sha256":"{sha256}"{field}}}"#);
            assert_eq!(serde_json::to_string(&part).expect("JSON"), json);
            assert_eq!(
                serde_json::from_str::<MultipartOperation>(&json).expect("a part"),
                part
            );
        }
    }

    #[test]
    fn an_operation_has_its_own_fields_and_no_other() {
        for json in [
            r#"{"operation":"UploadPart","size":5}"#,
            r#"{"operation":"ListParts","size":5}"#,
            r#"{"operation":"CompleteMultipartUpload"}"#,
            r#"{"operation":"CompleteMultipartUpload","size":null}"#,
            r#"{"operation":"CompleteMultipartUpload","size":5,"partNumber":1}"#,
            r#"{"operation":"AbortMultipartUpload","size":5}"#,
            r#"{"operation":"AbortMultipartUpload","partNumberMarker":null}"#,
            r#"{"operation":"AbortMultipartUpload","key":"k"}"#,
            r#"{"operation":"DeleteObject"}"#,
            r#"{}"#,
        ] {
            assert!(
                serde_json::from_str::<MultipartOperation>(json).is_err(),
                "{json}"
            );
        }
    }
}
