//! S3's checksums (Amazon S3 User Guide, "Checking object integrity").

use base64ct::{Base64, Encoding as _};
use http::HeaderMap;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use serde::{Deserialize, Serialize};

use super::failure::Failure;

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

/// What a checksum of a multipart object is made of.
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

    /// The name as `x-amz-checksum-algorithm` carries it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The header that carries a checksum of this algorithm.
    pub(crate) const fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The algorithm that a request names.
    ///
    /// # Errors
    /// 400 InvalidRequest for a name that is none.
    pub(crate) fn named(name: &str) -> Result<Self, Failure> {
        let known = Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name));
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Failure::invalid_request(format!(
                "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [{names}]"
            ))
        })
    }

    /// The type of a multipart object's checksum where the client names none.
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

    const fn digest_bytes(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// Reads a digest from its base64.
    pub(crate) fn decode(self, value: &str) -> Option<Vec<u8>> {
        let digest = Base64::decode_vec(value).ok()?;
        (digest.len() == self.digest_bytes()).then_some(digest)
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

    /// The type that a request names.
    ///
    /// # Errors
    /// 400 InvalidRequest for a name that is none.
    pub(crate) fn named(name: &str) -> Result<Self, Failure> {
        [Self::Composite, Self::FullObject]
            .into_iter()
            .find(|checksum_type| checksum_type.name() == name)
            .ok_or_else(|| Failure::invalid_request("Value for x-amz-checksum-type header is invalid."))
    }
}

/// Computes one checksum over bytes that come in pieces.
pub(crate) enum Hasher {
    Crc32(Crc32),
    Crc32c(Crc32c),
    Crc64Nvme(Crc64Nvme),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Crc32 => Self::Crc32(Crc32::new()),
            Algorithm::Crc32c => Self::Crc32c(Crc32c::new()),
            Algorithm::Crc64Nvme => Self::Crc64Nvme(Crc64Nvme::new()),
            Algorithm::Sha1 => Self::Sha1(Sha1::new()),
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc32(hasher) => hasher.update(bytes),
            Self::Crc32c(hasher) => hasher.update(bytes),
            Self::Crc64Nvme(hasher) => hasher.update(bytes),
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
        }
    }

    /// The digest in base64.
    pub(crate) fn finish(self) -> String {
        match self {
            Self::Crc32(hasher) => Base64::encode_string(&hasher.finalize()),
            Self::Crc32c(hasher) => Base64::encode_string(&hasher.finalize()),
            Self::Crc64Nvme(hasher) => Base64::encode_string(&hasher.finalize()),
            Self::Sha1(hasher) => Base64::encode_string(&hasher.finalize()),
            Self::Sha256(hasher) => Base64::encode_string(&hasher.finalize()),
        }
    }

    /// The digest of `bytes` in base64.
    pub(crate) fn digest(algorithm: Algorithm, bytes: &[u8]) -> String {
        let mut hasher = Self::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }
}

/// A checksum that a request claims for its body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The value came in a header.
    Header(Algorithm, String),
    /// The value follows the body (`x-amz-trailer`).
    Trailer(Algorithm),
}

impl Claim {
    /// The claim in a request's headers. The same names in the query are signed and then ignored by
    /// S3, so they are no claim.
    ///
    /// # Errors
    /// 400 InvalidRequest for several checksums, for one that is not the base64 of a digest, and for
    /// one that `x-amz-sdk-checksum-algorithm` announces but that is not there.
    pub(crate) fn in_headers(headers: &HeaderMap) -> Result<Option<Self>, Failure> {
        let text = |name: &str| {
            headers
                .get(name)
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let mut claims: Vec<Self> = Vec::new();
        for algorithm in Algorithm::ALL {
            if let Some(value) = text(algorithm.header()) {
                if algorithm.decode(&value).is_none() {
                    return Err(Failure::invalid_checksum(algorithm));
                }
                claims.push(Self::Header(algorithm, value));
            }
        }
        let trailer = text("x-amz-trailer").unwrap_or_default();
        claims.extend(
            Algorithm::ALL
                .into_iter()
                .filter(|a| a.header().eq_ignore_ascii_case(&trailer))
                .map(Self::Trailer),
        );
        if claims.len() > 1 {
            return Err(Failure::invalid_request(
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
            ));
        }
        let claim = claims.pop();
        if let Some(announced) = text("x-amz-sdk-checksum-algorithm") {
            let announced = Algorithm::named(&announced)?;
            if claim.as_ref().map(Self::algorithm) != Some(announced) {
                return Err(Failure::invalid_request(
                    "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
                ));
            }
        }
        Ok(claim)
    }

    pub(crate) const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Header(algorithm, _) | Self::Trailer(algorithm) => *algorithm,
        }
    }
}

