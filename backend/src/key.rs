//! The keys of new objects.

use lambda_api::key::check_key;
use wire::{ApiError, BatchId, ErrorCode, MANIFEST_SUFFIX, MAX_KEY_BYTES, has_manifest_suffix};

use crate::safe_name::{MAX_EXTENSION_BYTES, MAX_SEGMENT_BYTES, safe_path};

/// Makes the key of a new object: `<folder><batch>/<safe path>`, so that a folder that was dropped is a folder again.
///
/// From `copy` 2 on, the number is put into the name: `name (2).ext`. The same arguments make the same key, so that a
/// file that is planned again, even after a crash, goes where it went before.
///
/// The folder is at most 128 bytes of prefix and 765 of principal, so a name always has room.
pub(crate) fn new_key(folder: &str, batch: BatchId, path: &str, copy: u32) -> String {
    let start = format!("{folder}{batch}/");
    let limit = MAX_KEY_BYTES.saturating_sub(start.len());
    match copy {
        0 | 1 => start + &safe_path(path, limit),
        copy => {
            let number = format!(" ({copy})");
            start + &insert_number(&safe_path(path, limit - number.len()), &number)
        }
    }
}

/// Checks a whole key that a client names: none may be taken for a manifest.
pub(crate) fn check_named_key(key: &str) -> Result<(), ApiError> {
    let invalid = |message| Err(ApiError::new(ErrorCode::InvalidKey, message));
    match check_key(key) {
        Err(fault) => invalid(fault.to_string()),
        Ok(()) if has_manifest_suffix(key) => invalid(format!(
            "the key ends in {MANIFEST_SUFFIX}, which is for manifests"
        )),
        Ok(()) => Ok(()),
    }
}

/// Puts a number behind the stem of a safe path's last segment, which may not get too long by it.
fn insert_number(path: &str, number: &str) -> String {
    let name_start = path.rfind('/').map_or(0, |slash| slash + 1);
    let (folders, name) = path.split_at(name_start);
    let extension = match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= MAX_EXTENSION_BYTES => &name[dot..],
        _ => "",
    };
    let stem = &name[..name.len() - extension.len()];
    let longest = MAX_SEGMENT_BYTES - extension.len() - number.len();
    let stem = &stem[..stem.floor_char_boundary(longest)];
    [folders, stem, number, extension].concat()
}

#[cfg(test)]
mod tests {
    use lambda_api::key::folder;
    use proptest::prelude::*;

    use super::*;

    fn batch() -> BatchId {
        BatchId::new(1_800_000_000_000, [0; 10])
    }

    fn check(path: &str, copy: u32, expected: &str) {
        let key = new_key("uploads/anonymous/", batch(), path, copy);
        let below = key.strip_prefix("uploads/anonymous/01a3185c-5000-7000-8000-000000000000/");
        assert_eq!(below, Some(expected), "{path:?}, {copy}");
    }

    #[test]
    fn a_key_is_the_folder_the_batch_and_the_path() {
        check("a.txt", 0, "a.txt");
        check("holiday/day 1/a.txt", 0, "holiday/day 1/a.txt");
        check("holiday/../a.txt", 1, "holiday/a.txt");
    }

    #[test]
    fn a_copy_has_its_number_before_the_extension() {
        check("a.txt", 2, "a (2).txt");
        check("v1.2/a", 3, "v1.2/a (3)");
        check("archive.tar.gz", 12, "archive.tar (12).gz");
        check("صورة.jpg", 2, "صورة (2).jpg");
    }

    #[test]
    fn a_long_name_stays_within_its_segment_with_a_number() {
        let long = format!("{}.txt", "é".repeat(200));
        check(&long, 2, &format!("{} (2).txt", "é".repeat(123)));
    }

    #[test]
    fn no_file_gets_the_key_of_a_manifest() {
        for (name, copy, expected) in [
            ("a.slipway-manifest.json", 0, "a_slipway-manifest.json"),
            ("a.slipway-manifest.json", 2, "a_slipway-manifest (2).json"),
            ("a.SLIPWAY-Manifest.json", 1, "a_SLIPWAY-Manifest.json"),
            (".slipway-manifest.json", 0, "_slipway-manifest.json"),
            ("con.slipway-manifest.json", 0, "_con_slipway-manifest.json"),
            ("a.slipway-\u{202e}manifest.json. ", 0, "a_slipway-manifest.json"),
            ("a.slipway-manifest.json/b", 0, "a.slipway-manifest.json/b"),
            ("a.slipway-manifest", 2, "a (2).slipway-manifest"),
        ] {
            check(name, copy, expected);
        }
        let stem = "a".repeat(MAX_SEGMENT_BYTES - MANIFEST_SUFFIX.len());
        let cut = format!("{stem}{MANIFEST_SUFFIX}{}", "x".repeat(40));
        check(&cut, 0, &format!("{stem}_slipway-manifest.json"));
    }

    #[test]
    fn a_key_that_a_client_names_is_no_manifests() {
        assert_eq!(check_named_key("uploads/a.json"), Ok(()));
        for key in [
            "a/../b",
            "uploads/a.slipway-manifest.json",
            "a.SLIPWAY-MANIFEST.JSON",
        ] {
            let code = check_named_key(key).map_err(|error| error.code);
            assert_eq!(code, Err(ErrorCode::InvalidKey), "{key}");
        }
    }

    /// Names that come close to a manifest's, some of which are cut.
    fn almost_a_manifest() -> impl Strategy<Value = String> {
        r"(a{0,300}|[. /:\u{202e}]){0,3}(\.[sS]lipway|-manifest|\.json|\.slipway-manifest\.json|[x. ]){0,6}"
    }

    proptest! {
        #[test]
        fn no_name_becomes_the_key_of_a_manifest(name in almost_a_manifest(), copy in 0..12_u32) {
            let key = new_key("uploads/anonymous/", batch(), &name, copy);
            prop_assert_eq!(check_named_key(&key), Ok(()));
        }

        #[test]
        fn any_name_becomes_a_key_that_keeps_the_rules(
            name in any::<String>(),
            prefix in "[a-z]{0,128}",
            principal in "[a-z]{1,765}",
            copy: u32,
        ) {
            let folder = folder(&[&prefix, &principal]);
            let key = new_key(&folder, batch(), &name, copy);
            prop_assert_eq!(check_key(&key), Ok(()));
            prop_assert!(key.starts_with(&folder));
        }

        #[test]
        fn any_path_becomes_a_key_that_keeps_the_rules(
            name in r"([./\\ \x00-\x20a-zé\u{202e}]{0,40}/?){0,60}",
            copy in 0..20_u32,
        ) {
            let key = new_key("uploads/anonymous/", batch(), &name, copy);
            prop_assert_eq!(check_key(&key), Ok(()));
        }

        #[test]
        fn copies_of_a_name_have_keys_of_their_own(name in any::<String>(), copy in 2..u32::MAX) {
            let key = |copy| new_key("uploads/anonymous/", batch(), &name, copy);
            prop_assert_ne!(key(copy), key(copy - 1));
        }
    }
}
