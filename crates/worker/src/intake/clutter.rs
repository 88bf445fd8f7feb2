//! What systems and programs leave in folders, and nobody means when choosing one.

/// Names of files and folders, in lower case: those that GitHub's templates of `.gitignore` have for macOS, Windows
/// and Linux, and those of archives and network drives.
const NAMES: [&str; 17] = [
    "$recycle.bin",
    ".appledouble",
    ".apdisk",
    ".directory",
    ".documentrevisions-v100",
    ".ds_store",
    ".fseventsd",
    ".spotlight-v100",
    ".temporaryitems",
    ".trashes",
    "@eadir",
    "__macosx",
    "desktop.ini",
    "ehthumbs.db",
    "icon\r",
    "system volume information",
    "thumbs.db",
];

/// How the names of files and folders begin that stand beside another one only for as long as a program has that open,
/// or hold what a file system could not.
const PREFIXES: [&str; 6] = ["._", ".fuse_hidden", ".nfs0", ".trash-", ".~lock.", "~$"];

/// What happens to clutter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfClutter {
    LeaveOut,
    /// The user has asked for it.
    Take,
}

/// Whether a file is clutter, by its name with the folders above it. What was chosen by itself is not.
pub(super) fn is_clutter(path: &str) -> bool {
    path.contains('/') && path.split('/').any(is_clutter_name)
}

fn is_clutter_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.contains(&name.as_str()) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn clutter_is_known_by_its_name_in_a_folder() {
        for path in [
            "a/.DS_Store",
            "a/b/Thumbs.db",
            "a/Desktop.ini",
            "a/~$letter.docx",
            "a/._photo.jpg",
            "a/__MACOSX/b.txt",
            "a/.~lock.sheet.ods#",
        ] {
            assert!(is_clutter(path), "{path}");
        }
        for path in [
            ".DS_Store",
            "Thumbs.db",
            "a/.gitignore",
            "a/b.db",
            "a/thumbs.db.txt",
            "a/.nfs",
        ] {
            assert!(!is_clutter(path), "{path}");
        }
    }
}
