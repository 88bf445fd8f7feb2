//! Multipart uploads.

use anyhow::Result;
use rusty_s3::Method;

use crate::{answer::Answer, call::Call, endpoint::Endpoint};

/// A multipart upload.
pub struct Upload {
    /// The key of the object to be.
    pub key: String,
    /// S3's id.
    pub id: String,
}

/// A part as CompleteMultipartUpload names it.
#[derive(Clone)]
pub struct Part {
    /// From 1.
    pub number: u32,
    /// With its quotes.
    pub etag: String,
    /// In base64.
    pub sha256: Option<String>,
}

impl Part {
    /// The part that a service has answered to.
    pub fn stored(number: u32, answer: &Answer, sha256: Option<String>) -> Self {
        let etag = answer.header("etag").unwrap_or_default().to_owned();
        Self { number, etag, sha256 }
    }

    fn xml(&self) -> String {
        let Self { number, etag, sha256 } = self;
        let sha256 = sha256
            .as_ref()
            .map(|sha256| format!("<ChecksumSHA256>{sha256}</ChecksumSHA256>"))
            .unwrap_or_default();
        format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag>{sha256}</Part>")
    }
}

impl Upload {
    /// CreateMultipartUpload with these headers.
    pub fn create(key: &str, headers: &[(&str, &str)]) -> Call {
        let call = Call::new(Method::Post, key).query("uploads", "");
        let headers = headers.iter();
        headers.fold(call, |call, (name, value)| call.header(name, value))
    }

    /// Creates an upload with these headers. It waits, so it is not for asynchronous code.
    pub fn start(endpoint: impl AsRef<Endpoint>, key: &str, headers: &[(&str, &str)]) -> Result<Self> {
        let answer = Self::create(key, headers).ask(endpoint)?.success()?;
        Ok(Self {
            key: key.to_owned(),
            id: answer.need("UploadId")?,
        })
    }

    /// A request about the upload: ListParts by GET, AbortMultipartUpload by DELETE.
    pub fn call(&self, method: Method) -> Call {
        Call::new(method, &self.key).query("uploadId", &self.id)
    }

    /// UploadPart. The number may be none that S3 takes.
    pub fn part(&self, number: impl ToString, body: &[u8]) -> Call {
        self.call(Method::Put)
            .query("partNumber", &number.to_string())
            .body(body.to_vec())
    }

    /// CompleteMultipartUpload with these parts.
    pub fn complete(&self, parts: &[Part]) -> Call {
        self.call(Method::Post).body(Self::list(parts))
    }

    /// The body of CompleteMultipartUpload.
    pub fn list(parts: &[Part]) -> String {
        let parts: String = parts.iter().map(Part::xml).collect();
        format!(
            r#"<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{parts}</CompleteMultipartUpload>"#
        )
    }
}
