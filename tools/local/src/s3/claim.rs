//! The checksums that a request claims for its body.

use base64ct::{Base64, Encoding as _};
use http::HeaderMap;

use super::failure::Failure;
use crate::checksum::{Algorithm, ChecksumType};

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
        let mut claims: Vec<Self> = Vec::new();
        for algorithm in Algorithm::ALL {
            if let Some(value) = text(headers, algorithm.header()) {
                if algorithm.decode(&value).is_none() {
                    return Err(invalid_checksum(algorithm));
                }
                claims.push(Self::Header(algorithm, value));
            }
        }
        let trailer = text(headers, "x-amz-trailer").unwrap_or_default();
        let in_trailer = |algorithm: &Algorithm| algorithm.header().eq_ignore_ascii_case(&trailer);
        claims.extend(Algorithm::ALL.into_iter().filter(in_trailer).map(Self::Trailer));
        if claims.len() > 1 {
            return Err(Failure::invalid_request(
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
            ));
        }
        let claim = claims.pop();
        if let Some(announced) = text(headers, "x-amz-sdk-checksum-algorithm") {
            let announced = algorithm_named(&announced)?;
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

/// The checksum that CreateMultipartUpload asks for.
///
/// # Errors
/// 400 InvalidRequest for an algorithm or a type that does not exist, and for a pair that S3 does not have.
pub(super) fn requested_checksum(headers: &HeaderMap) -> Result<Option<(Algorithm, ChecksumType)>, Failure> {
    let checksum_type = requested_type(headers)?;
    let Some(algorithm) = text(headers, "x-amz-checksum-algorithm") else {
        return match checksum_type {
            None => Ok(None),
            Some(_) => Err(Failure::invalid_request(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )),
        };
    };
    let algorithm = algorithm_named(&algorithm)?;
    let checksum_type = checksum_type.unwrap_or(algorithm.default_type());
    if algorithm.allows(checksum_type) {
        Ok(Some((algorithm, checksum_type)))
    } else {
        Err(Failure::invalid_request(format!(
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            checksum_type.name(),
            algorithm.name().to_lowercase()
        )))
    }
}

/// The type that `x-amz-checksum-type` names.
///
/// # Errors
/// 400 InvalidRequest for a type that does not exist.
pub(super) fn requested_type(headers: &HeaderMap) -> Result<Option<ChecksumType>, Failure> {
    let Some(name) = text(headers, "x-amz-checksum-type") else {
        return Ok(None);
    };
    let mut types = [ChecksumType::Composite, ChecksumType::FullObject].into_iter();
    let named = types.find(|checksum_type| checksum_type.name() == name);
    named
        .map(Some)
        .ok_or_else(|| Failure::invalid_request("Value for x-amz-checksum-type header is invalid."))
}

/// The checksum of the whole object that CompleteMultipartUpload brings; a composite one ends in `-` and the
/// number of parts.
///
/// # Errors
/// 400 InvalidRequest for one that is not the base64 of a digest.
pub(super) fn object_checksum(headers: &HeaderMap) -> Result<Option<(Algorithm, String)>, Failure> {
    let mut algorithms = Algorithm::ALL.into_iter();
    let claimed = algorithms.find_map(|algorithm| Some((algorithm, text(headers, algorithm.header())?)));
    if let Some((algorithm, value)) = &claimed {
        let digest = value.split_once('-').map_or(value.as_str(), |(digest, _)| digest);
        algorithm
            .decode(digest)
            .ok_or_else(|| invalid_checksum(*algorithm))?;
    }
    Ok(claimed)
}

/// Reads `Content-MD5`: the 16 bytes of the digest.
///
/// # Errors
/// 400 InvalidDigest for anything else.
pub(super) fn content_md5(headers: &HeaderMap) -> Result<Option<Vec<u8>>, Failure> {
    let Some(value) = text(headers, "content-md5") else {
        return Ok(None);
    };
    let digest = Base64::decode_vec(&value)
        .ok()
        .filter(|digest| digest.len() == 16);
    digest.map(Some).ok_or_else(|| Failure::of("InvalidDigest"))
}

pub(super) fn bad_digest(algorithm: Algorithm) -> Failure {
    let name = algorithm.name();
    Failure::new(
        "BadDigest",
        format!("The {name} you specified did not match the calculated checksum."),
    )
}

pub(super) fn invalid_checksum(algorithm: Algorithm) -> Failure {
    let header = algorithm.header();
    Failure::invalid_request(format!("Value for {header} header is invalid."))
}

fn algorithm_named(name: &str) -> Result<Algorithm, Failure> {
    let mut algorithms = Algorithm::ALL.into_iter();
    let known = algorithms.find(|algorithm| algorithm.name().eq_ignore_ascii_case(name));
    known.ok_or_else(|| {
        let names = Algorithm::ALL.map(Algorithm::name).join(", ");
        Failure::invalid_request(format!(
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [{names}]"
        ))
    })
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

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
