//! Names that are safe in a key, a terminal and on every common file system, and that their owner still recognises.

use unicode_normalization::UnicodeNormalization;
use wire::{MANIFEST_SUFFIX, has_manifest_suffix};

/// The longest segment in bytes: what common file systems take for one name.
pub(crate) const MAX_SEGMENT_BYTES: usize = 255;

/// The longest extension in bytes, dot included, that a shortened name keeps.
pub(crate) const MAX_EXTENSION_BYTES: usize = 32;

/// The name of a file whose own name has nothing safe in it.
const FALLBACK: &str = "file";

/// Windows' devices, which no file can be named after (Microsoft, "Naming Files, Paths, and Namespaces").
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// Windows' devices that have a number, from 0 to 9 or one of the three superscripts of ISO 8859-1.
const NUMBERED_DEVICES: [&str; 2] = ["COM", "LPT"];

/// Makes a relative path safe, segment by segment as [`safe_segment`] does; the result is never empty and at most
/// `limit` bytes long (at least 36).
///
/// Folders without meaning (empty, `.`, `..`) are dropped; the last segment is the file's name and always has one. If
/// the whole is too long, the outermost folders are dropped. No file is called like a manifest.
pub(crate) fn safe_path(path: &str, limit: usize) -> String {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut safe = safe_segment(name, limit).map_or_else(|| FALLBACK.to_owned(), unlike_a_manifest);
    for folder in folders
        .rsplit('/')
        .filter_map(|folder| safe_segment(folder, limit))
    {
        if folder.len() + 1 + safe.len() > limit {
            break;
        }
        safe = format!("{folder}/{safe}");
    }
    safe
}

/// Takes the dot from a name that ends as manifests' do, which keeps its length.
fn unlike_a_manifest(name: String) -> String {
    if !has_manifest_suffix(&name) {
        return name;
    }
    let (stem, suffix) = name.split_at(name.len() - MANIFEST_SUFFIX.len());
    format!("{stem}_{}", &suffix[1..])
}

/// Makes one name of a path safe; the result is in NFC and at most `limit` bytes long (at least 36), and no more than
/// 255. `None` if nothing of it is left.
///
/// Letters of every script, digits, emoji, spaces and most punctuation stay, as does a leading dot. What Windows does
/// not take is replaced, and what makes a name read as another one is removed.
pub(crate) fn safe_segment(name: &str, limit: usize) -> Option<String> {
    let limit = limit.min(MAX_SEGMENT_BYTES);
    // A character that is removed may have stood between two that are one in NFC, and one that is replaced may be part
    // of a composed one: `<` and a stroke are `≮`.
    let visible: String = name
        .chars()
        .filter(|character| !is_invisible(*character))
        .nfc()
        .map(|character| if is_unsafe(character) { '_' } else { character })
        .collect();
    let name = shorten(trim(&visible), limit);
    match name.as_str() {
        "" => None,
        name if is_device(name) => Some(shorten(&format!("_{name}"), limit)),
        _ => Some(name),
    }
}

/// Windows drops dots and white space at a name's end, and nobody sees white space at its start.
fn trim(name: &str) -> &str {
    trim_end(name.trim_start())
}

fn trim_end(name: &str) -> &str {
    name.trim_end_matches(|character: char| character == '.' || character.is_whitespace())
}

/// Cuts a name to `limit` bytes between characters and keeps its extension.
fn shorten(name: &str, limit: usize) -> String {
    if name.len() <= limit {
        return name.to_owned();
    }
    let extension = match name.rfind('.') {
        Some(dot) if name.len() - dot <= MAX_EXTENSION_BYTES.min(limit - 1) => &name[dot..],
        _ => "",
    };
    let stem = &name[..name.floor_char_boundary(limit - extension.len())];
    trim_end(stem).to_owned() + extension
}

/// Whether Windows takes this name for a device, which it does whatever extension follows, and whatever white space
/// before that.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end();
    if DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device)) {
        return true;
    }
    let mut characters = stem.chars();
    let is_numbered = characters
        .next_back()
        .is_some_and(|last| matches!(last, '0'..='9' | '¹' | '²' | '³'));
    let kind = characters.as_str();
    is_numbered
        && NUMBERED_DEVICES
            .iter()
            .any(|device| kind.eq_ignore_ascii_case(device))
}

/// Characters with a meaning of their own to Windows, other file systems and terminals. The two noncharacters cannot
/// stand in the XML in which S3 lists keys (XML 1.0, section 2.2).
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '<' | '>'
                | ':'
                | '"'
                | '/'
                | '\\'
                | '|'
                | '?'
                | '*'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{fffe}'
                | '\u{ffff}'
        )
}

