//! The requests to S3 that the check makes.

/// A request of the check, with the name that its operation has in the Amazon S3 API Reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    PutObject,
    CreateMultipartUpload,
    UploadPart,
    ListParts,
    CompleteMultipartUpload,
    AbortMultipartUpload,
}

impl Step {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::PutObject => "PutObject",
            Self::CreateMultipartUpload => "CreateMultipartUpload",
            Self::UploadPart => "UploadPart",
            Self::ListParts => "ListParts",
            Self::CompleteMultipartUpload => "CompleteMultipartUpload",
            Self::AbortMultipartUpload => "AbortMultipartUpload",
        }
    }

    /// The action that a role needs for it (Amazon S3 User Guide, "Required permissions for Amazon S3 API operations").
    pub(super) const fn action(self) -> &'static str {
        match self {
            Self::ListParts => "s3:ListMultipartUploadParts",
            Self::AbortMultipartUpload => "s3:AbortMultipartUpload",
            _ => "s3:PutObject",
        }
    }

    /// The errors with which S3 is expected to refuse the request, having accepted everything else about it.
    pub(super) const fn expected_errors(self) -> &'static [&'static str] {
        match self {
            Self::PutObject => &["BadDigest", "XAmzContentChecksumMismatch"],
            Self::CompleteMultipartUpload => &[
                "InvalidPart",
                "InvalidPartOrder",
                "InvalidRequest",
                "MalformedXML",
                "EntityTooSmall",
            ],
            _ => &[],
        }
    }
}
