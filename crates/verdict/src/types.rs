//! What the first bytes of a file are, and what that says of the type that it was declared as.

use infer::MatcherType;

use crate::{
    containers::{PROGRAM_ARCHIVES, program},
    text::special_type,
};

/// The type of a file of which no more is known than that its bytes can be text.
const TEXT: &str = "text/plain";

/// What says nothing of a file: the type of one that has none (RFC 2046, section 4.5.1), and what S3 puts
/// in the place of a missing one.
const NO_CLAIM: [&str; 3] = ["", "application/octet-stream", "binary/octet-stream"];

/// Types of one format, or of formats whose beginnings do not tell them apart. What stands first is what
/// a detection may say.
const FAMILIES: [&[&str]; 30] = [
    &["image/jpeg", "image/jpg", "image/pjpeg"],
    &["image/bmp", "image/x-ms-bmp", "image/x-bmp"],
    &["image/vnd.microsoft.icon", "image/x-icon", "image/ico"],
    &[
        "image/tiff",
        "image/x-canon-cr2",
        "image/x-adobe-dng",
        "image/x-nikon-nef",
    ],
    &[
        "image/heif",
        "image/heic",
        "image/heif-sequence",
        "image/heic-sequence",
        "image/avif",
    ],
    &[
        "image/vnd.adobe.photoshop",
        "image/x-photoshop",
        "application/x-photoshop",
    ],
    // ISO base media files (ISO/IEC 14496-12) differ by a brand that programs choose freely.
    &[
        "video/mp4",
        "video/x-m4v",
        "video/quicktime",
        "audio/mp4",
        "audio/m4a",
        "audio/x-m4a",
        "video/3gpp",
        "video/3gpp2",
        "audio/3gpp",
        "application/mp4",
    ],
    &["video/x-matroska", "video/webm", "audio/webm", "audio/x-matroska"],
    &["audio/ogg", "video/ogg", "application/ogg", "audio/opus"],
    &["video/x-msvideo", "video/avi", "video/msvideo"],
    &["video/x-ms-wmv", "video/x-ms-asf", "audio/x-ms-wma"],
    &["video/mpeg", "video/mpg", "video/x-mpeg"],
    &["audio/mpeg", "audio/mp3", "audio/x-mp3", "audio/mpeg3"],
    &["audio/x-wav", "audio/wav", "audio/wave", "audio/vnd.wave"],
    &["audio/x-flac", "audio/flac"],
    &["audio/x-aiff", "audio/aiff"],
    &["audio/midi", "audio/mid", "audio/x-midi"],
    &["application/font-woff", "font/woff", "font/woff2"],
    &[
        "application/font-sfnt",
        "font/ttf",
        "font/otf",
        "font/sfnt",
        "application/x-font-ttf",
    ],
    &[
        "application/gzip",
        "application/x-gzip",
        "application/x-gtar-compressed",
        "application/x-compressed-tar",
    ],
    &[
        "application/vnd.rar",
        "application/x-rar-compressed",
        "application/x-rar",
    ],
    &["application/vnd.sqlite3", "application/x-sqlite3"],
    &["application/rtf", "text/rtf"],
    &[
        "application/x-x509-ca-cert",
        "application/x-pem-file",
        "application/pkix-cert",
    ],
    &[
        "application/vnd.microsoft.portable-executable",
        "application/x-msdownload",
        "application/x-dosexec",
        "application/x-msdos-program",
        "application/exe",
        "application/x-exe",
    ],
    // Microsoft's compound files (MS-CFB).
    &[
        "application/x-ole-storage",
        "application/msword",
        "application/vnd.ms-excel",
        "application/vnd.ms-powerpoint",
        "application/vnd.ms-outlook",
    ],
    &[
        "application/x-msi",
        "application/x-msdownload-installer",
        "application/x-ole-storage",
    ],
    // A program is a zip archive, but not every kind of archive is one.
    &[
        "application/java-archive",
        "application/x-java-archive",
        "application/vnd.android.package-archive",
        "application/zip",
        "application/x-zip",
        "application/x-zip-compressed",
    ],
    &[
        "text/x-msdos-batch",
        "application/x-msdos-batch",
        "application/bat",
        "application/x-bat",
    ],
    &["application/x-bzip2", "application/x-bzip"],
];

/// Formats that are zip archives, by a part of their types' names.
const ZIPPED: [&str; 11] = [
    "zip",
    "openxmlformats-officedocument",
    "oasis.opendocument",
    "java-archive",
    "android.package-archive",
    "macroenabled",
    "vnd.google-earth.kmz",
    "x-xpinstall",
    "vnd.apple.",
    "3mf",
    "image/openraster",
];

/// Texts whose types do not begin with `text/`, by how they end.
const TEXT_ENDINGS: [&str; 13] = [
    "+xml",
    "+json",
    "/json",
    "/xml",
    "/javascript",
    "/ecmascript",
    "/x-sh",
    "/x-yaml",
    "/yaml",
    "/toml",
    "/sql",
    "/x-httpd-php",
    "/x-ndjson",
];

