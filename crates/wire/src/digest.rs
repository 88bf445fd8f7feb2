//! A SHA-256 digest, written as base64 because S3's checksum headers have it so.

use std::{fmt, str::FromStr};

use base64ct::{Base64, Encoding};

use crate::text::text_in_json;

/// A SHA-256 digest (FIPS 180-4): 32 bytes, written as 44 characters of base64 (RFC 4648, section 4)
/// as in `x-amz-checksum-sha256`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256Digest([u8; 32]);

/// The text is not the base64 of 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidSha256;

impl Sha256Digest {
    /// Wraps the 32 bytes of a digest.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes of the digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&Base64::encode_string(&self.0))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Sha256Digest({self})")
    }
}

impl FromStr for Sha256Digest {
    type Err = InvalidSha256;

    fn from_str(text: &str) -> Result<Self, InvalidSha256> {
        let mut bytes = [0; 32];
        match Base64::decode(text, &mut bytes) {
            Ok(decoded) if decoded.len() == 32 => Ok(Self(bytes)),
            _ => Err(InvalidSha256),
        }
    }
}

impl fmt::Display for InvalidSha256 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a SHA-256 digest is 44 characters of base64")
    }
}

impl std::error::Error for InvalidSha256 {}

text_in_json!(Sha256Digest);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_nothing_is_written_as_s3_writes_it() {
        let text = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        let digest: Sha256Digest = text.parse().expect("a digest");
        assert_eq!(digest.to_string(), text);
        assert_eq!(digest.as_bytes()[..4], [0xe3, 0xb0, 0xc4, 0x42]);
    }

    #[test]
    fn anything_but_the_base64_of_32_bytes_is_refused() {
        for text in [
            "",
            "AAAA",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUA",
            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ] {
            assert_eq!(text.parse::<Sha256Digest>(), Err(InvalidSha256), "{text:?}");
        }
    }
}
