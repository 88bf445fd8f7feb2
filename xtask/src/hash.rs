//! Hashes of what a file contains.

use std::{fmt::Write as _, fs};

use anyhow::{Context, Result};
use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha384};
use walkdir::DirEntry;

/// A name for this content: 16 hexadecimal digits.
pub(crate) fn content_hash(bytes: &[u8]) -> String {
    Sha384::digest(bytes)
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A name for the files among these entries: for where each is, and for what it contains.
///
/// # Errors
/// If one cannot be read.
pub(crate) fn hash_of_files(entries: impl IntoIterator<Item = walkdir::Result<DirEntry>>) -> Result<String> {
    let mut lines = String::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type().is_file() {
            let file = entry.path().display();
            let bytes = fs::read(entry.path()).with_context(|| format!("{file} cannot be read"))?;
            let _ = writeln!(lines, "{} {file}", content_hash(&bytes));
        }
    }
    Ok(content_hash(lines.as_bytes()))
}

/// The value of an `integrity` attribute (W3C Subresource Integrity), with the hash that trunk uses too.
pub(crate) fn integrity(bytes: &[u8]) -> String {
    format!("sha384-{}", Base64::encode_string(&Sha384::digest(bytes)))
}
