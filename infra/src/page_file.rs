//! How a file of the built page is served, whoever serves it.

/// Media types by the extension of a file's name. The page is served with `X-Content-Type-Options: nosniff`, so a wrong
/// type would keep a browser from loading the file. `application/wasm` lets it compile while it loads (WebAssembly Web
/// API, "Streaming Module Compilation and Instantiation").
const CONTENT_TYPES: [(&str, &str); 10] = [
    ("css", "text/css; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/vnd.microsoft.icon"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("wasm", "application/wasm"),
    ("woff2", "font/woff2"),
];

/// The media type of the file at a path; `None` if the extension is not one of the page's.
pub fn content_type(path: &str) -> Option<&'static str> {
    let (_, extension) = path.rsplit_once('.').unwrap_or_default();
    let known = CONTENT_TYPES.iter().find(|(known, _)| *known == extension);
    known.map(|(_, content_type)| *content_type)
}

/// Whether a path contains the hash of its content, so that the content of the path never changes.
pub fn is_immutable(path: &str) -> bool {
    path.split(['-', '_', '.', '/']).any(is_content_hash)
}

/// How long a cache may keep the file at a path (RFC 9111, section 5.2.2, and RFC 8246).
pub fn cache_control(path: &str) -> &'static str {
    if is_immutable(path) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    }
}

/// Whether a part of a file's name is the hash of its content: 16 hexadecimal digits, without leading zeros where trunk
/// wrote it.
pub fn is_content_hash(part: &str) -> bool {
    /// One hash in a million is shorter.
    const FEWEST_DIGITS: usize = 12;
    (FEWEST_DIGITS..=16).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_hexdigit())
}
