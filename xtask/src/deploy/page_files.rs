//! The files of a built page, and how each is served.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use infra::page_file;
use serde_json::{Map, Value};
use walkdir::WalkDir;

/// A built page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) folder: PathBuf,
    /// Its files, by path.
    pub(crate) files: Vec<PageFile>,
    /// The settings that it was built with.
    pub(crate) config: Map<String, Value>,
}

/// A file of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageFile {
    /// Its path below the page's folder, with slashes.
    pub(crate) path: String,
    /// Its media type.
    pub(crate) content_type: &'static str,
}

impl Page {
    /// Lists a page's files. A file of an unknown type is an error.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let mut files = Vec::new();
        for entry in WalkDir::new(folder).sort_by_file_name() {
            let entry = entry.with_context(|| format!("{} cannot be read", folder.display()))?;
            if entry.file_type().is_file() {
                let path = entry.path().strip_prefix(folder)?;
                let path = path.to_str().context("a file's name is not UTF-8")?;
                files.push(PageFile::of(path)?);
            }
        }
        ensure!(
            files.iter().any(PageFile::is_index),
            "{} has no index.html",
            folder.display()
        );
        let config = fs::read_to_string(folder.join("config.json"))
            .with_context(|| format!("{} has no config.json", folder.display()))?;
        Ok(Self {
            folder: folder.to_owned(),
            files,
            config: serde_json::from_str(&config).context("config.json is not a JSON object")?,
        })
    }
}

impl PageFile {
    pub(crate) fn of(path: &str) -> Result<Self> {
        let content_type = page_file::content_type(path)
            .with_context(|| format!("no media type is known for {path}, a file of the page"))?;
        Ok(Self {
            path: path.to_owned(),
            content_type,
        })
    }

    pub(crate) fn is_index(&self) -> bool {
        self.path == "index.html"
    }

    pub(crate) fn is_config(&self) -> bool {
        self.path == "config.json"
    }

    /// Whether its path contains the hash of its content, so that the content of the path never changes.
    pub(crate) fn is_immutable(&self) -> bool {
        page_file::is_immutable(&self.path)
    }

    /// How long a cache may keep it (RFC 9111, section 5.2.2, and RFC 8246).
    pub(crate) fn cache_control(&self) -> &'static str {
        page_file::cache_control(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, content_type: &str, immutable: bool) {
        let file = PageFile::of(path).expect("the type is known");
        assert_eq!(file.content_type, content_type, "{path}");
        assert_eq!(file.is_immutable(), immutable, "{path}");
    }

    #[test]
    fn a_file_has_its_type_and_is_immutable_with_a_hash() {
        check("index.html", "text/html; charset=utf-8", false);
        check("config.json", "application/json", false);
        check("slipway-5d8f2f0c9a1b2c3d_bg.wasm", "application/wasm", true);
        check(
            "slipway-5d8f2f0c9a1b2c3d.js",
            "text/javascript; charset=utf-8",
            true,
        );
        check("slipway-85a3c35031e6a27_bg.wasm", "application/wasm", true);
        check(
            "snippets/page-5d8f2f0c9a1b2c3d/inline0.js",
            "text/javascript; charset=utf-8",
            true,
        );
        check("icon.svg", "image/svg+xml", false);
        check("facade-deadbeef.css", "text/css; charset=utf-8", false);
    }

    #[test]
    fn a_file_of_an_unknown_type_is_refused_by_name() {
        for path in ["licence", "notes.xyz"] {
            let error = PageFile::of(path).expect_err(path);
            assert!(error.to_string().contains(path), "{error}");
        }
    }
}
