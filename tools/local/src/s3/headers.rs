//! The headers by which a request says when an object is written, and those that the object keeps.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use super::{failure::Failure, request_head::Query, tagging};
use crate::storage::{Condition, ObjectRecord};

/// The content type of an object that was stored without one.
const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

/// The most bytes of user-defined metadata (Amazon S3 User Guide, "Working with object metadata").
const MAX_METADATA_BYTES: usize = 2048;

/// The headers that an object keeps and returns, besides `x-amz-meta-*`.
const KEPT_HEADERS: [HeaderName; 6] = [
    header::CACHE_CONTROL,
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_TYPE,
    header::EXPIRES,
];

/// Under which condition PutObject writes: `If-None-Match`, as a header or, undocumented, as a signed
/// query parameter.
///
/// # Errors
/// As [`condition`].
pub(super) fn put_condition(uri: &Uri, headers: &HeaderMap) -> Result<Condition, Failure> {
    let mut condition = condition(headers)?;
    for value in Query::of(uri).all("If-None-Match") {
        condition = condition_of(value)?;
    }
    Ok(condition)
}

/// Under which condition a request writes, by its headers.
///
/// # Errors
/// 501 NotImplemented for any `If-None-Match` but `*`, and for `If-Match`.
pub(super) fn condition(headers: &HeaderMap) -> Result<Condition, Failure> {
    if headers.contains_key(header::IF_MATCH) {
        return Err(Failure::not_implemented_header("If-Match"));
    }
    let value = headers.get(header::IF_NONE_MATCH);
    value.map_or(Ok(Condition::Always), |value| {
        condition_of(value.to_str().unwrap_or_default())
    })
}

fn condition_of(value: &str) -> Result<Condition, Failure> {
    match value {
        "*" => Ok(Condition::Absent),
        _ => Err(Failure::not_implemented_header("If-None-Match")),
    }
}

/// The headers of a request that its object keeps.
///
/// # Errors
/// 400 MetadataTooLarge for more than 2 KiB of `x-amz-meta-*`.
pub(super) fn kept_headers(headers: &HeaderMap) -> Result<BTreeMap<String, String>, Failure> {
    let mut kept = BTreeMap::new();
    let mut metadata_bytes = 0;
    for (name, value) in headers {
        let metadata_name = name.as_str().strip_prefix("x-amz-meta-");
        if let Some(metadata_name) = metadata_name {
            metadata_bytes += metadata_name.len() + value.len();
        }
        if metadata_name.is_some() || KEPT_HEADERS.contains(name) || name.as_str() == tagging::HEADER {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            kept.entry(name.as_str().to_owned())
                .and_modify(|values: &mut String| *values = format!("{values},{value}"))
                .or_insert(value);
        }
    }
    if metadata_bytes > MAX_METADATA_BYTES {
        return Err(Failure::new(
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
        )
        .with("Size", metadata_bytes)
        .with("MaxSizeAllowed", MAX_METADATA_BYTES));
    }
    // aws-chunked is how the request was transferred; the object does not have that coding.
    if let Some(coding) = kept.remove("content-encoding") {
        let codings: Vec<&str> = coding
            .split(',')
            .map(str::trim)
            .filter(|coding| *coding != "aws-chunked")
            .collect();
        if !codings.is_empty() {
            kept.insert("content-encoding".to_owned(), codings.join(","));
        }
    }
    if let Some(tags) = kept.get(tagging::HEADER) {
        tagging::check_header(tags)?;
    }
    kept.entry("content-type".to_owned())
        .or_insert_with(|| DEFAULT_CONTENT_TYPE.to_owned());
    Ok(kept)
}

/// The headers that GetObject and HeadObject answer, as they were kept.
pub(super) fn returned_headers(record: &ObjectRecord) -> HeaderMap {
    let headers = record.headers.iter().filter_map(|(name, value)| {
        if name == tagging::HEADER {
            return None;
        }
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))
    });
    headers.collect()
}
