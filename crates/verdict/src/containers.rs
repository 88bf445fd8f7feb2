//! Programs in containers that documents have, too: zip archives, and Microsoft's compound files.
//!
//! The beginning of a container does not say what it is. So it is asked which other bytes of the file do.

use std::ops::Range;

/// The type of a program for Java, and of one for Android.
pub(crate) const PROGRAM_ARCHIVES: [&str; 2] = [
    "application/java-archive",
    "application/vnd.android.package-archive",
];

/// The type of an installer for Windows.
const INSTALLER: &str = "application/x-msi";

/// How much of the end of a zip archive is read, in bytes: its directory, or the last some 700 entries of it.
const DIRECTORY_BYTES: u64 = 64 * 1024;

/// The beginnings of a zip archive's entries, and how far behind each the length of its name and its name stand (PKWARE
/// APPNOTE 6.3, sections 4.3.7 and 4.3.12).
const LOCAL_ENTRY: (&[u8], usize, usize) = (b"PK\x03\x04", 26, 30);
const DIRECTORY_ENTRY: (&[u8], usize, usize) = (b"PK\x01\x02", 28, 46);

/// The beginning of a compound file (MS-CFB, section 2.2).
const COMPOUND_FILE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// Length in bytes of an entry of a compound file's directory, and where in one the class is (MS-CFB, section 2.6.1).
const COMPOUND_ENTRY_BYTES: u64 = 128;
const CLASS: Range<usize> = 80..96;

/// The classes of Windows Installer's packages, transforms and patches: `000C108x-0000-0000-C000-000000000046`.
const INSTALLER_CLASSES: [u8; 3] = [0x84, 0x82, 0x86];
const INSTALLER_CLASS_REST: &[u8] = b"\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0\x46";

/// Which bytes of a file of this size say what it contains, if its first bytes show a container.
pub(crate) fn telling_bytes(first: &[u8], size: u64) -> Option<Range<u64>> {
    let range = if first.starts_with(LOCAL_ENTRY.0) {
        size.saturating_sub(DIRECTORY_BYTES)..size
    } else {
        let start = root_entry(first)?;
        start..start.checked_add(COMPOUND_ENTRY_BYTES)?.min(size)
    };
    (!range.is_empty()).then_some(range)
}

/// The type of the program that a container holds, if it holds one. `telling` are the bytes that [`telling_bytes`] named,
/// or as many of them as there are.
pub(crate) fn program(first: &[u8], telling: &[u8]) -> Option<&'static str> {
    if first.starts_with(LOCAL_ENTRY.0) {
        let has = |name: &[u8]| [first, telling].iter().any(|bytes| has_entry(bytes, name));
        let [java, android] = PROGRAM_ARCHIVES;
        return match () {
            () if has(b"AndroidManifest.xml") || has(b"classes.dex") => Some(android),
            () if has(b"META-INF/MANIFEST.MF") => Some(java),
            () => None,
        };
    }
    root_entry(first)?;
    let class = telling.get(CLASS)?;
    let is_installer = INSTALLER_CLASSES.contains(&class[0]) && &class[1..] == INSTALLER_CLASS_REST;
    is_installer.then_some(INSTALLER)
}

/// Where a compound file's root entry is: at the beginning of the directory's first sector.
fn root_entry(first: &[u8]) -> Option<u64> {
    let header = first.strip_prefix(COMPOUND_FILE)?;
    let number = |at: usize| Some(u16::from_le_bytes(header.get(at..at + 2)?.try_into().ok()?));
    let (sector_shift, low, high) = (number(22)?, number(40)?, number(42)?);
    let sector = (u64::from(high) << 16) | u64::from(low);
    // Sectors have 512 or 4,096 bytes; the header is before the first.
    [9, 12]
        .contains(&sector_shift)
        .then(|| (sector + 1) << sector_shift)
}

