//! Which chosen files may be uploaded, by the page's settings. The Lambda decides in the end; the page
//! tells before anything is sent.

use crate::config::Config;

/// Why a file was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Its type is not accepted.
    Type,
    /// It is too large.
    Size,
    /// There are enough files already.
    Count,
    /// It could not be read.
    Unreadable,
}

/// Why this file may not be uploaded, if so; `unfinished` files are on the list before it. Its size in bytes is
/// only asked for where it matters, since the page stands still while a browser looks it up.
pub fn refuse(
    config: &Config,
    name: &str,
    media_type: &str,
    size: impl FnOnce() -> u64,
    unfinished: usize,
) -> Option<Reason> {
    if !accepts(&config.accept, name, media_type) {
        Some(Reason::Type)
    } else if config.max_file_bytes.is_some_and(|most| size() > most) {
        Some(Reason::Size)
    } else if config.max_files.is_some_and(|most| unfinished >= most as usize) {
        Some(Reason::Count)
    } else {
        None
    }
}

/// Whether a file is one that an input with this `accept` takes (WHATWG HTML, section 4.10.5.1.17): each
/// of its tokens is a file name extension, a media type, or a kind of types such as `image/*`.
fn accepts(accept: &str, name: &str, media_type: &str) -> bool {
    let mut tokens = accept
        .split(',')
        .map(str::trim)
        .filter(|token| !token.is_empty())
        .peekable();
    if tokens.peek().is_none() {
        return true;
    }
    // A type may have parameters (RFC 9110, section 8.3.1).
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    tokens.any(|token| match token.strip_suffix("/*") {
        _ if token.starts_with('.') => ends_with(name, token),
        Some("*") => true,
        Some(kind) => media_type
            .split_once('/')
            .is_some_and(|(of, _)| of.eq_ignore_ascii_case(kind)),
        None => media_type.eq_ignore_ascii_case(token),
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

    fn check(max_file_bytes: Option<u64>, size: impl FnOnce() -> u64, expected: Option<Reason>) {
        let config = Config {
            max_file_bytes,
            ..Config::default()
        };
        assert_eq!(refuse(&config, "name", "", size, 0), expected);
    }

    #[wasm_bindgen_test]
    fn a_size_is_only_looked_up_where_there_is_a_limit() {
        check(None, || panic!("it is looked up"), None);
        check(Some(2), || 2, None);
        check(Some(2), || 3, Some(Reason::Size));
    }
}
