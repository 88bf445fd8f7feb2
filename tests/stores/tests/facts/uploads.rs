//! Multipart uploads that rows begin with.

use anyhow::Result;
use rusty_s3::Method;
use stores::{Answer, Call, Endpoint};

/// The smallest part that need not be the last.
pub(crate) const PART: usize = 5 << 20;

/// A multipart upload.
pub(crate) struct Upload<'a> {
    endpoint: &'a Endpoint,
    key: &'a str,
    pub(crate) id: String,
}

/// A part as CompleteMultipartUpload names it.
#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) number: u32,
    pub(crate) etag: String,
    pub(crate) sha256: Option<String>,
}

/// CreateMultipartUpload with these headers.
pub(crate) fn create(endpoint: &Endpoint, key: &str, headers: &[(&str, &str)]) -> Call {
    let call = Call::new(endpoint, Method::Post, key).query("uploads", "");
    headers
        .iter()
        .fold(call, |call, (name, value)| call.header(name, value))
}

impl<'a> Upload<'a> {
    /// Begins an upload without checksums.
    pub(crate) fn begin(endpoint: &'a Endpoint, key: &'a str) -> Result<Self> {
        Self::begin_with(endpoint, key, &[])
    }

    /// Begins an upload as the page does, with a SHA-256 for each part.
    pub(crate) fn begin_with_sha256(endpoint: &'a Endpoint, key: &'a str) -> Result<Self> {
        let headers = [
            ("x-amz-checksum-algorithm", "SHA256"),
            ("x-amz-checksum-type", "COMPOSITE"),
        ];
        Self::begin_with(endpoint, key, &headers)
    }

    fn begin_with(endpoint: &'a Endpoint, key: &'a str, headers: &[(&str, &str)]) -> Result<Self> {
        let id = create(endpoint, key, headers)
            .send()?
            .success()?
            .need("UploadId")?;
        Ok(Self { endpoint, key, id })
    }

    /// UploadPart.
    pub(crate) fn part(&self, number: u32, body: &[u8]) -> Call {
        Call::put(self.endpoint, self.key, body)
            .query("partNumber", &number.to_string())
            .query("uploadId", &self.id)
    }

    /// Uploads a part and names it.
    pub(crate) fn send_part(&self, number: u32, body: &[u8]) -> Result<Part> {
        Ok(named(number, &self.part(number, body).send()?.success()?, None))
    }

    /// Uploads a part with its SHA-256 and names it.
    pub(crate) fn send_part_with_sha256(&self, number: u32, body: &[u8]) -> Result<Part> {
        let sha256 = crate::checksums::sha256(body);
        let call = self.part(number, body).header("x-amz-checksum-sha256", &sha256);
        Ok(named(number, &call.send()?.success()?, Some(sha256)))
    }

    /// CompleteMultipartUpload of these parts.
    pub(crate) fn complete(&self, parts: &[Part]) -> Call {
        let parts: String = parts.iter().map(part_xml).collect();
        let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        Call::new(self.endpoint, Method::Post, self.key)
            .query("uploadId", &self.id)
            .body(body.as_bytes())
    }

    /// ListParts.
    pub(crate) fn list(&self) -> Call {
        Call::new(self.endpoint, Method::Get, self.key).query("uploadId", &self.id)
    }
}

fn named(number: u32, answer: &Answer, sha256: Option<String>) -> Part {
    Part {
        number,
        etag: answer.header("etag").unwrap_or_default().to_owned(),
        sha256,
    }
}

fn part_xml(part: &Part) -> String {
    let Part { number, etag, sha256 } = part;
    let sha256 = sha256
        .as_ref()
        .map(|sha256| format!("<ChecksumSHA256>{sha256}</ChecksumSHA256>"))
        .unwrap_or_default();
    format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag>{sha256}</Part>")
}
