//! Hashes of what a file contains.

use std::{fmt::Write as _, fs, path::PathBuf};

use anyhow::{Context, Result};
use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha384};

/// A name for this content: 16 hexadecimal digits.
pub(crate) fn content_hash(bytes: &[u8]) -> String {
    Sha384::digest(bytes)
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A name for these files: for where each is, and for what it contains.
///
/// # Errors
/// If one cannot be read.
pub(crate) fn hash_of_files(files: impl IntoIterator<Item = PathBuf>) -> Result<String> {
    let mut lines = String::new();
    for file in files {
        let bytes = fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        let _ = writeln!(lines, "{} {}", content_hash(&bytes), file.display());
    }
    Ok(content_hash(lines.as_bytes()))
}

/// The value of an `integrity` attribute (W3C Subresource Integrity), with the hash that trunk uses too.
pub(crate) fn integrity(bytes: &[u8]) -> String {
    format!("sha384-{}", Base64::encode_string(&Sha384::digest(bytes)))
}
