//! Which files the page's setting `accept` takes.

/// Whether a file is one that an input with this `accept` takes (WHATWG HTML, section 4.10.5.1.17): each of its tokens
/// is a file name extension, a media type, or a kind of types such as `image/*`. As in a browser's own file picker, a
/// file has the types of its extension besides the one that the browser calls it.
pub(super) fn accepts(accept: &str, name: &str, media_type: &str) -> bool {
    let tokens = accept.split(',').map(str::trim);
    let mut tokens = tokens.filter(|token| !token.is_empty()).peekable();
    if tokens.peek().is_none() {
        return true;
    }
    // A type may have parameters (RFC 9110, section 8.3.1).
    let declared = media_type.split(';').next().unwrap_or_default();
    let declared = declared.trim().to_ascii_lowercase();
    tokens.any(|token| {
        if token.starts_with('.') {
            return ends_with(name, token);
        }
        let pattern = token.to_ascii_lowercase();
        file_types::covers(&pattern, &declared)
            || file_types::of_name(name).any(|media_type| file_types::covers(&pattern, media_type))
    })
}

fn ends_with(name: &str, extension: &str) -> bool {
    let at = name.len().checked_sub(extension.len());
    at.and_then(|at| name.get(at..))
        .is_some_and(|end| end.eq_ignore_ascii_case(extension))
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn a_file_is_accepted_by_its_type_or_its_extension() {
        for (accept, name, media_type, expected) in [
            ("", "a", "", true),
            (" , ", "a", "", true),
            (".pdf, .JPG", "a.jpg", "", true),
            (".pdf", "pdf", "", false),
            ("*/*", "a", "zip", true),
            ("Image/*", "a", "image/png", true),
            ("text/plain", "a", "text/plain;charset=utf-8", true),
            ("image/*", "IMG_1.HEIC", "", true),
            ("text/*", "notes/read me.md", "", true),
            ("text/csv", "a.csv", "application/vnd.ms-excel", true),
            ("application/zip", "a", "application/x-zip-compressed", true),
            ("application/zip", "a.zip", "zip", true),
            ("image/*", "a.exe", "zip", false),
            ("image/*", "a", "", false),
        ] {
            assert_eq!(
                accepts(accept, name, media_type),
                expected,
                "{accept} {name} {media_type}"
            );
        }
    }
}
