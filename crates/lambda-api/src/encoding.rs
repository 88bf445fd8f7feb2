//! Percent-encoding as Signature Version 4 wants it.

use std::fmt::Display;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but the unreserved characters of RFC 3986, section 2.3. Those are the only ones that
/// Signature Version 4 leaves alone (AWS Signature Version 4, `UriEncode`), and each of them is an
/// `attr-char` of RFC 8187 too.
const NOT_UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

const NOT_UNRESERVED_OR_SLASH: &AsciiSet = &NOT_UNRESERVED.remove(b'/');

/// Percent-encodes all but unreserved characters: for a name or a value of a query, or for the value of a header.
pub fn percent_encode(text: &str) -> impl Display {
    utf8_percent_encode(text, NOT_UNRESERVED)
}

/// Percent-encodes an object's key for the path of its URL; slashes stay.
pub(crate) fn percent_encode_path(key: &str) -> impl Display {
    utf8_percent_encode(key, NOT_UNRESERVED_OR_SLASH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_stay() {
        assert_eq!(
            percent_encode("aZ0-._~ +%/é*'()!").to_string(),
            "aZ0-._~%20%2B%25%2F%C3%A9%2A%27%28%29%21"
        );
        assert_eq!(percent_encode_path("a b/c").to_string(), "a%20b/c");
    }
}
