//! The ids of batches and of upload links. In JSON they are text; in formats that nobody reads, two numbers.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use uuid::{Builder, Uuid};

/// Declares an id that is a version 7 UUID (RFC 9562, section 5.7), and the error for a text that is not one, which names
/// the id as `what`.
macro_rules! version_7_id {
    ($(#[$meaning:meta])* $id:ident, $invalid:ident, $what:literal) => {
        $(#[$meaning])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $id(Uuid);

        /// The text is not a version 7 UUID in lowercase with hyphens.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $invalid;

        impl $id {
            /// The length in bytes of a written id.
            pub const LENGTH: usize = 36;

            /// Makes the id of what is made at this time, in milliseconds since 1970-01-01T00:00:00Z. The random bytes
            /// have to be a cryptographic generator's: they keep others from guessing the id.
            pub fn new(unix_milliseconds: u64, random: [u8; 10]) -> Self {
                Self(Builder::from_unix_timestamp_millis(unix_milliseconds, &random).into_uuid())
            }

            /// When it was made, in milliseconds since 1970-01-01T00:00:00Z, by the clock of whoever made the id.
            pub fn unix_milliseconds(self) -> u64 {
                let bytes = self.0.as_bytes();
                bytes[..6]
                    .iter()
                    .fold(0, |time, byte| time << 8 | u64::from(*byte))
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(formatter)
            }
        }

        impl FromStr for $id {
            type Err = $invalid;

            fn from_str(text: &str) -> Result<Self, $invalid> {
                let id = Self(Uuid::try_parse(text).map_err(|_| $invalid)?);
                let is_version_7 = id.0.get_version_num() == 7;
                (is_version_7 && id.to_string() == text)
                    .then_some(id)
                    .ok_or($invalid)
            }
        }

        impl fmt::Display for $invalid {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(concat!($what, " is a version 7 UUID in lowercase with hyphens"))
            }
        }

        impl std::error::Error for $invalid {}

        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.0.as_u64_pair().serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = String::deserialize(deserializer)?;
                    text.parse().map_err(D::Error::custom)
                } else {
                    <(u64, u64)>::deserialize(deserializer).map(|(high, low)| Self(Uuid::from_u64_pair(high, low)))
                }
            }
        }
    };
}

version_7_id! {
    /// The id of a batch, which is the folder that its files share: a version 7 UUID (RFC 9562, section 5.7), so that
    /// folders list by time and nobody guesses one. It is written as 36 lowercase characters with hyphens.
    BatchId, InvalidBatchId, "the id of a batch"
}

version_7_id! {
    /// The id of an upload link (`jti`), by which it is named in keys, in the audit and where it is revoked. It is
    /// written as a [`BatchId`] is.
    LinkId, InvalidLinkId, "the id of a link"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_says_when_it_was_opened() {
        for time in [0, 1_764_000_000_000, (1 << 48) - 1] {
            assert_eq!(BatchId::new(time, [7; 10]).unix_milliseconds(), time);
        }
    }

    #[test]
    fn later_batches_come_later_in_a_list() {
        let earlier = BatchId::new(1_800_000_000_000, [255; 10]).to_string();
        let later = BatchId::new(1_800_000_000_001, [0; 10]).to_string();
        assert_eq!(earlier, "01a3185c-5000-7fff-bfff-ffffffffffff");
        assert!(earlier < later);
    }

    #[test]
    fn an_id_is_read_as_it_was_written() {
        let id = BatchId::new(1, [7; 10]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().len(), BatchId::LENGTH);
    }

    #[test]
    fn other_versions_and_spellings_are_refused() {
        for text in [
            "",
            "01a3185c50007fffbfffffffffffffff",
            "01A3185C-5000-7FFF-BFFF-FFFFFFFFFFFF",
            "{01a3185c-5000-7fff-bfff-ffffffffffff}",
            "01a3185c-5000-4fff-bfff-ffffffffffff",
            "00000000-0000-0000-0000-000000000000",
            "../../../../../../../../../../../../",
        ] {
            assert_eq!(text.parse::<BatchId>(), Err(InvalidBatchId), "{text:?}");
        }
    }
}
