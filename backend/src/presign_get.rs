//! `GET /presign?key=K`: the plain contract, for any HTTP client (`curl -T FILE "$uploadURL"`).

use std::borrow::Cow;

use lambda_api::MediaType;
use percent_encoding::percent_decode_str;
use wire::{ApiError, ErrorCode, PresignResponse};

use crate::{
    issuer::Issuer,
    key::check_named_key,
    plan::{check_limit, type_not_allowed},
    s3_request::{MAX_PUT_BYTES, S3Request},
    settings::Settings,
};

/// Signs one PutObject under a key of the client's choice.
///
/// The answer's `key` is K as it was asked for. The object lies at `<prefix>/<K>`, or for a caller who is
/// signed in at `<prefix>/<principal>/<K>`, so that no caller writes into the folder of another; a K that
/// already begins with that folder is taken as it is. The URL works once, because it is signed with
/// `If-None-Match=*` in the query.
///
/// If the settings accept every file, the URL needs no header, and binds neither size, type nor content. If they do not,
/// the query also has `contentType` and `contentLength`, which are checked and signed: the PUT has to have that
/// `Content-Type`, word for word, and a body of that many bytes.
pub(crate) fn presign_get(issuer: &Issuer<'_>, query: &str) -> Result<PresignResponse, ApiError> {
    if !issuer.settings().allow_plain_presign {
        let message = "GET /presign is turned off here; POST /uploads signs uploads";
        return Err(ApiError::new(ErrorCode::PresignDisabled, message));
    }
    let key = read_key(query)?;
    let stored_key = stored_key(&issuer.presign_folder(), &key);
    check_named_key(&stored_key)?;
    check_no_link(issuer.settings(), &stored_key)?;
    let request = if issuer.settings().limit_a_put() {
        put_within_limits(issuer.settings(), query)?
    } else {
        S3Request::put_object_plainly()
    };
    let signed = issuer.issue(&stored_key, request)?;
    Ok(PresignResponse {
        upload_url: signed.url,
        key,
    })
}

/// The PutObject of a file whose type and size the query names and the settings accept.
fn put_within_limits(settings: &Settings, query: &str) -> Result<S3Request, ApiError> {
    let content_type = read_one(query, "contentType", ErrorCode::InvalidType)?;
    let media_type = Some(content_type.as_str())
        .filter(|text| !text.is_empty())
        .and_then(MediaType::parse)
        .ok_or_else(|| {
            let message = "contentType is not a media type such as image/png";
            ApiError::new(ErrorCode::InvalidType, message)
        })?;
    let size = read_one(query, "contentLength", ErrorCode::InvalidSize)?;
    let size = size.parse().map_err(|_| {
        let message = "contentLength is not a whole number of bytes";
        ApiError::new(ErrorCode::InvalidSize, message)
    })?;
    check_limit(size, settings.max_upload_bytes.min(MAX_PUT_BYTES))?;
    let allowed = &settings.deployment.allowed_types;
    if !allowed.allow(&media_type) {
        return Err(type_not_allowed(&content_type, allowed));
    }
    Ok(S3Request::put_object_within_limits(&content_type, size))
}

/// Keeps what lies in the folders of upload links theirs.
fn check_no_link(settings: &Settings, key: &str) -> Result<(), ApiError> {
    let deployment = &settings.deployment;
    if deployment.links.is_none() || !key.starts_with(&deployment.links_folder()) {
        return Ok(());
    }
    let message = "the key lies in the folder of upload links";
    Err(ApiError::new(ErrorCode::Forbidden, message))
}

fn stored_key<'a>(folder: &str, key: &'a str) -> Cow<'a, str> {
    if key.starts_with(folder) {
        Cow::Borrowed(key)
    } else {
        Cow::Owned(format!("{folder}{key}"))
    }
}

fn read_key(query: &str) -> Result<String, ApiError> {
    read_one(query, "key", ErrorCode::InvalidKey)
}

/// Finds the one value of this name in a query and decodes it once (URL Standard,
/// `application/x-www-form-urlencoded`). `code` is that of the error if there is not exactly one, or it is not UTF-8.
fn read_one(query: &str, wanted: &str, code: ErrorCode) -> Result<String, ApiError> {
    let mut values = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(name, _)| *name == wanted)
        .map(|(_, value)| value);
    let error = |message| ApiError::new(code, message);
    match (values.next(), values.next()) {
        (Some(value), None) => decode(value).ok_or_else(|| error(format!("{wanted} is not UTF-8"))),
        (None, _) if wanted == "key" => Err(error("the query has no key: GET /presign?key=K".to_owned())),
        (None, _) => {
            let query = "GET /presign?key=K&contentType=T&contentLength=N";
            Err(error(format!(
                "files are limited here, and the query has no {wanted}: {query}"
            )))
        }
        (Some(_), Some(_)) => Err(error(format!("the query has more than one {wanted}"))),
    }
}

fn decode(value: &str) -> Option<String> {
    // A plus sign is a space in a query; one that is meant as itself comes as %2B.
    let spaced = value.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, expected: Option<&str>) {
        assert_eq!(read_key(query).ok().as_deref(), expected, "{query:?}");
    }

    #[test]
    fn a_key_is_decoded_once() {
        check("key=a.txt", Some("a.txt"));
        check("x=1&key=a%20b+c%2Bd&y", Some("a b c+d"));
        check("key=%252e%252e%252fa", Some("%2e%2e%2fa"));
        check("key=a=b", Some("a=b"));
        check("key=%D8%AA", Some("ت"));
        check("key=100%", Some("100%"));
        check("key=", Some(""));
    }

    #[test]
    fn no_key_two_keys_and_bad_utf8_are_refused() {
        for query in [
            "",
            "key",
            "Key=a",
            "keys=a",
            "key=a&key=b",
            "key=%FF",
            "key=%ED%A0%80",
        ] {
            check(query, None);
        }
    }

    #[test]
    fn a_key_that_is_inside_already_stays() {
        assert_eq!(stored_key("uploads/", "a.txt"), "uploads/a.txt");
        assert_eq!(stored_key("uploads/", "uploads/a.txt"), "uploads/a.txt");
        assert_eq!(stored_key("uploads/", "uploadsa.txt"), "uploads/uploadsa.txt");
        assert_eq!(stored_key("", "a.txt"), "a.txt");
    }
}
