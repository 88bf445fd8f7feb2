//! The XML of S3 (Amazon S3 API reference): what the engine reads and the one document it writes.

use std::fmt::{self, Write};

use roxmltree::{Document, Node};
use wire::Sha256Digest;

use crate::{CompletedPart, S3Error};

/// The body is not the XML that S3 would have sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidXml;

impl fmt::Display for InvalidXml {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not the XML of an answer of S3")
    }
}

impl std::error::Error for InvalidXml {}

/// One part as ListParts returns it (Amazon S3 API Reference, "Part").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedPart {
    /// 1 to 10,000.
    pub number: u32,
    /// Its size in bytes.
    pub size: u64,
    /// Its `ETag`, with its quotes.
    pub etag: String,
    /// Its SHA-256, if the upload has such checksums.
    pub sha256: Option<Sha256Digest>,
}

impl ListedPart {
    /// Its SHA-256. Of a service that lists none, it is that of the part that had this `ETag` when it was stored.
    pub(crate) fn sha256_or(&self, etag: &str, sha256: Sha256Digest) -> Option<Sha256Digest> {
        // Some services list it without its quotes.
        let is_same = self.etag.trim_matches('"') == etag.trim_matches('"');
        self.sha256.or_else(|| is_same.then_some(sha256))
    }
}

/// One page of ListParts: at most 1,000 parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartsPage {
    /// The parts of this page.
    pub parts: Vec<ListedPart>,
    /// The part number after which the next page starts; `None` if this is the last page.
    pub next_part_number_marker: Option<u32>,
}

/// Reads `<Error>` (Amazon S3 API Reference, "Error responses"); `None` if the body is something else.
pub fn parse_error(status: u16, body: &str) -> Option<S3Error> {
    let document = Document::parse(body).ok()?;
    let root = root(&document, "Error").ok()?;
    let text = |name| child_text(root, name).unwrap_or_default().to_owned();
    Some(S3Error {
        status,
        code: text("Code"),
        message: text("Message"),
        request_id: text("RequestId"),
    })
}

/// The code of an error, by which it is judged. Some say by their wording alone that a presigned URL's time is over, or
/// has not come (Amazon S3 API Reference, "Error responses", AccessDenied); one without a code still is an error.
pub(crate) fn canonical_code<'a>(error: &'a S3Error, body: &str) -> &'a str {
    let message = error.message.to_ascii_lowercase();
    match error.code.as_str() {
        "AccessDenied" if message.contains("not valid yet") => "RequestTimeTooSkewed",
        "AccessDenied" if message.contains("expired") || names_an_expiry(body) => "ExpiredRequest",
        "" => "UnknownError",
        code => code,
    }
}

fn names_an_expiry(body: &str) -> bool {
    Document::parse(body).is_ok_and(|document| {
        let mut fields = document.root_element().children();
        fields.any(|field| matches!(field.tag_name().name(), "Expires" | "X-Amz-Expires"))
    })
}

/// Whether a body is a document with which S3 answers a control request that succeeded.
pub(crate) fn is_success_document(body: &str) -> bool {
    let documents = [
        "InitiateMultipartUploadResult",
        "CompleteMultipartUploadResult",
        "ListPartsResult",
    ];
    Document::parse(body).is_ok_and(|document| {
        let root = document.root_element();
        documents.contains(&root.tag_name().name())
    })
}

/// Whether a document is about this object and upload, as far as it names any.
pub(crate) fn is_about(body: &str, key: &str, upload_id: Option<&str>) -> bool {
    Document::parse(body).is_ok_and(|document| {
        let is_same = |name, expected| {
            let named = child_text(document.root_element(), name);
            named.is_none_or(|named| named == expected)
        };
        is_same("Key", key) && upload_id.is_none_or(|upload_id| is_same("UploadId", upload_id))
    })
}