/// The Unicode property `Bidi_Control` (Unicode Standard Annex 9), which can make `exe.txt` of
/// `txt.exe`, and the byte order mark. Joiners stay: scripts and emoji need them.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::is_nfc;

    use super::*;

    fn check(path: &str, expected: &str) {
        assert_eq!(safe_path(path, 900), expected, "{path:?}");
    }

    #[test]
    fn what_its_owner_recognises_stays() {
        for name in [
            "report.pdf",
            "my holiday (1).jpg",
            "100% #1 + more & 'less'.txt",
            "تقرير نهائي.pdf",
            "報告書.docx",
            "👩‍🚀 🇪🇬.png",
            "می‌خواهم.txt",
            "a..b.txt",
            ".gitignore",
            "..a",
            ".DS_Store",
            "~$letter.docx",
            "-rf",
            "folder/sub folder/file.txt",
            "src/.config/a",
        ] {
            check(name, name);
        }
    }

    #[test]
    fn an_odd_path_gets_a_key_that_every_system_takes() {
        for (path, expected) in [
            // Paths.
            ("../../etc/passwd", "etc/passwd"),
            ("/a//b/./c", "a/b/c"),
            (r"C:\temp\a.txt", "C__temp_a.txt"),
            (" . /a", "a"),
            // Unicode normalization form C.
            ("u\u{308}ber.txt", "über.txt"),
            ("A\u{30a}/\u{212b}", "Å/Å"),
            ("\u{1112}\u{1161}\u{11ab}.txt", "한.txt"),
            ("e\u{202e}\u{301}", "é"),
            ("a <\u{338} b", "a ≮ b"),
            // Characters that Windows reserves, control characters and separators of lines.
            ("12:05?.txt", "12_05_.txt"),
            ("<a|b> \"c*\".txt", "_a_b_ _c__.txt"),
            ("a\r\nb\0\u{7f}\u{85}.txt", "a__b___.txt"),
            ("a\u{2028}b\u{ffff}", "a_b_"),
            // Devices of Windows.
            ("CON", "_CON"),
            ("con.txt", "_con.txt"),
            ("nul.tar.gz", "_nul.tar.gz"),
            ("Aux .txt", "_Aux .txt"),
            ("lpt9/COM¹.log", "_lpt9/_COM¹.log"),
            ("conin$", "_conin$"),
            ("CON\u{200e}", "_CON"),
            ("CONSOLE.txt", "CONSOLE.txt"),
            ("COM.txt", "COM.txt"),
            ("COM10", "COM10"),
            (".con", ".con"),
            // Ends that Windows drops, and white space that nobody sees.
            ("  a.txt. . ", "a.txt"),
            ("notes./b", "notes/b"),
            ("\u{3000}a\u{a0}", "a"),
            // Direction.
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            ("\u{2067}a\u{2069}\u{200f}\u{61c}\u{feff}.txt", "a.txt"),
        ] {
            check(path, expected);
        }
    }

    #[test]
    fn a_file_with_nothing_safe_in_its_name_is_called_file() {
        for path in ["", "/", ".", "..", "...", " . ", "\u{202e}", "../.."] {
            check(path, "file");
        }
        // It would else have the name of its folder.
        check("photos/...", "photos/file");
    }

    #[test]
    fn a_long_name_is_cut_at_a_character_and_keeps_its_extension() {
        let name = safe_path(&format!("{}.jpeg", "é".repeat(200)), 900);
        assert_eq!(name, format!("{}.jpeg", "é".repeat(125)));
        assert_eq!(safe_path(&"a".repeat(300), 900), "a".repeat(255));
        assert_eq!(
            safe_path(&format!("{} bcd", "a".repeat(254)), 900),
            "a".repeat(254)
        );
        assert_eq!(safe_path(&format!("a.{}", "b".repeat(300)), 900).len(), 255);
        assert_eq!(safe_path(&format!("con{}b", " ".repeat(300)), 900), "_con");
    }

    #[test]
    fn a_long_path_loses_its_outermost_folders() {
        let path = format!("{}/{}/c.txt", "a".repeat(60), "b".repeat(60));
        assert_eq!(safe_path(&path, 100), format!("{}/c.txt", "b".repeat(60)));
    }

    /// Any text, and what is likely to be odd.
    fn path() -> impl Strategy<Value = String> {
        let odd = r"((con|LPT3|[./\\: \x00-\x20a-ze<u\u{301}\u{308}\u{338}\u{202e}]){0,20}/?){0,8}";
        prop_oneof![any::<String>(), odd]
    }

    proptest! {
        #[test]
        fn any_path_becomes_a_short_safe_one(path in path(), limit in 36_usize..1000) {
            let safe = safe_path(&path, limit);
            prop_assert!(safe.len() <= limit);
            prop_assert!(is_nfc(&safe));
            for segment in safe.split('/') {
                prop_assert!(!segment.is_empty() && segment.len() <= 255);
                prop_assert!(!segment.starts_with(' ') && !segment.ends_with(['.', ' ']));
                prop_assert!(!segment.chars().any(|c| is_unsafe(c) || is_invisible(c)));
                prop_assert!(!is_device(segment));
            }
        }

        #[test]
        fn a_safe_path_stays_as_it_is(path in path(), limit in 36_usize..1000) {
            let safe = safe_path(&path, limit);
            prop_assert_eq!(safe_path(&safe, limit), safe);
        }
    }
}
