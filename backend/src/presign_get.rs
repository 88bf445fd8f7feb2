//! `GET /presign?key=K`: the plain contract, for any HTTP client (`curl -T FILE "$uploadURL"`).

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use wire::{ApiError, ErrorCode, PresignResponse};

use crate::{issuer::Issuer, key::check_key, s3_request::S3Request};

/// Signs one PutObject under a key of the client's choice.
///
/// The answer's `key` is K as it was asked for. The object lies at `<prefix>/<K>`, or for somebody who is
/// signed in at `<prefix>/<principal>/<K>`, so that nobody writes into the folder of another; a K that
/// already begins with that folder is taken as it is. The URL works once, because it is signed with
/// `If-None-Match=*` in the query, and needs no header, so it binds neither size, type nor content.
pub(crate) fn presign_get(issuer: &Issuer<'_>, query: &str) -> Result<PresignResponse, ApiError> {
    if !issuer.settings().allow_plain_presign {
        let message = "GET /presign is turned off here; POST /uploads signs uploads";
        return Err(ApiError::new(ErrorCode::PresignDisabled, message));
    }
    let key = read_key(query)?;
    let stored_key = stored_key(&issuer.presign_folder(), &key);
    check_key(&stored_key).map_err(|fault| invalid(fault.to_string()))?;
    let signed = issuer.issue(&stored_key, &S3Request::put_object_plainly())?;
    Ok(PresignResponse {
        upload_url: signed.url,
        key,
    })
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidKey, message)
}

fn stored_key<'a>(folder: &str, key: &'a str) -> Cow<'a, str> {
    if key.starts_with(folder) {
        Cow::Borrowed(key)
    } else {
        Cow::Owned(format!("{folder}{key}"))
    }
}

/// Finds the one `key` of a query and decodes it once (URL Standard, `application/x-www-form-urlencoded`).
fn read_key(query: &str) -> Result<String, ApiError> {
    let mut values = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(name, _)| *name == "key")
        .map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) => decode(value).ok_or_else(|| invalid("the key is not UTF-8")),
        (None, _) => Err(invalid("the query has no key: GET /presign?key=K")),
        (Some(_), Some(_)) => Err(invalid("the query has more than one key")),
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
