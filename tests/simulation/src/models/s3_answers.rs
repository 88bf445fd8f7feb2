//! The answers of S3, as it writes them (Amazon S3 API reference).

use std::fmt::Write;

use engine::HttpAnswer;

use crate::models::disk::Content;

const NAMESPACE: &str = r#"xmlns="http://s3.amazonaws.com/doc/2006-03-01/""#;

/// The body of an answer to CompleteMultipartUpload that breaks off.
pub(crate) const CUT_OFF: &str = "<CompleteMultipartUpl";

pub(crate) fn answer(status: u16, etag: Option<String>, body: String) -> HttpAnswer {
    HttpAnswer {
        status,
        etag,
        request_id: Some("REQUEST".to_owned()),
        body,
    }
}

pub(crate) fn error(status: u16, code: &str, message: &str) -> HttpAnswer {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message><RequestId>REQUEST</RequestId><HostId>HOST</HostId></Error>"
    );
    answer(status, None, body)
}

/// Whether an answer to a PUT is S3's, and says that the bytes are stored.
pub(crate) fn says_stored(answer: &HttpAnswer) -> bool {
    answer.status == 200 && answer.body.is_empty() && (answer.etag.is_some() || answer.request_id.is_some())
}

/// The code in an error of S3; `None` if the body is not an error.
pub(crate) fn error_code(body: &str) -> Option<&str> {
    let (_, rest) = body.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    Some(code)
}

pub(crate) fn no_such_upload() -> HttpAnswer {
    error(404, "NoSuchUpload", "The specified upload does not exist")
}

pub(crate) fn expired() -> HttpAnswer {
    error(403, "AccessDenied", "Request has expired")
}

pub(crate) fn create_result(key: &str, upload_id: &str) -> String {
    format!(
        "<InitiateMultipartUploadResult {NAMESPACE}><Key>{key}</Key><UploadId>{upload_id}</UploadId></InitiateMultipartUploadResult>"
    )
}

pub(crate) fn complete_result(key: &str) -> String {
    format!(
        "<CompleteMultipartUploadResult {NAMESPACE}><Key>{key}</Key><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>"
    )
}

/// A page of ListParts: number, `ETag` and content of each part, and the marker of the next page.
pub(crate) fn list_parts_result<'a>(
    parts: impl Iterator<Item = (u32, &'a str, &'a Content)>,
    next: Option<u32>,
    has_checksums: bool,
) -> String {
    let mut body = format!(
        "<ListPartsResult {NAMESPACE}><IsTruncated>{}</IsTruncated>",
        next.is_some()
    );
    if let Some(next) = next {
        // Writing to a String does not fail.
        let _ = write!(body, "<NextPartNumberMarker>{next}</NextPartNumberMarker>");
    }
    for (number, etag, content) in parts {
        let size = content.size();
        let _ = write!(
            body,
            "<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag><Size>{size}</Size>"
        );
        if has_checksums {
            let _ = write!(body, "<ChecksumSHA256>{}</ChecksumSHA256>", content.digest());
        }
        body.push_str("</Part>");
    }
    body.push_str("</ListPartsResult>");
    body
}
