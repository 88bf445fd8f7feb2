//! Where an object's file lies: keys as relative paths.

use std::path::PathBuf;

use s3s::crypto::{Checksum as _, Sha256};

/// The longest file name in bytes on the usual file systems (`NAME_MAX`).
const MAX_NAME_BYTES: usize = 255;

/// The name of an empty segment of a key, as in `a//b` or `a/`. A segment never contains a slash,
/// so no other segment is written like this.
const EMPTY_SEGMENT: &str = "%2F";

/// The folder of the objects without a plain path. No segment is written like this either.
const UNPLAIN_FOLDER: &str = "%2F%2F";

/// The path of a key below its bucket's folder, or `None` if a segment is too long for a file name.
///
/// The path is the key itself, so that people find the file, except that these are percent-encoded
/// because no file can have such a name:
///
/// - a segment `.` or `..`, as `%2E` or `%2E.`;
/// - an empty segment, as `%2F`;
/// - the NUL character, as `%00`;
/// - a `%` that two hexadecimal digits follow, as `%25`, because it would read as one of these.
///
/// Two different keys never share a path: undoing the escapes gives back the key.
pub(crate) fn plain_path(key: &str) -> Option<PathBuf> {
    let names: Vec<String> = key.split('/').map(file_name).collect();
    names
        .iter()
        .all(|name| name.len() <= MAX_NAME_BYTES)
        .then(|| names.iter().collect())
}

/// The path of a key that has no plain path: a segment is too long, or something else is there
/// already, such as the file of the key `a` in the way of `a/b`. Its metadata has the key.
pub(crate) fn hashed_path(key: &str) -> PathBuf {
    [UNPLAIN_FOLDER, &key_hash(key)].iter().collect()
}

/// The SHA-256 of a key in hexadecimal: a file name for what belongs to the key.
pub(crate) fn key_hash(key: &str) -> String {
    hexadecimal(&Sha256::checksum(key.as_bytes()))
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn file_name(segment: &str) -> String {
    match segment {
        "" => return EMPTY_SEGMENT.to_owned(),
        "." => return "%2E".to_owned(),
        ".." => return "%2E.".to_owned(),
        _ => {}
    }
    let mut name = String::with_capacity(segment.len());
    for (position, character) in segment.char_indices() {
        let following = segment.as_bytes().get(position + 1..position + 3);
        let reads_as_escape = following.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        match character {
            '%' if reads_as_escape => name.push_str("%25"),
            '\0' => name.push_str("%00"),
            other => name.push(other),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    use super::*;

    fn check(key: &str, expected: &str) {
        assert_eq!(
            plain_path(key).expect("a plain path"),
            Path::new(expected),
            "{key:?}"
        );
    }

    #[test]
    fn a_key_is_its_own_path_wherever_that_is_possible() {
        for key in [
            "a.txt",
            "uploads/anonymous/Über uns (1).pdf",
            "100%.txt",
            "50%+ #1.txt",
            "صورة/📷.png",
            "a\nb",
            "...",
            ".hidden",
        ] {
            check(key, key);
        }
    }

    #[test]
    fn what_no_file_can_be_named_is_escaped() {
        check("../../etc/passwd", "%2E./%2E./etc/passwd");
        check("a/./b", "a/%2E/b");
        check("/a", "%2F/a");
        check("a//b", "a/%2F/b");
        check("folder/", "folder/%2F");
        check("a\0b", "a%00b");
        check("a%00b", "a%2500b");
        check("%2E", "%252E");
        check("%2F", "%252F");
    }

    #[test]
    fn a_segment_that_is_too_long_has_no_plain_path() {
        assert!(plain_path(&"ä".repeat(127)).is_some());
        assert_eq!(plain_path(&"ä".repeat(128)), None);
    }

    /// The key that a plain path stands for.
    fn key_of(path: &Path) -> String {
        let names = path.iter().map(|name| name.to_str().expect("UTF-8"));
        let segments: Vec<String> = names
            .map(|name| match name {
                EMPTY_SEGMENT => String::new(),
                name => percent_decode_str(name)
                    .decode_utf8()
                    .expect("UTF-8")
                    .into_owned(),
            })
            .collect();
        segments.join("/")
    }

    proptest! {
        #[test]
        fn the_path_gives_back_the_key(key in "([a-f0-9%./\0]|%[0-9A-F]{2}|\\PC){1,40}") {
            let path = plain_path(&key).expect("a plain path");
            prop_assert_eq!(key_of(&path), key);
        }

        #[test]
        fn no_path_leaves_the_folder_or_meets_the_hashed_ones(key in "(\\.|/|%|2F|\\PC|\0){1,40}") {
            let path = plain_path(&key).expect("a plain path");
            prop_assert!(path.components().all(|part| matches!(part, Component::Normal(_))));
            prop_assert!(!path.starts_with(UNPLAIN_FOLDER));
        }
    }
}