/// Reads the upload id of an `<InitiateMultipartUploadResult>`.
///
/// # Errors
/// [`InvalidXml`] if the body is something else, or the upload id is empty.
pub fn parse_create_result(body: &str) -> Result<String, InvalidXml> {
    let document = parse(body)?;
    let root = root(&document, "InitiateMultipartUploadResult")?;
    match child_text(root, "UploadId") {
        Some(upload_id) if !upload_id.is_empty() => Ok(upload_id.to_owned()),
        _ => Err(InvalidXml),
    }
}

/// Reads a `<CompleteMultipartUploadResult>`, which is the only proof that the object was made: the
/// status 200 alone does not prove it. Returns the object's `ETag`, if the answer has one.
///
/// # Errors
/// [`InvalidXml`] if the body is something else, such as `<Error>` or a body cut short.
pub fn parse_complete_result(body: &str) -> Result<Option<String>, InvalidXml> {
    let document = parse(body)?;
    let root = root(&document, "CompleteMultipartUploadResult")?;
    Ok(child_text(root, "ETag").map(str::to_owned))
}

/// Reads a `<ListPartsResult>`.
///
/// # Errors
/// [`InvalidXml`] if the body is something else, a part lacks its number, size or `ETag`, or a
/// page says that there is a next one but not where it starts.
pub fn parse_list_parts_result(body: &str) -> Result<PartsPage, InvalidXml> {
    let document = parse(body)?;
    let root = root(&document, "ListPartsResult")?;
    let parts = root
        .children()
        .filter(|node| node.tag_name().name() == "Part")
        .map(listed_part)
        .collect::<Result<_, _>>()?;
    let next_part_number_marker = match child_text(root, "IsTruncated") {
        Some("true") => Some(number(root, "NextPartNumberMarker")?),
        _ => None,
    };
    Ok(PartsPage {
        parts,
        next_part_number_marker,
    })
}

/// Writes the `<CompleteMultipartUpload>` document. The parts are written in the order given, which
/// has to be that of their numbers.
pub fn complete_multipart_upload_body<'a>(
    parts: impl IntoIterator<Item = &'a CompletedPart>,
    has_checksums: bool,
) -> String {
    let mut body =
        String::from(r#"<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">"#);
    for part in parts {
        let CompletedPart { number, etag, sha256 } = part;
        body.push_str("<Part><ETag>");
        push_escaped(&mut body, etag);
        body.push_str("</ETag>");
        // Writing to a String does not fail.
        if has_checksums {
            let _ = write!(body, "<ChecksumSHA256>{sha256}</ChecksumSHA256>");
        }
        let _ = write!(body, "<PartNumber>{number}</PartNumber></Part>");
    }
    body.push_str("</CompleteMultipartUpload>");
    body
}

fn push_escaped(body: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => body.push_str("&amp;"),
            '<' => body.push_str("&lt;"),
            '>' => body.push_str("&gt;"),
            '"' => body.push_str("&quot;"),
            other => body.push(other),
        }
    }
}

fn listed_part(node: Node<'_, '_>) -> Result<ListedPart, InvalidXml> {
    Ok(ListedPart {
        number: number(node, "PartNumber")?,
        size: number(node, "Size")?,
        etag: child_text(node, "ETag").ok_or(InvalidXml)?.to_owned(),
        sha256: child_text(node, "ChecksumSHA256").and_then(|text| text.parse().ok()),
    })
}

fn parse(body: &str) -> Result<Document<'_>, InvalidXml> {
    Document::parse(body).map_err(|_| InvalidXml)
}

fn root<'a, 'input>(document: &'a Document<'input>, name: &str) -> Result<Node<'a, 'input>, InvalidXml> {
    let root = document.root_element();
    (root.tag_name().name() == name).then_some(root).ok_or(InvalidXml)
}

fn child_text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let child = node.children().find(|child| child.tag_name().name() == name)?;
    Some(child.text().unwrap_or_default())
}

