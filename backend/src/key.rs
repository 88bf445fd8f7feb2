//! The rules for object keys, and the making of keys.

use thiserror::Error;
use uuid::Uuid;
use wire::MAX_KEY_BYTES;

use crate::safe_name::safe_name;

/// Why a text may not be an object's key.
///
/// S3 itself takes more (Amazon S3 User Guide, "Naming Amazon S3 objects"). What is refused here means
/// something else to a URL parser, a file system or a terminal than to S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum KeyFault {
    #[error("the key is empty")]
    Empty,
    #[error("the key with its prefix is longer than {MAX_KEY_BYTES} bytes of UTF-8")]
    TooLong,
    #[error("the key begins with a slash")]
    LeadingSlash,
    #[error("the key has an empty segment")]
    EmptySegment,
    #[error("the key has a segment that is . or ..")]
    DotSegment,
    #[error("the key has a control character")]
    ControlCharacter,
    #[error("the key has a backslash")]
    Backslash,
}

/// Checks a whole key.
pub(crate) fn check_key(key: &str) -> Result<(), KeyFault> {
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

/// Joins segments that are not empty by slashes, with one at the end: `uploads/anonymous/`.
pub fn folder(segments: &[&str]) -> String {
    segments
        .iter()
        .filter(|segment| !segment.is_empty())
        .flat_map(|segment| [*segment, "/"])
        .collect()
}

/// Makes the key of a new object: `<folder><uuid>/<safe name>`.
///
/// The UUID makes the key unique, so two files of one name never share it. The folder is at most 128
/// bytes of prefix and 765 of principal, so a name always has room.
pub(crate) fn new_key(folder: &str, uuid: Uuid, file_name: &str) -> String {
    let start = format!("{folder}{uuid}/");
    let name = safe_name(file_name, MAX_KEY_BYTES.saturating_sub(start.len()));
    start + &name
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
    fn a_key_is_the_folder_the_uuid_and_the_name() {
        let folder = folder(&["uploads", "anonymous"]);
        assert_eq!(
            new_key(&folder, Uuid::nil(), "a.txt"),
            "uploads/anonymous/00000000-0000-0000-0000-000000000000/a.txt"
        );
    }

    #[test]
    fn an_empty_prefix_adds_no_segment() {
        assert_eq!(folder(&["", "anonymous"]), "anonymous/");
        assert_eq!(folder(&["", ""]), "");
    }

    proptest! {
        #[test]
        fn any_name_becomes_a_key_that_keeps_the_rules(
            name in any::<String>(),
            prefix in "[a-z]{0,128}",
            principal in "[a-z]{1,765}",
        ) {
            let folder = folder(&[&prefix, &principal]);
            let key = new_key(&folder, Uuid::nil(), &name);
            prop_assert_eq!(check_key(&key), Ok(()));
            prop_assert!(key.starts_with(&folder));
        }

        #[test]
        fn any_path_becomes_a_key_that_keeps_the_rules(name in r"([./\\ \x00-\x20a-zé\u{202e}]{0,40}/?){0,60}") {
            let key = new_key("uploads/anonymous/", Uuid::nil(), &name);
            prop_assert_eq!(check_key(&key), Ok(()));
        }
    }
}
