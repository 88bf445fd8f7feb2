//! The names under which one type is known.

/// Names that systems, programs and people use for a type, without their `x-`, and the common name of each. What
/// differs by an `x-` alone is not listed.
const ALIASES: [(&str, &str); 23] = [
    ("application/csv", "text/csv"),
    ("application/font-sfnt", "font/ttf"),
    ("application/font-ttf", "font/ttf"),
    ("application/font-woff", "font/woff"),
    ("application/javascript", "text/javascript"),
    ("application/photoshop", "image/vnd.adobe.photoshop"),
    ("application/rar", "application/vnd.rar"),
    ("application/rar-compressed", "application/vnd.rar"),
    ("application/rtf", "text/rtf"),
    ("application/xml", "text/xml"),
    ("application/zip-compressed", "application/zip"),
    ("audio/mp3", "audio/mpeg"),
    ("audio/m4a", "audio/mp4"),
    ("audio/mpeg3", "audio/mpeg"),
    ("audio/vnd.wave", "audio/wav"),
    ("audio/wave", "audio/wav"),
    ("image/jpg", "image/jpeg"),
    ("image/ms-bmp", "image/bmp"),
    ("image/pjpeg", "image/jpeg"),
    ("image/vnd.microsoft.icon", "image/icon"),
    ("text/comma-separated-values", "text/csv"),
    ("video/avi", "video/msvideo"),
    ("video/m4v", "video/mp4"),
];

/// The name by which a type is compared: without the `x-` of what once was not registered (RFC 6648), and one of all
/// that are in use.
pub(crate) fn common_name(media_type: &str) -> String {
    let plain = media_type.replacen("/x-", "/", 1);
    let alias = ALIASES.iter().find(|(alias, _)| *alias == plain);
    alias.map_or(plain, |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_name_has_no_other_name() {
        for (alias, name) in ALIASES {
            assert_eq!(common_name(name), name, "{alias}");
        }
    }
}