fn number<T: std::str::FromStr>(node: Node<'_, '_>, name: &str) -> Result<T, InvalidXml> {
    child_text(node, name)
        .and_then(|text| text.parse().ok())
        .ok_or(InvalidXml)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_error_is_read_with_what_support_will_ask_for() {
        let body = r#"<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>AccessDenied</Code><Message>Request has expired</Message><X-Amz-Expires>1</X-Amz-Expires><Expires>2026-11-24T05:00:00Z</Expires><ServerTime>2026-11-24T06:00:00Z</ServerTime><RequestId>R1</RequestId><HostId>H&amp;1</HostId></Error>"#;
        let expected = S3Error {
            status: 403,
            code: "AccessDenied".into(),
            message: "Request has expired".into(),
            request_id: "R1".into(),
        };
        assert_eq!(parse_error(403, body), Some(expected));
    }

    #[test]
    fn an_error_in_a_200_is_no_complete_result_and_neither_is_half_an_answer() {
        for body in [
            "",
            " ",
            "<Error><Code>InternalError</Code></Error>",
            "<CompleteMultipartUploadResult>",
            "<html></html>",
        ] {
            assert_eq!(parse_complete_result(body), Err(InvalidXml), "{body:?}");
        }
        let body = r#"<CompleteMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><ETag>"e"</ETag></CompleteMultipartUploadResult>"#;
        assert_eq!(parse_complete_result(body), Ok(Some("\"e\"".to_owned())));
    }

    #[test]
    fn a_page_of_parts_says_where_the_next_begins() {
        let digest = Sha256Digest::new([7; 32]);
        let body = format!(
            r#"<ListPartsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>true</IsTruncated><NextPartNumberMarker>2</NextPartNumberMarker><Part><PartNumber>1</PartNumber><ETag>"a"</ETag><Size>5000000000</Size><ChecksumSHA256>{digest}</ChecksumSHA256></Part><Part><PartNumber>2</PartNumber><ETag>"b"</ETag><Size>1</Size></Part></ListPartsResult>"#
        );
        let page = parse_list_parts_result(&body).expect("a page");
        assert_eq!(page.next_part_number_marker, Some(2));
        assert_eq!(page.parts[0].size, 5_000_000_000);
        assert_eq!(page.parts[0].sha256, Some(digest));
        assert_eq!(page.parts[1].sha256, None);
    }

    #[test]
    fn a_page_that_hides_where_its_next_starts_is_not_the_last() {
        let body = "<ListPartsResult><IsTruncated>true</IsTruncated></ListPartsResult>";
        assert_eq!(parse_list_parts_result(body), Err(InvalidXml));
    }

    #[test]
    fn a_service_without_checksums_is_named_none() {
        let part = CompletedPart {
            number: 1,
            etag: "e".to_owned(),
            sha256: Sha256Digest::new([0; 32]),
        };
        for has_checksums in [true, false] {
            let body = complete_multipart_upload_body([&part], has_checksums);
            assert_eq!(body.contains("ChecksumSHA256"), has_checksums, "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(body in ".{0,200}", status: u16) {
            let _ = parse_error(status, &body);
            let _ = parse_create_result(&body);
            let _ = parse_complete_result(&body);
            let _ = parse_list_parts_result(&body);
        }

        #[test]
        fn what_is_written_for_complete_is_well_formed_whatever_the_etags(etags in prop::collection::vec("[ -~]{0,40}", 0..5)) {
            let parts: Vec<_> = etags
                .iter()
                .zip(1..)
                .map(|(etag, number)| CompletedPart { number, etag: etag.clone(), sha256: Sha256Digest::new([1; 32]) })
                .collect();
            let body = complete_multipart_upload_body(&parts, true);
            let document = Document::parse(&body).expect("XML");
            let read: Vec<_> = document
                .root_element()
                .children()
                .map(|part| child_text(part, "ETag").expect("an ETag").to_owned())
                .collect();
            prop_assert_eq!(read, etags);
        }
    }
}
