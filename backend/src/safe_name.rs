//! File names that are safe in a key, a path and a terminal, and still recognised by a person.

/// Longest segment in bytes: what common file systems take for one name.
const MAX_SEGMENT_BYTES: usize = 255;

/// Longest extension in bytes, dot included, that a shortened name keeps.
const MAX_EXTENSION_BYTES: usize = 32;

/// The name of a file whose own name has nothing safe in it.
const FALLBACK: &str = "file";

/// Makes a name safe; the result is never empty and at most `limit` bytes long (at least 36).
///
/// Letters of every script, digits, emoji, spaces and most punctuation stay. A path, as a dropped folder
/// gives it, stays a path: each segment is made safe, those without meaning (empty, `.`, `..`) go, and
/// where the whole is too long the outermost folders go first.
pub(crate) fn safe_name(name: &str, limit: usize) -> String {
    let mut path = String::new();
    for segment in name
        .rsplit('/')
        .filter_map(|segment| safe_segment(segment, limit))
    {
        if path.is_empty() {
            path = segment;
        } else if path.len() + 1 + segment.len() <= limit {
            path = format!("{segment}/{path}");
        } else {
            break;
        }
    }
    if path.is_empty() {
        FALLBACK.to_owned()
    } else {
        path
    }
}

/// Makes one segment safe, or finds that nothing of it is left.
fn safe_segment(segment: &str, limit: usize) -> Option<String> {
    let visible: String = segment
        .chars()
        .filter(|character| !is_invisible(*character))
        .map(|character| if is_unsafe(character) { '_' } else { character })
        .collect();
    let trimmed = trim(&visible);
    let name = trimmed.trim_start_matches('.');
    if name.is_empty() {
        return None;
    }
    // A leading dot hides a file, so it is replaced and not dropped: the name stays recognisable.
    let hidden = "_".repeat(trimmed.len() - name.len());
    Some(shorten(&(hidden + name), limit.min(MAX_SEGMENT_BYTES)))
}

/// Some systems drop dots and white space at a name's end, and nobody sees white space at its start.
fn trim(name: &str) -> &str {
    name.trim_start()
        .trim_end_matches(|character: char| character == '.' || character.is_whitespace())
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
    trim(stem).to_owned() + extension
}

/// Characters with a meaning of their own to file systems and terminals. The two noncharacters cannot
/// stand in the XML in which S3 lists keys (XML 1.0, section 2.2).
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\\' | '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}'
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

    use super::*;

    fn check(name: &str, expected: &str) {
        assert_eq!(safe_name(name, 900), expected, "{name:?}");
    }

    #[test]
    fn what_a_person_recognises_stays() {
        for name in [
            "report.pdf",
            "my holiday (1).jpg",
            "100% #1 + more & 'less'.txt",
            "تقرير نهائي.pdf",
            "報告書.docx",
            "👩‍🚀 🇪🇬.png",
            "می‌خواهم.txt",
            "a..b.txt",
            "folder/sub folder/file.txt",
        ] {
            check(name, name);
        }
    }

    #[test]
    fn what_has_a_meaning_of_its_own_goes() {
        check("../../etc/passwd", "etc/passwd");
        check("/a//b/./c", "a/b/c");
        check(r"C:\temp\a.txt", "C:_temp_a.txt");
        check(".htaccess", "_htaccess");
        check("..a", "__a");
        check("a\r\nb\0.txt", "a__b_.txt");
        check("invoice\u{202e}fdp.exe", "invoicefdp.exe");
        check("  a.txt. . ", "a.txt");
    }

    #[test]
    fn a_name_with_nothing_safe_becomes_file() {
        for name in ["", "/", ".", "..", "...", " . ", "\u{202e}", "../.."] {
            check(name, "file");
        }
    }

    #[test]
    fn a_long_name_is_cut_between_characters_and_keeps_its_extension() {
        let name = safe_name(&format!("{}.jpeg", "é".repeat(200)), 900);
        assert_eq!(name, format!("{}.jpeg", "é".repeat(125)));
        assert_eq!(safe_name(&"a".repeat(300), 900), "a".repeat(255));
        assert_eq!(
            safe_name(&format!("{} bcd", "a".repeat(254)), 900),
            "a".repeat(254)
        );
        assert_eq!(safe_name(&format!("a.{}", "b".repeat(300)), 900).len(), 255);
    }

    #[test]
    fn a_long_path_loses_its_outermost_folders() {
        let name = format!("{}/{}/c.txt", "a".repeat(60), "b".repeat(60));
        assert_eq!(safe_name(&name, 100), format!("{}/c.txt", "b".repeat(60)));
    }

    proptest! {
        #[test]
        fn any_name_becomes_a_short_safe_one(name in any::<String>(), limit in 36_usize..1000) {
            let safe = safe_name(&name, limit);
            prop_assert!(safe.len() <= limit);
            for segment in safe.split('/') {
                prop_assert!(!segment.is_empty() && segment.len() <= 255);
                prop_assert!(!segment.starts_with('.') && !segment.ends_with(['.', ' ']));
                prop_assert!(!segment.chars().any(|c| is_unsafe(c) || is_invisible(c)));
            }
        }

        #[test]
        fn a_safe_name_stays_as_it_is(name in any::<String>()) {
            let safe = safe_name(&name, 900);
            prop_assert_eq!(safe_name(&safe, 900), safe);
        }
    }
}
