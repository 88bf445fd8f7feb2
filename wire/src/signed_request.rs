//! One presigned request to S3.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The methods that S3's upload operations use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// ListParts.
    Get,
    /// PutObject and UploadPart.
    Put,
    /// CreateMultipartUpload and CompleteMultipartUpload.
    Post,
    /// AbortMultipartUpload.
    Delete,
}

impl HttpMethod {
    /// The method as HTTP writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// A presigned request: the page sends exactly this, with the bytes it was signed for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedRequest {
    /// The method that was signed.
    pub method: HttpMethod,
    /// The presigned URL.
    pub url: String,
    /// The signed headers that the client must send, in lower case. `host` and `content-length` are
    /// signed too where they matter, but every HTTP client writes those itself.
    pub headers: BTreeMap<String, String>,
    /// When S3 stops accepting the request, in seconds since 1970-01-01T00:00:00Z.
    pub expires_at: u64,
}
