//! What a signature should have signed, for the error that tells a developer why it did not match
//! (AWS General Reference, "Create a signed AWS API request").

use http::{HeaderMap, Method, Uri, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use s3s::crypto::{Checksum as _, Sha256};

use super::{
    authorization::signed_headers,
    failure::Failure,
    request_head::{Query, RequestHead},
};
use crate::storage::hexadecimal;

/// What Signature Version 4 percent-encodes: everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The same for paths, whose slashes stay.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// SignatureDoesNotMatch with what S3 calculated, so that it can be compared with what was signed.
pub(crate) fn mismatch(RequestHead { method, uri, headers }: &RequestHead) -> Failure {
    let canonical_request = canonical_request(method, uri, headers);
    let signed = Signed::of(uri, headers);
    let scope = signed.credential.split_once('/').map_or("", |(_, scope)| scope);
    let string_to_sign = format!(
        "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
        signed.date,
        hexadecimal(&Sha256::checksum(canonical_request.as_bytes()))
    );
    Failure::of("SignatureDoesNotMatch")
        .with("AWSAccessKeyId", access_key(uri, headers))
        .with("StringToSign", &string_to_sign)
        .with("SignatureProvided", &signed.signature)
        .with("StringToSignBytes", spaced_bytes(&string_to_sign))
        .with("CanonicalRequest", &canonical_request)
        .with("CanonicalRequestBytes", spaced_bytes(&canonical_request))
}

/// The access key that a request was signed with.
pub(crate) fn access_key(uri: &Uri, headers: &HeaderMap) -> String {
    let credential = Signed::of(uri, headers).credential;
    credential.split('/').next().unwrap_or_default().to_owned()
}

/// The parts of a request's authorization, from its query or its header.
struct Signed {
    credential: String,
    date: String,
    signature: String,
}

impl Signed {
    fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let query = Query::of(uri);
        let text = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let authorization = text("authorization");
        let part = |name: &str| {
            let found = authorization
                .split_once(name)
                .map(|(_, rest)| rest.split(',').next().unwrap_or(rest));
            found.unwrap_or_default().trim().to_owned()
        };
        let from_query = |name: &str| query.only(name).map(str::to_owned);
        Self {
            credential: from_query("X-Amz-Credential").unwrap_or_else(|| part("Credential=")),
            date: from_query("X-Amz-Date").unwrap_or_else(|| text("x-amz-date").to_owned()),
            signature: from_query("X-Amz-Signature").unwrap_or_else(|| part("Signature=")),
        }
    }
}

fn canonical_request(method: &Method, uri: &Uri, headers: &HeaderMap) -> String {
    let path = percent_decode_str(uri.path()).decode_utf8_lossy();
    let signed = signed_headers(uri, headers);
    let canonical_headers: String = signed
        .iter()
        .map(|name| canonical_header(name, headers))
        .collect();
    let is_presigned = !headers.contains_key(header::AUTHORIZATION);
    let payload = headers.get("x-amz-content-sha256").filter(|_| !is_presigned);
    [
        method.as_str(),
        &utf8_percent_encode(&path, RESERVED_IN_PATH).to_string(),
        &canonical_query(uri),
        &canonical_headers,
        &signed.join(";"),
        payload
            .and_then(|value| value.to_str().ok())
            .unwrap_or("UNSIGNED-PAYLOAD"),
    ]
    .join("\n")
}

fn canonical_query(uri: &Uri) -> String {
    let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
    let query = Query::of(uri);
    let signed = query.iter().filter(|(name, _)| *name != "X-Amz-Signature");
    let mut pairs: Vec<(String, String)> = signed
        .map(|(name, value)| (encode(name), encode(value)))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

fn canonical_header(name: &str, headers: &HeaderMap) -> String {
    let values = headers.get_all(name).iter().map(|value| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        text.split(' ')
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    });
    format!("{name}:{}\n", values.collect::<Vec<_>>().join(","))
}

fn spaced_bytes(text: &str) -> String {
    let bytes: Vec<String> = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}
