//! Media types, and which of them are accepted.

use std::fmt;

use mime::Mime;

use crate::settings::entries;

/// The type of a file that has none (RFC 2046, section 4.5.1).
const UNKNOWN: &str = "application/octet-stream";

/// The longest media type in bytes; RFC 6838, section 4.2, allows 127 for each half of the name.
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
    /// Reads a media type of at most 255 bytes; `None` if the text is not one. The empty text, which a browser has for a file
    /// whose type it does not know, is `application/octet-stream`.
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

    /// The media type as the value of a header.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The type without its parameters, such as `text/plain`.
    pub fn essence(&self) -> &str {
        &self.text[..self.essence]
    }
}

/// Quotes a parameter's value that is not a token (RFC 9110, section 5.6.2).
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
    /// Reads comma-separated patterns; none at all means every type.
    ///
    /// # Errors
    ///
    /// A sentence on the first entry that is not a pattern.
    pub fn parse(list: &str) -> Result<Self, String> {
        let mut patterns = Vec::new();
        for pattern in entries(list) {
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

    /// Whether files of this type are accepted, under whichever of its names; parameters do not matter.
    pub fn allow(&self, media_type: &MediaType) -> bool {
        let covers = |pattern: &String| file_types::covers(pattern, media_type.essence());
        self.0.is_empty() || self.0.iter().any(covers)
    }

    /// The type as which a file is accepted, by what it was declared as and by its name; `None` if it is not.
    ///
    /// It is what the file was declared as or, if that is not accepted, what its extension says, as in a browser's own
    /// file picker. What is no media type, or says nothing, counts as no declaration.
    pub fn accepted_type(&self, declared: &str, name: &str) -> Option<MediaType> {
        Self::accepted_by_all(&[self], declared, name)
    }

    /// As [`Self::accepted_type`], of a file that each of these has to accept.
    pub fn accepted_by_all(all: &[&Self], declared: &str, name: &str) -> Option<MediaType> {
        let declared = MediaType::parse(declared).filter(|declared| declared.essence() != UNKNOWN);
        let unknown = declared.is_none().then(|| MediaType::parse(UNKNOWN)).flatten();
        declared
            .into_iter()
            .chain(file_types::of_name(name).filter_map(MediaType::parse))
            .chain(unknown)
            .find(|media_type| all.iter().all(|types| types.allow(media_type)))
    }

    /// What both accept: of two patterns that overlap the narrower one. Where none do, it is `other`, of which nothing
    /// passes.
    pub fn narrowed_by(&self, other: &Self) -> Self {
        let (Some(_), Some(_)) = (self.0.first(), other.0.first()) else {
            return if self.0.is_empty() {
                other.clone()
            } else {
                self.clone()
            };
        };
        let within =
            |pattern: &&String, all: &Self| all.0.iter().any(|wide| file_types::covers(wide, pattern));
        let own = self.0.iter().filter(|pattern| within(pattern, other));
        let others = other.0.iter().filter(|pattern| within(pattern, self));
        let mut both: Vec<String> = own.cloned().collect();
        both.extend(others.filter(|pattern| !self.0.contains(pattern)).cloned());
        if both.is_empty() {
            other.clone()
        } else {
            Self(both)
        }
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

    fn check_accepted(list: &str, declared: &str, name: &str, expected: Option<&str>) {
        let allowed = AllowedTypes::parse(list).expect("a list of types");
        let accepted = allowed.accepted_type(declared, name);
        assert_eq!(
            accepted.as_ref().map(MediaType::as_str),
            expected,
            "{declared:?} {name:?} by {list:?}"
        );
    }

    #[test]
    fn a_file_is_what_it_was_declared_as_or_what_its_name_says() {
        check_accepted("", "image/png", "a.txt", Some("image/png"));
        check_accepted("image/*", "", "IMG_1.HEIC", Some("image/heic"));
        check_accepted("text/*", "", "read me.md", Some("text/markdown"));
        check_accepted("text/csv", "application/vnd.ms-excel", "a.csv", Some("text/csv"));
        check_accepted("text/csv", "application/vnd.ms-excel", "a.xls", None);
        check_accepted("image/*", "text/html", "a.png", Some("image/png"));
        check_accepted("image/*", "text/html", "a.html", None);
        let zip = "application/x-zip-compressed";
        check_accepted("application/zip", zip, "a.zip", Some(zip));
        check_accepted(zip, "application/zip", "a", Some("application/zip"));
    }

    #[test]
    fn what_says_nothing_counts_as_no_declaration() {
        for declared in [
            "",
            "zip",
            "image/",
            "application/octet-stream",
            "image/png\r\na: b",
        ] {
            check_accepted("", declared, "a", Some("application/octet-stream"));
            check_accepted("*/*", declared, "a.zip", Some("application/zip"));
            check_accepted("image/*", declared, "a", None);
            check_accepted("image/*", declared, "a.zip", None);
            check_accepted(
                "application/octet-stream",
                declared,
                "a.zip",
                Some("application/octet-stream"),
            );
        }
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

    #[test]
    fn what_two_lists_accept_is_the_narrower_of_both() {
        for (one, other, expected) in [
            ("", "", ""),
            ("image/*", "", "image/*"),
            ("", "image/png", "image/png"),
            ("image/*, text/plain", "image/png", "image/png"),
            ("image/png", "image/*, text/plain", "image/png"),
            ("image/*", "image/png, text/plain", "image/png"),
            ("image/*", "*/*", "image/*"),
            (
                "image/*, application/pdf",
                "application/pdf, image/jpeg",
                "application/pdf, image/jpeg",
            ),
            ("image/*", "text/*", "text/*"),
        ] {
            let parse = |list| AllowedTypes::parse(list).expect("patterns");
            let both = parse(one).narrowed_by(&parse(other));
            assert_eq!(both.to_string(), expected, "{one} and {other}");
        }
    }
}
