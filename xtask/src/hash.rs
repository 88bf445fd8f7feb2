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

/// Whether a part of a file's name is the hash of its content, as [`content_hash`] or trunk writes it: trunk writes
/// 64 bits in hexadecimal without leading zeros.
pub(crate) fn is_content_hash(part: &str) -> bool {
    /// One hash in a million is shorter.
    const FEWEST_DIGITS: usize = 12;
    (FEWEST_DIGITS..=16).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The value of an `integrity` attribute (W3C Subresource Integrity), with the hash that trunk uses too.
pub(crate) fn integrity(bytes: &[u8]) -> String {
    format!("sha384-{}", Base64::encode_string(&Sha384::digest(bytes)))
}
