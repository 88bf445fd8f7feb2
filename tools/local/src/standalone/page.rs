//! The files of the built page, all of which are in memory: no request reads the disk.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use http_body_util::Full;
use infra::page_file::{cache_control, content_type};
use serde_json::{Map, Value};

/// The media type of a file with any other extension.
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// The end of the name of a file that is another one as a brotli stream.
const BROTLI: &str = ".br";

/// The page's files, by path from the root.
pub(super) struct PageFiles(BTreeMap<String, Bytes>);

impl PageFiles {
    /// Reads the folder of a built page.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut files = BTreeMap::new();
        read_into(&mut files, folder, "/")
            .with_context(|| format!("the page in {} cannot be read", folder.display()))?;
        ensure!(
            files.contains_key("/index.html"),
            "{} has no index.html: cargo xtask dist page makes the page",
            folder.display()
        );
        Ok(Self(files))
    }

    /// The settings that it was built with.
    pub(super) fn config(&self) -> anyhow::Result<Map<String, Value>> {
        let config = self
            .0
            .get("/config.json")
            .context("the page has no config.json")?;
        serde_json::from_slice(config).context("config.json is not a JSON object")
    }

    /// The file at a path, as a brotli stream if the client takes that.
    pub(super) fn answer(&self, path: &str, headers: &HeaderMap) -> Option<Response<Full<Bytes>>> {
        let path = if path == "/" { "/index.html" } else { path };
        let bytes = self.0.get(path).filter(|_| !path.ends_with(BROTLI))?;
        let compressed = self.0.get(&format!("{path}{BROTLI}"));
        let compressed = compressed.filter(|_| takes_brotli(headers));
        let bytes = compressed.unwrap_or(bytes).clone();
        let mut response = response(
            content_type(path).unwrap_or(UNKNOWN_TYPE),
            cache_control(path),
            bytes,
        );
        let headers = response.headers_mut();
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if compressed.is_some() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
        }
        Some(response)
    }
}

fn read_into(files: &mut BTreeMap<String, Bytes>, folder: &Path, above: &str) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{above}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read_into(files, &entry.path(), &format!("{path}/"))?;
        } else {
            files.insert(path, fs::read(entry.path())?.into());
        }
    }
    Ok(())
}

pub(super) fn response(
    content_type: &'static str,
    cache: &'static str,
    bytes: Bytes,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(bytes));
    let headers: [(HeaderName, &str); 2] = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, cache),
    ];
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

fn takes_brotli(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok());
    let mut codings = accepted.unwrap_or_default().split(',');
    codings.any(|coding| coding.trim() == "br")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> PageFiles {
        let files = [
            "/index.html",
            "/page-0123456789abcdef.wasm",
            "/page-0123456789abcdef.wasm.br",
        ];
        PageFiles(files.map(|path| (path.to_owned(), Bytes::from(path))).into())
    }

    fn check(path: &str, accepted: &'static str, expected: Option<(&str, &str)>) {
        let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted))]);
        let response = page().answer(path, &headers);
        let text = |name: HeaderName| {
            let headers = response.as_ref().map(|response| response.headers());
            let value = headers.and_then(|headers| headers.get(name));
            value
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned()
        };
        let found = response
            .as_ref()
            .map(|_| (text(header::CONTENT_TYPE), text(header::CONTENT_ENCODING)));
        let expected = expected.map(|(kind, coding)| (kind.to_owned(), coding.to_owned()));
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn a_file_has_its_type_and_is_compressed_for_who_takes_that() {
        check("/", "br", Some(("text/html; charset=utf-8", "")));
        let wasm = "/page-0123456789abcdef.wasm";
        check(wasm, "gzip, br", Some(("application/wasm", "br")));
        check(wasm, "gzip", Some(("application/wasm", "")));
        check("/page-0123456789abcdef.wasm.br", "br", None);
        check("/../Cargo.toml", "br", None);
    }

    #[test]
    fn only_a_path_with_a_hash_may_be_kept() {
        assert_eq!(cache_control("/index.html"), "no-cache");
        assert!(cache_control("/page-0123456789abcdef.wasm").contains("immutable"));
    }
}
