//! Which media types a file has, by its name and by what it was declared as.
//!
//! A browser has a file's type from the system that it runs on, by the file's extension: Windows' registry calls a
//! .csv `application/vnd.ms-excel` and a .zip `application/x-zip-compressed`, and knows no HEIC. So a file is of a type
//! if it was declared so, under whatever name, or if its extension says so, as in a browser's own file picker.
//!
//! Types here are `type/subtype` in lower case, without parameters.

mod alias;

/// Whether a pattern covers a type: the pattern is a type such as `image/png`, or all types of a kind as `image/*`, or
/// `*/*`. The two may be different names of one type.
pub fn covers(pattern: &str, media_type: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some("*/") => true,
        Some(kind) => media_type.starts_with(kind),
        None => alias::common_name(pattern) == alias::common_name(media_type),
    }
}

/// The types that files with the extension of this name have; none if the extension is unknown.
pub fn of_name(name: &str) -> impl Iterator<Item = &'static str> {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    mime_guess::from_ext(extension).iter_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_a_type_a_kind_or_everything() {
        for (pattern, media_type, expected) in [
            ("*/*", "x/y", true),
            ("image/*", "image/png", true),
            ("image/*", "imagery/png", false),
            ("application/pdf", "application/pdf", true),
            ("application/pdf", "application/pdf2", false),
        ] {
            assert_eq!(covers(pattern, media_type), expected, "{pattern} {media_type}");
        }
    }

    #[test]
    fn two_names_of_one_type_are_one_type() {
        for (one, other) in [
            ("application/zip", "application/x-zip-compressed"),
            ("application/x-zip", "application/x-zip-compressed"),
            ("application/gzip", "application/x-gzip"),
            ("application/vnd.rar", "application/x-rar-compressed"),
            ("image/jpeg", "image/jpg"),
            ("image/jpeg", "image/pjpeg"),
            ("image/png", "image/x-png"),
            ("image/bmp", "image/x-ms-bmp"),
            ("image/x-icon", "image/vnd.microsoft.icon"),
            ("audio/mpeg", "audio/mp3"),
            ("audio/wav", "audio/x-wav"),
            ("audio/wav", "audio/vnd.wave"),
            ("video/x-msvideo", "video/avi"),
            ("text/xml", "application/xml"),
            ("text/csv", "text/comma-separated-values"),
            ("text/markdown", "text/x-markdown"),
            ("text/javascript", "application/x-javascript"),
        ] {
            assert!(covers(one, other) && covers(other, one), "{one} {other}");
        }
        assert!(!covers("application/zip", "application/gzip"));
    }

    #[test]
    fn an_extension_says_the_types_of_a_file() {
        for (name, expected) in [
            ("IMG_0001.HEIC", Some("image/heic")),
            ("a.b.csv", Some("text/csv")),
            ("notes/read me.md", Some("text/markdown")),
            ("DSC_1.NEF", Some("image/x-nikon-nef")),
            ("photo.jfif", Some("image/jpeg")),
            (
                "letter.docx",
                Some("application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            ),
            ("Makefile", None),
            ("a.", None),
            ("a.none-such", None),
        ] {
            assert_eq!(of_name(name).next(), expected, "{name}");
        }
    }
}
