//! The rules for object keys.

use thiserror::Error;
use wire::MAX_KEY_BYTES;

/// Why a text may not be an object's key.
///
/// S3 itself takes more (Amazon S3 User Guide, "Naming Amazon S3 objects"). What is refused here means
/// something else to a URL parser, a file system or a terminal than to S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyFault {
    /// It is empty.
    #[error("the key is empty")]
    Empty,
    /// It has more than [`MAX_KEY_BYTES`] bytes of UTF-8.
    #[error("the key with its prefix is longer than {MAX_KEY_BYTES} bytes of UTF-8")]
    TooLong,
    /// It begins with a slash.
    #[error("the key begins with a slash")]
    LeadingSlash,
    /// It has two slashes side by side, or one at its end.
    #[error("the key has an empty segment")]
    EmptySegment,
    /// It has a segment that is `.` or `..`.
    #[error("the key has a segment that is . or ..")]
    DotSegment,
    /// It has a control character (Unicode general category Cc).
    #[error("the key has a control character")]
    ControlCharacter,
    /// It has a backslash.
    #[error("the key has a backslash")]
    Backslash,
}

/// Checks a whole key, with its prefix.
///
/// # Errors
///
/// The first rule that it breaks.
pub fn check_key(key: &str) -> Result<(), KeyFault> {
    if key.is_empty() {
        return Err(KeyFault::Empty);
    }
    if key.len() > MAX_KEY_BYTES {
        return Err(KeyFault::TooLong);
    }
    if key.starts_with('/') {
        return Err(KeyFault::LeadingSlash);
    }
    if key.chars().any(char::is_control) {
        return Err(KeyFault::ControlCharacter);
    }
    if key.contains('\\') {
        return Err(KeyFault::Backslash);
    }
    for segment in key.split('/') {
        match segment {
            "" => return Err(KeyFault::EmptySegment),
            "." | ".." => return Err(KeyFault::DotSegment),
            _ => {}
        }
    }
    Ok(())
}

/// A folder by its segments, with a slash behind each that is not empty: `uploads/anonymous/`.
pub fn folder(segments: &[&str]) -> String {
    segments
        .iter()
        .filter(|segment| !segment.is_empty())
        .flat_map(|segment| [*segment, "/"])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, expected: Result<(), KeyFault>) {
        assert_eq!(check_key(key), expected, "{key:?}");
    }

    #[test]
    fn keys_that_a_person_would_choose_pass() {
        for key in [
            "a",
            "a/b/c.txt",
            "a b+c%20#?.txt",
            "تقرير.pdf",
            "👩‍🚀.png",
            "..a/b..",
            "a..b",
            &"k".repeat(1024),
        ] {
            check(key, Ok(()));
        }
    }

    #[test]
    fn keys_that_mean_something_else_elsewhere_are_refused() {
        check("", Err(KeyFault::Empty));
        check(&"k".repeat(1025), Err(KeyFault::TooLong));
        check(&"é".repeat(513), Err(KeyFault::TooLong));
        check("/a", Err(KeyFault::LeadingSlash));
        check("a//b", Err(KeyFault::EmptySegment));
        check("a/", Err(KeyFault::EmptySegment));
        check("..", Err(KeyFault::DotSegment));
        check("a/../b", Err(KeyFault::DotSegment));
        check("./a", Err(KeyFault::DotSegment));
        check("a\nb", Err(KeyFault::ControlCharacter));
        check("a\0", Err(KeyFault::ControlCharacter));
        check("a\u{7f}", Err(KeyFault::ControlCharacter));
        check("a\u{85}", Err(KeyFault::ControlCharacter));
        check("a\\b", Err(KeyFault::Backslash));
    }

    #[test]
    fn an_empty_prefix_adds_no_segment() {
        assert_eq!(folder(&["", "anonymous"]), "anonymous/");
        assert_eq!(folder(&["", ""]), "");
    }
}
