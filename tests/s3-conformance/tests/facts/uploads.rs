//! Multipart uploads that rows start with.

use anyhow::Result;
use s3_conformance::{Part, Service, Upload};

use crate::checksums::sha256;

/// The smallest part that need not be the last.
pub(crate) const PART: usize = 5 << 20;

/// Creates an upload without checksums.
pub(crate) fn begin(service: &Service, key: &str) -> Result<Upload> {
    Upload::start(service, key, &[])
}

/// Creates an upload as the page does, with a SHA-256 for each part.
pub(crate) fn begin_with_sha256(service: &Service, key: &str) -> Result<Upload> {
    let headers = [
        ("x-amz-checksum-algorithm", "SHA256"),
        ("x-amz-checksum-type", "COMPOSITE"),
    ];
    Upload::start(service, key, &headers)
}

/// Uploads a part.
pub(crate) fn send_part(service: &Service, upload: &Upload, number: u32, body: &[u8]) -> Result<Part> {
    let answer = upload.part(number, body).ask(service)?.success()?;
    Ok(Part::stored(number, &answer, None))
}

/// Uploads a part with its SHA-256.
pub(crate) fn send_part_with_sha256(
    service: &Service,
    upload: &Upload,
    number: u32,
    body: &[u8],
) -> Result<Part> {
    let sha256 = sha256(body);
    let call = upload.part(number, body).header("x-amz-checksum-sha256", &sha256);
    Ok(Part::stored(number, &call.ask(service)?.success()?, Some(sha256)))
}