/// Any document in XML.
const XML: [&str; 2] = ["application/xml", "text/xml"];

/// Texts that can begin with elements of HTML.
const WITH_HTML: [&str; 3] = [
    "application/xhtml+xml",
    "application/x-httpd-php",
    "text/markdown",
];

/// What a declared type is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// The file is of that type, as far as its beginning shows.
    Agrees,
    /// The file is something else.
    Differs,
    /// The first bytes do not show it.
    CannotTell,
}

/// What is known of a file's content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample<'a> {
    /// Its name, or its key.
    pub(crate) name: &'a str,
    /// Its first bytes.
    pub(crate) first: &'a [u8],
    /// Of a container the bytes that [`crate::containers::telling_bytes`] names, as far as they are known.
    pub(crate) telling: &'a [u8],
}

/// The type of a file by its first bytes: `text/plain` if all of them can be text and nothing more special is known;
/// `None` if they show nothing.
pub(crate) fn detect(sample: Sample<'_>) -> Option<&'static str> {
    let bytes = sample.first;
    if bytes.is_empty() {
        return None;
    }
    if let Some(program) = program(bytes, sample.telling) {
        return Some(program);
    }
    let found = infer::get(bytes);
    if is_text(bytes) {
        if let Some(special) = special_type(sample.name, bytes) {
            return Some(special);
        }
        // Some signatures are two letters, with which a text may begin as well.
        let believed = found.filter(|found| {
            found.matcher_type() == MatcherType::Text
                || ["application/pdf", "application/rtf", "application/postscript"]
                    .contains(&found.mime_type())
                || found.extension() == "pem"
        });
        return Some(believed.map_or(TEXT, |found| found.mime_type()));
    }
    found.map(|found| found.mime_type())
}

/// Compares the type that a file was declared as, in lower case and without parameters, with what was
/// detected.
pub(crate) fn compare(declared: &str, detected: Option<&str>) -> Comparison {
    let Some(detected) = detected else {
        return Comparison::CannotTell;
    };
    if !is_claim(declared) || declared == detected || is_one_family(declared, detected) {
        return Comparison::Agrees;
    }
    match (is_text_type(declared), is_text_type(detected)) {
        (true, true) if may_begin_like(declared, detected) => Comparison::Agrees,
        (true, true) => Comparison::Differs,
        (true, false) => Comparison::Differs,
        // Windows calls comma-separated values so.
        (false, true) if declared == "application/vnd.ms-excel" => Comparison::Agrees,
        (false, _) if is_known(declared) => Comparison::Differs,
        _ => Comparison::CannotTell,
    }
}

/// Whether a file that is declared as one type can be the other, as far as its beginning shows.
fn is_one_family(one: &str, other: &str) -> bool {
    let has_both = |family: &&[&str]| family.contains(&one) && family.contains(&other);
    let are_zipped = is_zipped(one) && is_zipped(other) && !PROGRAM_ARCHIVES.contains(&other);
    FAMILIES.iter().any(has_both) || are_zipped
}

/// Whether a text of this type can begin as a page or a picture does, if that is what was detected.
fn may_begin_like(declared: &str, detected: &str) -> bool {
    match detected {
        "image/svg+xml" => XML.contains(&declared),
        "text/html" => XML.contains(&declared) || WITH_HTML.contains(&declared),
        _ => true,
    }
}

/// Whether a declared type says anything of a file.
pub(crate) fn is_claim(declared: &str) -> bool {
    !NO_CLAIM.contains(&declared)
}

fn is_zipped(media_type: &str) -> bool {
    let is_gzip = media_type.contains("gzip") || media_type.contains("bzip");
    !is_gzip && ZIPPED.iter().any(|part| media_type.contains(part))
}

fn is_text_type(media_type: &str) -> bool {
    media_type.starts_with("text/") || TEXT_ENDINGS.iter().any(|ending| media_type.ends_with(ending))
}

/// Whether a file of this type would have been recognised, so that one that was not is something else.
fn is_known(media_type: &str) -> bool {
    let kind = media_type.split('/').next().unwrap_or_default();
    let by_other_names = FAMILIES.iter().any(|family| family.contains(&media_type));
    ["image", "audio", "video", "font"].contains(&kind)
        || by_other_names
        || is_zipped(media_type)
        || infer::is_mime_supported(media_type)
}

/// Whether none of these bytes is a binary data byte (WHATWG MIME Sniffing, section 3).
fn is_text(bytes: &[u8]) -> bool {
    let is_binary = |byte: &u8| matches!(byte, 0..=8 | 0x0B | 0x0E..=0x1A | 0x1C..=0x1F);
    !bytes.iter().any(is_binary)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\x08\0";
    const EXE: &[u8] = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff";

    /// What is detected in a file of which nothing but these bytes is known.
    fn detect_in(first: &[u8]) -> Option<&'static str> {
        let telling = &[];
        detect(Sample {
            name: "a",
            first,
            telling,
        })
    }

    fn check_detected(bytes: &[u8], expected: Option<&str>) {
        assert_eq!(detect_in(bytes), expected, "{}", bytes.escape_ascii());
    }

    #[test]
    fn a_file_is_what_its_beginning_says() {
        check_detected(PNG, Some("image/png"));
        check_detected(b"%PDF-1.7\n", Some("application/pdf"));
        check_detected(
            &[b"\x7fELF".as_slice(), &[0; 60]].concat(),
            Some("application/x-executable"),
        );
        check_detected(EXE, Some("application/vnd.microsoft.portable-executable"));
        check_detected(ZIP, Some("application/zip"));
        check_detected(b"<!DOCTYPE html><html>", Some("text/html"));
        check_detected(b"#!/bin/sh\n", Some("text/x-shellscript"));
        check_detected(b"", None);
        check_detected(b"\0\x01\x02", None);
    }

    #[test]
    fn a_text_that_begins_as_a_program_does_is_a_text() {
        check_detected(b"MZ;name;price\n1;2;3\n", Some("text/plain"));
        check_detected(b"BMW, Audi, VW", Some("text/plain"));
        check_detected("naïve".as_bytes(), Some("text/plain"));
    }

    fn check(declared: &str, bytes: &[u8], expected: Comparison) {
        assert_eq!(
            compare(declared, detect_in(bytes)),
            expected,
            "{declared} {}",
            bytes.escape_ascii()
        );
    }

    #[test]
    fn formats_with_several_names_agree_with_each_of_them() {
        check("image/png", PNG, Comparison::Agrees);
        check("application/x-msdownload", EXE, Comparison::Agrees);
        check("application/x-zip-compressed", ZIP, Comparison::Agrees);
        check(
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ZIP,
            Comparison::Agrees,
        );
        check("application/json", b"{}", Comparison::Agrees);
        check("image/svg+xml", b"<svg xmlns=''></svg>", Comparison::Agrees);
        check("text/csv", b"a,b\n", Comparison::Agrees);
        check("application/vnd.ms-excel", b"a;b\n", Comparison::Agrees);
        check(
            "video/quicktime",
            b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
            Comparison::Agrees,
        );
    }

    #[test]
    fn another_format_differs() {
        check("image/png", EXE, Comparison::Differs);
        check("image/png", b"no picture", Comparison::Differs);
        check("application/pdf", ZIP, Comparison::Differs);
        check("application/zip", PNG, Comparison::Differs);
        check("application/gzip", ZIP, Comparison::Differs);
        check("text/plain", PNG, Comparison::Differs);
        check("text/plain", ZIP, Comparison::Differs);
    }

    #[test]
    fn pages_and_pictures_are_not_taken_for_texts() {
        const SVG: &[u8] = b"<?xml version='1.0'?><svg>";
        const PAGE: &[u8] = b"<!DOCTYPE html><title>a</title>";
        check("image/svg+xml", SVG, Comparison::Agrees);
        check("application/xml", SVG, Comparison::Agrees);
        check("text/plain", SVG, Comparison::Differs);
        check("text/html", SVG, Comparison::Differs);
        check("text/html", PAGE, Comparison::Agrees);
        check("text/markdown", PAGE, Comparison::Agrees);
        check("text/csv", PAGE, Comparison::Differs);
        check("application/json", PAGE, Comparison::Differs);
        check("image/svg+xml", PAGE, Comparison::Differs);
    }

    #[test]
    fn a_program_is_no_document_of_the_same_container() {
        let compare_with = |declared, detected| compare(declared, Some(detected));
        let [java, android] = PROGRAM_ARCHIVES;
        let word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        for program in [java, android] {
            assert_eq!(compare_with(word, program), Comparison::Differs);
            assert_eq!(compare_with("application/zip", program), Comparison::Agrees);
        }
        assert_eq!(
            compare_with("application/x-java-archive", java),
            Comparison::Agrees
        );
        assert_eq!(
            compare_with("application/msword", "application/x-msi"),
            Comparison::Differs
        );
    }

    #[test]
    fn a_type_that_cannot_be_recognised_is_never_said_to_be_wrong() {
        check("application/x-of-our-own", PNG, Comparison::CannotTell);
        check("application/x-of-our-own", b"text", Comparison::CannotTell);
        check("image/png", b"\0\x01\x02", Comparison::CannotTell);
        check("text/plain", b"", Comparison::CannotTell);
    }

    #[test]
    fn who_claims_nothing_is_never_wrong() {
        for declared in NO_CLAIM {
            check(declared, EXE, Comparison::Agrees);
            check(declared, b"\0\x01\x02", Comparison::CannotTell);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_compared_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), declared in "[a-z]{1,9}/[a-z+.-]{1,20}") {
            let _ = compare(&declared, detect_in(&bytes));
        }

        #[test]
        fn what_begins_like_a_known_format_makes_no_panic(
            start in prop::sample::select(vec![PNG, ZIP, EXE, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\0\0\0\x18ftyp", b"RIFF", b"\x1aE\xdf\xa3"]),
            rest in proptest::collection::vec(any::<u8>(), 0..600),
        ) {
            let bytes = [start, &rest].concat();
            let _ = detect_in(&bytes);
        }
    }
}
