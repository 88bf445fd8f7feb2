//! `Content-Encoding`: what a browser unpacks before it looks at a file (RFC 9110, section 8.4).
//!
//! The header is not signed, so whoever has a URL can add it to the upload, and hide what a file is from everybody who
//! looks at its bytes as they are stored.

use std::io::{ErrorKind, Read};

use brotli_decompressor::Decompressor;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use ruzstd::decoding::StreamingDecoder;

/// Size in bytes of the buffer that the brotli decoder reads by.
const BUFFER_BYTES: usize = 4096;

/// What a recipient has of a file's first bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decoded {
    /// The bytes as they are stored.
    AsStored,
    /// These bytes, unpacked.
    Unpacked(Vec<u8>),
    /// Nobody knows: the coding is not one that is known here, or the bytes are not in it.
    Unreadable,
}

/// Unpacks the first bytes of a file with this `Content-Encoding`, up to `limit` bytes.
pub(crate) fn decode(content_encoding: &str, bytes: &[u8], limit: u64) -> Decoded {
    let unpacked = match content_encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => return Decoded::AsStored,
        "gzip" | "x-gzip" => unpack(MultiGzDecoder::new(bytes), limit),
        // By its definition in the zlib format; some senders leave that out.
        "deflate" => {
            unpack(ZlibDecoder::new(bytes), limit).or_else(|| unpack(DeflateDecoder::new(bytes), limit))
        }
        "br" => unpack(Decompressor::new(bytes, BUFFER_BYTES), limit),
        "zstd" => {
            let decoder = StreamingDecoder::new(bytes).ok();
            decoder.and_then(|decoder| unpack(decoder, limit))
        }
        _ => None,
    };
    unpacked.map_or(Decoded::Unreadable, Decoded::Unpacked)
}

/// What can be read of a stream whose end is missing; `None` if that is nothing.
fn unpack(mut decoder: impl Read, limit: u64) -> Option<Vec<u8>> {
    let mut unpacked = Vec::new();
    let mut buffer = [0; BUFFER_BYTES];
    while (unpacked.len() as u64) < limit {
        match decoder.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => unpacked.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    unpacked.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    (!unpacked.is_empty()).then_some(unpacked)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };
    use proptest::prelude::*;

    use super::*;

    const LIMIT: u64 = 16 * 1024;

    /// `text`, as `printf text | brotli` and `printf text | zstd` pack it.
    const BROTLI: &[u8] = b"\x8b\x01\x80text\x03";
    const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd\x20\x04\x21\x00\x00text";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).expect("written");
        encoder.finish().expect("packed")
    }

    fn check(coding: &str, bytes: &[u8], expected: &[u8]) {
        let decoded = decode(coding, bytes, LIMIT);
        assert_eq!(decoded, Decoded::Unpacked(expected.to_vec()), "{coding}");
    }

    #[test]
    fn each_coding_of_browsers_is_unpacked() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(b"text").expect("written");
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
        deflate.write_all(b"text").expect("written");
        check("gzip", &gzip(b"text"), b"text");
        check(" X-GZIP", &gzip(b"text"), b"text");
        check("deflate", &zlib.finish().expect("packed"), b"text");
        check("deflate", &deflate.finish().expect("packed"), b"text");
        check("br", BROTLI, b"text");
        check("zstd", ZSTD, b"text");
    }

    #[test]
    fn a_stream_that_is_cut_off_is_read_as_far_as_it_goes() {
        let text: Vec<u8> = (0..60_000_u32).flat_map(u32::to_be_bytes).collect();
        let packed = gzip(&text);
        check("gzip", &packed[..packed.len() / 2], &text[..LIMIT as usize]);
    }

    #[test]
    fn what_is_not_in_its_coding_is_unreadable() {
        for coding in ["gzip", "deflate", "br", "zstd", "gzip, gzip", "compress", "x"] {
            assert_eq!(
                decode(coding, b"\x7fELF\x02\x01\x01", LIMIT),
                Decoded::Unreadable,
                "{coding}"
            );
        }
        assert_eq!(decode("gzip", b"", LIMIT), Decoded::Unreadable);
    }

    #[test]
    fn no_coding_changes_nothing() {
        for coding in ["", "identity", "Identity "] {
            assert_eq!(decode(coding, &gzip(b"text"), LIMIT), Decoded::AsStored);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_unpacked_without_a_panic(
            coding in prop::sample::select(vec!["gzip", "deflate", "br", "zstd"]),
            start in prop::sample::select(vec![b"".as_slice(), b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x78\x9c"]),
            rest in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let _ = decode(coding, &[start, &rest].concat(), LIMIT);
        }
    }
}
