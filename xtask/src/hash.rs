//! Hashes of what a file contains.

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

/// The value of an `integrity` attribute (W3C Subresource Integrity), with the hash that trunk uses too.
pub(crate) fn integrity(bytes: &[u8]) -> String {
    format!("sha384-{}", Base64::encode_string(&Sha384::digest(bytes)))
}
