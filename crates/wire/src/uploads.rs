//! `POST /uploads`: where files may go, and how they are to be sent.

use serde::{Deserialize, Serialize};

use crate::{ApiError, BatchId, Endpoint, Sha256Digest, SignedRequest};

/// The body of `POST /uploads`.
///
/// `F` is [`FileToUpload`]. The Lambda reads each file for itself, so that one that is wrong does not fail the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UploadsRequest<F = FileToUpload> {
    /// The batch that the files belong to, which any client may choose; without it the Lambda opens one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchId>,
    /// 1 to [`crate::MAX_BATCH`] files.
    pub files: Vec<F>,
}

/// One file that a user wants to upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileToUpload {
    /// The client's own name for the file; it comes back in the answer and means nothing else.
    pub id: String,
    /// The file's name as its owner knows it, with the folders above it if it came with some; at most 4,096 bytes of
    /// UTF-8.
    pub name: String,
    /// Which file of this name in the batch it is: from 2 on, the number is put into the name, as in `name (2).ext`.
    /// 0 and 1 leave the name as it is.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub copy: u32,
    /// The file's size in bytes.
    pub size: u64,
    /// The media type as the browser reports it; empty if it knows none.
    #[serde(rename = "type", default)]
    pub media_type: String,
    /// The SHA-256 of the whole file. A file of up to [`crate::MIN_PART_BYTES`] needs it; one of up to
    /// [`crate::SINGLE_PUT_MAX_BYTES`] is a single PutObject if it has it, and otherwise a multipart upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256Digest>,
    /// Where the PutObject or the CreateMultipartUpload is to go.
    #[serde(
        rename = "secondEndpoint",
        default,
        skip_serializing_if = "Endpoint::is_first"
    )]
    pub endpoint: Endpoint,
}

/// The answer to `POST /uploads`. If no file at all could be planned, the answer is a [`crate::ErrorBody`] with the
/// first file's error and status instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UploadsResponse {
    /// The Lambda's clock, in seconds since 1970-01-01T00:00:00Z.
    pub server_time: u64,
    /// The batch, by which further files can be added to its folder.
    pub batch: BatchId,
    /// One plan for each file, in the order of the request.
    pub files: Vec<FilePlan>,
}

const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// How one file is to be uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "FilePlanFields", into = "FilePlanFields")]
pub struct FilePlan {
    /// The client's name for the file.
    pub id: String,
    /// How the file is sent, or why it may not be.
    pub outcome: PlanOutcome,
}

/// How a file is sent, or why it may not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanOutcome {
    /// As one PutObject.
    Put {
        /// The object's key.
        key: String,
        /// The PutObject request.
        put: SignedRequest,
    },
    /// As a multipart upload.
    Multipart {
        /// The object's key.
        key: String,
        /// The CreateMultipartUpload request.
        create: SignedRequest,
        /// The size in bytes that every part but the last has at least.
        part_size: u64,
        /// Whether the parts may have other sizes than that.
        part_sizes: PartSizes,
    },
    /// Not at all.
    Refused(ApiError),
}

/// Which sizes the parts of one upload may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PartSizes {
    /// They may grow during the upload, up to [`crate::GROWN_PART_MAX_BYTES`], as Amazon S3 allows.
    #[default]
    Growing,
    /// All but the last have one size, without which some services do not complete an upload. A client may choose a
    /// smaller one before the first part.
    Constant,
}

impl PartSizes {
    /// Whether that is what Amazon S3 allows, which is not written.
    pub const fn may_grow(&self) -> bool {
        matches!(self, Self::Growing)
    }
}

/// The JSON of a [`FilePlan`]: `{id, key, put}`, `{id, key, create, partSize}` with `partSizes` if they are constant, or
/// `{id, error}`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FilePlanFields {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    put: Option<SignedRequest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    create: Option<SignedRequest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    part_size: Option<u64>,
    #[serde(default, skip_serializing_if = "PartSizes::may_grow")]
    part_sizes: PartSizes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<ApiError>,
}

impl TryFrom<FilePlanFields> for FilePlan {
    type Error = &'static str;

    fn try_from(fields: FilePlanFields) -> Result<Self, Self::Error> {
        let outcome = match fields {
            FilePlanFields {
                error: Some(error),
                put: None,
                create: None,
                ..
            } => PlanOutcome::Refused(error),
            FilePlanFields {
                key: Some(key),
                put: Some(put),
                create: None,
                error: None,
                ..
            } => PlanOutcome::Put { key, put },
            FilePlanFields {
                key: Some(key),
                create: Some(create),
                part_size: Some(part_size),
                part_sizes,
                put: None,
                error: None,
                ..
            } if part_size > 0 => PlanOutcome::Multipart {
                key,
                create,
                part_size,
                part_sizes,
            },
            _ => return Err("a file's plan is one of {key, put}, {key, create, partSize} and {error}"),
        };
        Ok(Self {
            id: fields.id,
            outcome,
        })
    }
}

impl From<FilePlan> for FilePlanFields {
    fn from(plan: FilePlan) -> Self {
        let mut fields = Self {
            id: plan.id,
            key: None,
            put: None,
            create: None,
            part_size: None,
            part_sizes: PartSizes::default(),
            error: None,
        };
        match plan.outcome {
            PlanOutcome::Put { key, put } => {
                fields.key = Some(key);
                fields.put = Some(put);
            }
            PlanOutcome::Multipart {
                key,
                create,
                part_size,
                part_sizes,
            } => {
                fields.key = Some(key);
                fields.create = Some(create);
                fields.part_sizes = part_sizes;
                fields.part_size = Some(part_size);
            }
            PlanOutcome::Refused(error) => fields.error = Some(error),
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUT: &str = r#"{"method":"PUT","url":"http://s3","headers":{"content-type":"a/b"},"expiresAt":9}"#;

    #[test]
    fn each_kind_of_plan_is_written_and_read() {
        for json in [
            format!(r#"{{"id":"1","key":"k","put":{PUT}}}"#),
            format!(r#"{{"id":"1","key":"k","create":{PUT},"partSize":8}}"#),
            format!(r#"{{"id":"1","key":"k","create":{PUT},"partSize":8,"partSizes":"constant"}}"#),
            r#"{"id":"1","error":{"code":"InvalidSize","message":"m"}}"#.to_owned(),
        ] {
            let plan: FilePlan = serde_json::from_str(&json).expect("a plan");
            assert_eq!(serde_json::to_string(&plan).expect("JSON"), json);
        }
    }

    #[test]
    fn a_plan_with_two_outcomes_or_none_is_refused() {
        for json in [
            r#"{"id":"1"}"#.to_owned(),
            format!(r#"{{"id":"1","put":{PUT}}}"#),
            format!(r#"{{"id":"1","key":"k","create":{PUT}}}"#),
            format!(r#"{{"id":"1","key":"k","create":{PUT},"partSize":0}}"#),
            format!(r#"{{"id":"1","key":"k","put":{PUT},"error":{{"code":"InvalidSize","message":"m"}}}}"#),
        ] {
            assert!(serde_json::from_str::<FilePlan>(&json).is_err(), "{json}");
        }
    }

    #[test]
    fn bad_sizes_and_unknown_fields_are_refused() {
        for fields in [
            r#""size":-1"#,
            r#""size":1.5"#,
            r#""size":"1""#,
            r#""size":1,"key":"chosen/by/the/client""#,
        ] {
            let json = format!(r#"{{"files":[{{"id":"1","name":"n",{fields}}}]}}"#);
            assert!(serde_json::from_str::<UploadsRequest>(&json).is_err(), "{json}");
        }
    }
}
