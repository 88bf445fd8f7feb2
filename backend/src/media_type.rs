//! Media types, and which of them are accepted.

use std::fmt;

use mime::Mime;

/// The type of a file that has none (RFC 2046, section 4.5.1).
const UNKNOWN: &str = "application/octet-stream";

/// Longest media type in bytes; RFC 6838, section 4.2, allows 127 for each half of the name.
const MAX_BYTES: usize = 255;

/// A media type (RFC 9110, section 8.3.1) in the form in which it is signed and sent: ASCII, names in
/// lower case, a single space before each parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType {
    text: String,
    /// The length of `type/subtype` in `text`.
    essence: usize,
}

impl MediaType {
    /// Reads a media type; the empty text is what a browser says of a file whose type it does not know.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Self::parse(UNKNOWN);
        }
        if text.len() > MAX_BYTES || !text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            return None;
        }
        let mime: Mime = text.parse().ok()?;
        let essence = mime.essence_str();
        if essence.contains('*') || essence.ends_with('/') {
            return None;
        }
        let mut normal = essence.to_owned();
        for (name, value) in mime.params() {
            let (name, value) = (name.as_str(), value.as_str());
            if name.is_empty() || value.is_empty() || value.contains(['"', '\\']) {
                return None;
            }
            normal.push_str(&format!("; {name}={}", quoted_where_needed(value)));
        }
        Some(Self {
            essence: essence.len(),
            text: normal,
        })
    }

    /// The media type as a header's value.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The type without its parameters.
    pub fn essence(&self) -> &str {
        &self.text[..self.essence]
    }
}

/// Quotes a parameter's value that is no token (RFC 9110, section 5.6.2).
fn quoted_where_needed(value: &str) -> String {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if value.bytes().all(is_token) {
        value.to_owned()
    } else {
        format!("\"{value}\"")
    }
}

/// The media types that are accepted: each pattern is a type such as `image/png`, or all types of a kind
/// as `image/*`, or `*/*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedTypes(Vec<String>);

impl AllowedTypes {
    /// Reads patterns parted by commas; none at all means every type.
    ///
    /// # Errors
    ///
    /// The first entry that is no pattern.
    pub fn parse(list: &str) -> Result<Self, String> {
        let mut patterns = Vec::new();
        for pattern in list
            .split(',')
            .map(str::trim)
            .filter(|pattern| !pattern.is_empty())
        {
            let pattern = pattern.to_ascii_lowercase();
            let example = match pattern.strip_suffix("/*") {
                Some("*") => UNKNOWN.to_owned(),
                Some(kind) => format!("{kind}/x"),
                None => pattern.clone(),
            };
            match MediaType::parse(&example) {
                Some(media_type) if media_type.essence() == example => patterns.push(pattern),
                _ => return Err(format!("has the entry {pattern:?}, which is no media type")),
            }
        }
        Ok(Self(patterns))
    }

    /// Whether files of this type are accepted; parameters do not matter.
    pub fn allow(&self, media_type: &MediaType) -> bool {
        let matches = |pattern: &String| match pattern.strip_suffix('*') {
            Some("*/") => true,
            Some(kind) => media_type.essence().starts_with(kind),
            None => media_type.essence() == pattern,
        };
        self.0.is_empty() || self.0.iter().any(matches)
    }

    /// The patterns, for an error to name.
    pub fn patterns(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for AllowedTypes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let parsed = MediaType::parse(text);
        assert_eq!(parsed.as_ref().map(MediaType::as_str), expected, "{text:?}");
    }

    #[test]
    fn a_media_type_has_one_form() {
        check("image/png", Some("image/png"));
        check("IMAGE/SVG+XML", Some("image/svg+xml"));
        check("text/plain;charset=UTF-8", Some("text/plain; charset=utf-8"));
        check("text/plain;   charset=utf-8", Some("text/plain; charset=utf-8"));
        check(
            r#"video/webm; codecs="vp8, opus""#,
            Some(r#"video/webm; codecs="vp8, opus""#),
        );
        check(
            "application/vnd.ms-excel.sheet.macroEnabled.12",
            Some("application/vnd.ms-excel.sheet.macroenabled.12"),
        );
        check("", Some("application/octet-stream"));
    }

    #[test]
    fn what_is_no_media_type_is_refused() {
        for text in [
            "png",
            "/",
            "image/",
            "/png",
            "image/*",
            "*/*",
            "image/png ",
            " image/png",
            "image/png\r\nx-amz-acl: public-read",
            "image/é",
            "a/b; c",
            "a/b; c=",
            "a/b; c=\"",
            "a/b, c/d",
            &format!("a/{}", "b".repeat(300)),
        ] {
            check(text, None);
        }
    }

    fn check_allowed(list: &str, text: &str, expected: bool) {
        let allowed = AllowedTypes::parse(list).expect("a list of types");
        let media_type = MediaType::parse(text).expect("a media type");
        assert_eq!(allowed.allow(&media_type), expected, "{text:?} by {list:?}");
    }

    #[test]
    fn patterns_match_whole_types_and_kinds() {
        check_allowed("", "x/y", true);
        check_allowed("*/*", "x/y", true);
        check_allowed("image/*", "image/png", true);
        check_allowed("image/*", "imagery/png", false);
        check_allowed("Image/*, application/pdf", "application/pdf; a=b", true);
        check_allowed("application/pdf", "application/pdf2", false);
        check_allowed("image/*", "", false);
    }

    #[test]
    fn a_list_with_something_else_is_refused() {
        for list in [
            "png",
            "image/",
            "*",
            "*/png",
            "image/*; q=1",
            "image/png; a=b",
            "image/p*",
        ] {
            assert!(AllowedTypes::parse(list).is_err(), "{list:?}");
        }
    }
}