/// Reads `Content-MD5`: the 16 bytes of the digest.
///
/// # Errors
/// 400 InvalidDigest for anything else.
pub(crate) fn content_md5(headers: &HeaderMap) -> Result<Option<Vec<u8>>, Failure> {
    let Some(value) = headers.get("content-md5") else {
        return Ok(None);
    };
    let digest = value.to_str().ok().and_then(|text| Base64::decode_vec(text).ok());
    match digest {
        Some(digest) if digest.len() == 16 => Ok(Some(digest)),
        _ => Err(Failure::bad_request(
            "InvalidDigest",
            "The Content-MD5 you specified was invalid.",
        )),
    }
}

/// The composite checksum of an object: the digest of its parts' digests.
pub(crate) fn composite<'a>(
    algorithm: Algorithm,
    parts: impl ExactSizeIterator<Item = &'a Checksum>,
) -> Checksum {
    let count = parts.len();
    let digests: Vec<u8> = parts
        .filter_map(|part| algorithm.decode(&part.value))
        .flatten()
        .collect();
    Checksum {
        algorithm,
        checksum_type: ChecksumType::Composite,
        value: format!("{}-{count}", Hasher::digest(algorithm, &digests)),
    }
}

/// The MD5 of bytes that come in pieces, from which ETags are made.
pub(crate) fn md5() -> Md5 {
    Md5::new()
}

/// Puts a [`Checksum`] into the field of its algorithm, of any of S3's types that has these fields.
macro_rules! set_checksum {
    ($target:expr, $checksum:expr) => {{
        let (checksum, target) = (&$checksum, &mut $target);
        let value = Some(checksum.value.clone());
        match checksum.algorithm {
            $crate::s3::checksum::Algorithm::Crc32 => target.checksum_crc32 = value,
            $crate::s3::checksum::Algorithm::Crc32c => target.checksum_crc32c = value,
            $crate::s3::checksum::Algorithm::Crc64Nvme => target.checksum_crc64nvme = value,
            $crate::s3::checksum::Algorithm::Sha1 => target.checksum_sha1 = value,
            $crate::s3::checksum::Algorithm::Sha256 => target.checksum_sha256 = value,
        }
    }};
}

/// Reads the field of an algorithm, of any of S3's types that has these fields.
macro_rules! get_checksum {
    ($source:expr, $algorithm:expr) => {
        match $algorithm {
            $crate::s3::checksum::Algorithm::Crc32 => $source.checksum_crc32.as_deref(),
            $crate::s3::checksum::Algorithm::Crc32c => $source.checksum_crc32c.as_deref(),
            $crate::s3::checksum::Algorithm::Crc64Nvme => $source.checksum_crc64nvme.as_deref(),
            $crate::s3::checksum::Algorithm::Sha1 => $source.checksum_sha1.as_deref(),
            $crate::s3::checksum::Algorithm::Sha256 => $source.checksum_sha256.as_deref(),
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
                .decode(&Hasher::digest(algorithm, b"123456789"))
                .expect("a digest");
            assert_eq!(crate::storage::hexadecimal(&digest), hexadecimal, "{algorithm:?}");
        }
    }

    fn check_claim(headers: &[(&'static str, &'static str)], expected: Result<Option<Claim>, &str>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, http::HeaderValue::from_static(value));
        }
        let claim = Claim::in_headers(&map).map_err(|failure| failure.code.into_owned());
        assert_eq!(claim, expected.map_err(str::to_owned), "{headers:?}");
    }

    #[test]
    fn a_request_claims_at_most_one_checksum() {
        let crc32 = ("x-amz-checksum-crc32", "y/Q5Jg==");
        check_claim(&[], Ok(None));
        check_claim(
            &[crc32],
            Ok(Some(Claim::Header(Algorithm::Crc32, "y/Q5Jg==".to_owned()))),
        );
        check_claim(
            &[crc32, ("x-amz-checksum-crc32c", "4waSgw==")],
            Err("InvalidRequest"),
        );
        check_claim(&[("x-amz-checksum-crc32", "no base64")], Err("InvalidRequest"));
        check_claim(&[("x-amz-checksum-sha256", "y/Q5Jg==")], Err("InvalidRequest"));
        check_claim(
            &[crc32, ("x-amz-sdk-checksum-algorithm", "SHA256")],
            Err("InvalidRequest"),
        );
        check_claim(
            &[("x-amz-trailer", "x-amz-checksum-crc64nvme")],
            Ok(Some(Claim::Trailer(Algorithm::Crc64Nvme))),
        );
    }
}