/// Whether an entry of a zip archive that begins somewhere in these bytes has this name.
fn has_entry(bytes: &[u8], name: &[u8]) -> bool {
    [LOCAL_ENTRY, DIRECTORY_ENTRY]
        .into_iter()
        .any(|(signature, length_at, name_at)| {
            let mut starts = bytes.windows(signature.len()).enumerate();
            starts.any(|(start, window)| {
                let is_named = || {
                    let length = bytes.get(start + length_at..start + length_at + 2)?;
                    let length = usize::from(u16::from_le_bytes(length.try_into().ok()?));
                    bytes.get(start + name_at..start + name_at + length)
                };
                window == signature && is_named() == Some(name)
            })
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry((signature, length_at, name_at): (&[u8], usize, usize), name: &str) -> Vec<u8> {
        let mut bytes = vec![0; name_at];
        bytes[..signature.len()].copy_from_slice(signature);
        bytes[length_at] = u8::try_from(name.len()).expect("a short name");
        bytes.extend_from_slice(name.as_bytes());
        bytes
    }

    fn check_zip(first: &str, last: &str, expected: Option<&str>) {
        let (local, directory) = (entry(LOCAL_ENTRY, first), entry(DIRECTORY_ENTRY, last));
        assert_eq!(program(&local, &directory), expected, "{first}, {last}");
    }

    #[test]
    fn a_program_is_known_by_an_entry_at_either_end() {
        let [java, android] = PROGRAM_ARCHIVES;
        check_zip("META-INF/MANIFEST.MF", "a", Some(java));
        check_zip("a", "META-INF/MANIFEST.MF", Some(java));
        check_zip("classes.dex", "META-INF/MANIFEST.MF", Some(android));
        check_zip("res/a.xml", "AndroidManifest.xml", Some(android));
        check_zip("[Content_Types].xml", "word/document.xml", None);
        check_zip("mimetype", "META-INF/manifest.xml", None);
        check_zip("a", "x/AndroidManifest.xml", None);
    }

    /// A compound file's header, with its directory in this sector of 512 bytes.
    fn compound_file(sector: u8) -> Vec<u8> {
        let mut header = vec![0; 512];
        header[..8].copy_from_slice(COMPOUND_FILE);
        (header[30], header[48]) = (9, sector);
        header
    }

    fn root(class: &[u8]) -> Vec<u8> {
        [&[0; 80], class, &[0; 32]].concat()
    }

    #[test]
    fn an_installer_is_known_by_the_class_of_its_root() {
        let header = compound_file(200);
        let at = 201 * 512;
        assert_eq!(telling_bytes(&header, 1 << 20), Some(at..at + 128));
        for first in INSTALLER_CLASSES {
            let installer = root(&[&[first], INSTALLER_CLASS_REST].concat());
            assert_eq!(program(&header, &installer), Some(INSTALLER));
        }
        let word = b"\x06\x09\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46";
        assert_eq!(program(&header, &root(word)), None);
        assert_eq!(program(&header, b""), None);
    }

    #[test]
    fn the_end_of_a_zip_archive_is_read_and_of_no_other_file() {
        let zip = entry(LOCAL_ENTRY, "a");
        assert_eq!(telling_bytes(&zip, 10_000_000), Some(9_934_464..10_000_000));
        assert_eq!(telling_bytes(&zip, 100), Some(0..100));
        assert_eq!(telling_bytes(b"%PDF-1.7", 100), None);
        assert_eq!(telling_bytes(&compound_file(200), 512), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_looked_at_without_a_panic(
            start in prop::sample::select(vec![b"PK\x03\x04".as_slice(), COMPOUND_FILE, b""]),
            rest in prop::collection::vec(any::<u8>(), 0..200),
            telling in prop::collection::vec(any::<u8>(), 0..200),
            size in any::<u64>(),
        ) {
            let first = [start, &rest].concat();
            let _ = telling_bytes(&first, size);
            let _ = program(&first, &telling);
        }
    }
}
