//! S3's checksums (Amazon S3 User Guide, "Checking object integrity").

use base64ct::{Base64, Encoding as _};
use s3s::{
    checksum::ChecksumHasher,
    crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256},
};
use serde::{Deserialize, Serialize};

/// A checksum algorithm, written as S3's API writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

/// What the checksum of a multipart object is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ChecksumType {
    /// The checksums of the parts.
    Composite,
    /// The object's bytes.
    FullObject,
}

/// A checksum with its value as S3 answers it: base64, and for a composite one `-` and the number of parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksum {
    pub(crate) algorithm: Algorithm,
    #[serde(rename = "type")]
    pub(crate) checksum_type: ChecksumType,
    pub(crate) value: String,
}

impl Algorithm {
    /// Every algorithm, in the order in which S3's messages list them.
    pub(crate) const ALL: [Self; 5] = [
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64Nvme,
        Self::Sha1,
        Self::Sha256,
    ];

    /// The name, the header, and the size of a digest in bytes.
    const fn properties(self) -> (&'static str, &'static str, usize) {
        match self {
            Self::Crc32 => ("CRC32", "x-amz-checksum-crc32", 4),
            Self::Crc32c => ("CRC32C", "x-amz-checksum-crc32c", 4),
            Self::Crc64Nvme => ("CRC64NVME", "x-amz-checksum-crc64nvme", 8),
            Self::Sha1 => ("SHA1", "x-amz-checksum-sha1", 20),
            Self::Sha256 => ("SHA256", "x-amz-checksum-sha256", 32),
        }
    }

    /// The name as `x-amz-checksum-algorithm` carries it.
    pub(crate) const fn name(self) -> &'static str {
        self.properties().0
    }

    /// The header that carries a checksum of this algorithm.
    pub(crate) const fn header(self) -> &'static str {
        self.properties().1
    }

    /// The type of a multipart object's checksum if the client names none.
    pub(crate) const fn default_type(self) -> ChecksumType {
        match self {
            Self::Crc64Nvme => ChecksumType::FullObject,
            _ => ChecksumType::Composite,
        }
    }

    /// Whether a multipart object may have this type of checksum.
    pub(crate) const fn allows(self, checksum_type: ChecksumType) -> bool {
        match self {
            Self::Crc64Nvme => matches!(checksum_type, ChecksumType::FullObject),
            Self::Sha1 | Self::Sha256 => matches!(checksum_type, ChecksumType::Composite),
            Self::Crc32 | Self::Crc32c => true,
        }
    }

    /// Reads a digest from its base64; `None` if it is not one of this algorithm.
    pub(crate) fn decode(self, value: &str) -> Option<Vec<u8>> {
        let digest = Base64::decode_vec(value).ok()?;
        (digest.len() == self.properties().2).then_some(digest)
    }
}

impl ChecksumType {
    /// The name as `x-amz-checksum-type` carries it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Composite => "COMPOSITE",
            Self::FullObject => "FULL_OBJECT",
        }
    }
}

impl Checksum {
    /// The checksum of these bytes.
    pub(crate) fn of(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    /// The composite checksum of an object: the digest of its parts' digests.
    pub(crate) fn composite<'a>(
        algorithm: Algorithm,
        parts: impl ExactSizeIterator<Item = &'a Self>,
    ) -> Self {
        let count = parts.len();
        let digests: Vec<u8> = parts
            .filter_map(|part| algorithm.decode(&part.value))
            .flatten()
            .collect();
        Self {
            checksum_type: ChecksumType::Composite,
            value: format!("{}-{count}", Self::of(algorithm, &digests).value),
            algorithm,
        }
    }
}

/// Computes one checksum over bytes that come in pieces.
pub(crate) struct Hasher {
    algorithm: Algorithm,
    /// Has the hasher of this algorithm alone.
    hashers: ChecksumHasher,
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let mut hashers = ChecksumHasher::default();
        match algorithm {
            Algorithm::Crc32 => hashers.crc32 = Some(Crc32::new()),
            Algorithm::Crc32c => hashers.crc32c = Some(Crc32c::new()),
            Algorithm::Crc64Nvme => hashers.crc64nvme = Some(Crc64Nvme::new()),
            Algorithm::Sha1 => hashers.sha1 = Some(Sha1::new()),
            Algorithm::Sha256 => hashers.sha256 = Some(Sha256::new()),
        }
        Self { algorithm, hashers }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.hashers.update(bytes);
    }

    pub(crate) fn finish(self) -> Checksum {
        let digests = self.hashers.finalize();
        Checksum {
            algorithm: self.algorithm,
            checksum_type: ChecksumType::FullObject,
            value: get_checksum!(digests, self.algorithm)
                .unwrap_or_default()
                .to_owned(),
        }
    }
}

/// Puts a [`Checksum`] into the field of its algorithm, of any of S3's types that has these fields.
macro_rules! set_checksum {
    ($target:expr, $checksum:expr) => {{
        let (checksum, target) = (&$checksum, &mut $target);
        let value = Some(checksum.value.clone());
        match checksum.algorithm {
            $crate::checksum::Algorithm::Crc32 => target.checksum_crc32 = value,
            $crate::checksum::Algorithm::Crc32c => target.checksum_crc32c = value,
            $crate::checksum::Algorithm::Crc64Nvme => target.checksum_crc64nvme = value,
            $crate::checksum::Algorithm::Sha1 => target.checksum_sha1 = value,
            $crate::checksum::Algorithm::Sha256 => target.checksum_sha256 = value,
        }
    }};
}

/// Reads the field of an algorithm, of any of S3's types that has these fields.
macro_rules! get_checksum {
    ($source:expr, $algorithm:expr) => {
        match $algorithm {
            $crate::checksum::Algorithm::Crc32 => $source.checksum_crc32.as_deref(),
            $crate::checksum::Algorithm::Crc32c => $source.checksum_crc32c.as_deref(),
            $crate::checksum::Algorithm::Crc64Nvme => $source.checksum_crc64nvme.as_deref(),
            $crate::checksum::Algorithm::Sha1 => $source.checksum_sha1.as_deref(),
            $crate::checksum::Algorithm::Sha256 => $source.checksum_sha256.as_deref(),
        }
    };
}

pub(crate) use {get_checksum, set_checksum};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_algorithm_gives_its_published_check_value() {
        // The check values of the CRC catalogue (CRC-32/ISO-HDLC, CRC-32/ISCSI, CRC-64/NVME) and of
        // FIPS 180-4's digests, all of the ASCII text 123456789.
        for (algorithm, hexadecimal) in [
            (Algorithm::Crc32, "cbf43926"),
            (Algorithm::Crc32c, "e3069283"),
            (Algorithm::Crc64Nvme, "ae8b14860a799888"),
            (Algorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
            (
                Algorithm::Sha256,
                "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
            ),
        ] {
            let digest = algorithm
                .decode(&Checksum::of(algorithm, b"123456789").value)
                .expect("a digest");
            assert_eq!(crate::storage::hexadecimal(&digest), hexadecimal, "{algorithm:?}");
        }
    }
}
