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
    /// Every method: `AllowedMethods` of the bucket's CORS configuration.
    pub const ALL: [Self; 4] = [Self::Put, Self::Post, Self::Get, Self::Delete];

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

/// A presigned request (Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters"): the page sends
/// exactly this, with the bytes that it was signed for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedRequest {
    /// The method that was signed.
    pub method: HttpMethod,
    /// The presigned URL.
    pub url: String,
    /// The signed headers that the client must send, by names in lower case. `host` and, for a request with bytes,
    /// `content-length` are signed too, but every HTTP client writes those itself.
    pub headers: BTreeMap<String, String>,
    /// When S3 stops accepting the request, in seconds since 1970-01-01T00:00:00Z. One that starts earlier may take longer.
    pub expires_at: u64,
}
