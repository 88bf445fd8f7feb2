//! Receiving an object's or a part's bytes: checked in full before they count.

use std::io;

use base64ct::{Base64, Encoding as _};
use futures::StreamExt as _;
use http::HeaderMap;
use s3s::{
    TrailingHeaders,
    crypto::{Checksum as _, Md5},
    dto::StreamingBlob,
};
use tokio::{
    fs::File,
    io::{AsyncSeekExt as _, AsyncWriteExt as _, SeekFrom},
};

use super::{
    body::BodyWatch,
    claim::{Claim, bad_digest, content_md5, invalid_checksum},
    failure::Failure,
};
use crate::{
    checksum::{Algorithm, Hasher},
    storage::{Piece, StagedBytes, Store, hexadecimal, pieces},
};

/// What S3 computes if the client brings no checksum.
pub(super) const DEFAULT_ALGORITHM: Algorithm = Algorithm::Crc64Nvme;

/// The largest body of one PutObject or UploadPart, in bytes: 5 GiB (Amazon S3 multipart upload limits).
pub(crate) const MAX_BODY_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// What a body has to be.
pub(crate) struct Expectation {
    length: u64,
    md5: Option<Vec<u8>>,
    claim: Option<Claim>,
}

impl Expectation {
    /// What a request says of its body.
    ///
    /// # Errors
    /// 400 EntityTooLarge, InvalidDigest or InvalidRequest, 411 MissingContentLength: see [`Claim`].
    pub(crate) fn of(headers: &HeaderMap, content_length: Option<i64>) -> Result<Self, Failure> {
        let length = content_length.and_then(|length| u64::try_from(length).ok());
        let length = length.ok_or_else(|| Failure::of("MissingContentLength"))?;
        if length > MAX_BODY_BYTES {
            return Err(Failure::entity_too_large(length, MAX_BODY_BYTES));
        }
        Ok(Self {
            length,
            md5: content_md5(headers)?,
            claim: Claim::in_headers(headers)?,
        })
    }

    /// The algorithm of the checksum that the request brings.
    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        self.claim.as_ref().map(Claim::algorithm)
    }
}

/// The parts of a request that receiving its body takes.
pub(crate) struct Arrival {
    pub(crate) body: Option<StreamingBlob>,
    pub(crate) trailing_headers: Option<TrailingHeaders>,
    pub(crate) watch: Option<BodyWatch>,
}

/// Writes a body to a staged file and checks it. `algorithm` is computed if the request brings no checksum of
/// its own.
///
/// # Errors
/// 400 IncompleteBody, RequestTimeout, BadDigest or XAmzContentSHA256Mismatch; the staged file is
/// removed then.
pub(crate) async fn receive(
    store: &Store,
    mut arrival: Arrival,
    expectation: Expectation,
    algorithm: Algorithm,
) -> Result<StagedBytes, Failure> {
    let staged = store.stage()?;
    let mut file = File::from_std(staged.reopen()?);
    let algorithm = expectation.algorithm().unwrap_or(algorithm);
    let mut hasher = Hasher::new(algorithm);
    let mut md5 = Md5::new();
    let mut size = 0_u64;
    if let Some(body) = &mut arrival.body {
        while let Some(data) = body.next().await {
            let data = data.map_err(|error| stream_failure(error.as_ref(), arrival.watch.as_ref()))?;
            size += data.len() as u64;
            if size > expectation.length {
                return Err(Failure::of("IncompleteBody"));
            }
            hasher.update(&data);
            md5.update(&data);
            write(&mut file, &data).await?;
        }
    }
    if size < expectation.length {
        return Err(Failure::of("IncompleteBody"));
    }
    let md5 = md5.finalize();
    let checksum = hasher.finish();
    verify(&expectation, arrival.trailing_headers, &md5, &checksum.value)?;
    file.flush().await?;
    file.set_len(size).await?;
    file.sync_all().await?;
    Ok(StagedBytes {
        file: staged,
        size,
        etag: hexadecimal(&md5),
        checksum,
    })
}

/// Writes bytes, but for zeros.
async fn write(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    for piece in pieces(bytes) {
        match piece {
            Piece::Bytes(bytes) => file.write_all(bytes).await?,
            Piece::Zeros(count) => {
                file.seek(SeekFrom::Current(count)).await?;
            }
        }
    }
    Ok(())
}

fn verify(
    expectation: &Expectation,
    trailing_headers: Option<TrailingHeaders>,
    md5: &[u8],
    checksum: &str,
) -> Result<(), Failure> {
    if let Some(expected) = &expectation.md5
        && expected != md5
    {
        return Err(Failure::new(
            "BadDigest",
            "The Content-MD5 you specified did not match what we received.",
        )
        .with("ExpectedDigest", Base64::encode_string(expected))
        .with("CalculatedDigest", Base64::encode_string(md5)));
    }
    match &expectation.claim {
        Some(Claim::Header(algorithm, claimed)) if claimed != checksum => Err(bad_digest(*algorithm)),
        Some(Claim::Trailer(algorithm)) => verify_trailer(*algorithm, trailing_headers, checksum),
        _ => Ok(()),
    }
}

fn verify_trailer(
    algorithm: Algorithm,
    trailing_headers: Option<TrailingHeaders>,
    checksum: &str,
) -> Result<(), Failure> {
    let headers = trailing_headers
        .and_then(|trailing| trailing.take())
        .unwrap_or_default();
    let claimed = headers
        .get(algorithm.header())
        .and_then(|value| value.to_str().ok());
    match claimed {
        Some(claimed) if claimed == checksum => Ok(()),
        Some(claimed) if algorithm.decode(claimed).is_some() => Err(bad_digest(algorithm)),
        Some(_) => Err(invalid_checksum(algorithm)),
        None => Err(Failure::new(
            "MalformedTrailerError",
            "The request contained trailing data that was not well-formed or did not conform to our published schema.",
        )),
    }
}

/// Why a body's stream failed: s3s verifies `x-amz-content-sha256` and the chunks of
/// `aws-chunked` as it reads, and its error types are private, so only their text tells them apart.
fn stream_failure(error: &(dyn std::error::Error + Send + Sync), watch: Option<&BodyWatch>) -> Failure {
    if let Some(fault) = watch.and_then(BodyWatch::fault) {
        return fault.into();
    }
    let text = error.to_string();
    if text.contains("Sha256Mismatch") {
        return Failure::new(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        );
    }
    if text.contains("SignatureMismatch") {
        return Failure::of("SignatureDoesNotMatch");
    }
    Failure::of("IncompleteBody")
}
