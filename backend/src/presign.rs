//! Presigned requests: Signature Version 4 in the query (Amazon S3 API Reference, "Authenticating
//! Requests: Using Query Parameters"). Pure: the same input makes the same URL.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningError, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4::{SigningParams, signing_params::BuildError},
};
use lambda_api::percent_encode;
use thiserror::Error;
use wire::{HttpMethod, SignedRequest};

/// A request that is to be signed.
pub(crate) struct UnsignedRequest<'a> {
    /// The method.
    pub(crate) method: HttpMethod,
    /// The object's URL, percent-encoded, without a query.
    pub(crate) url: String,
    /// The query's names and values, not encoded.
    pub(crate) query: &'a [(&'static str, String)],
    /// The headers to sign besides `host`: names in lower case, values as the client will send them.
    pub(crate) headers: &'a BTreeMap<String, String>,
}

/// What a signature is made with.
pub(crate) struct Signer<'a> {
    /// Whose signature it is.
    pub(crate) credentials: &'a Credentials,
    /// The bucket's region.
    pub(crate) region: &'a str,
    /// From when on the URL is valid.
    pub(crate) now: SystemTime,
    /// How long it is valid.
    pub(crate) expires_in: Duration,
}

/// Why a request could not be signed.
#[derive(Debug, Error)]
pub(crate) enum PresignError {
    #[error("there are no credentials")]
    NoCredentials,
    #[error("the signing parameters are incomplete: {0}")]
    Parameters(#[from] BuildError),
    #[error("the request cannot be signed: {0}")]
    Request(#[from] SigningError),
}

/// Signs a request. The payload stays unsigned (`UNSIGNED-PAYLOAD`); a checksum header binds it.
pub(crate) fn presign(
    request: &UnsignedRequest<'_>,
    signer: &Signer<'_>,
) -> Result<SignedRequest, PresignError> {
    if signer.credentials.access_key_id().is_empty() || signer.credentials.secret_access_key().is_empty() {
        return Err(PresignError::NoCredentials);
    }
    let mut url = request.url.clone();
    for (name, value) in request.query {
        append_query(&mut url, name, value);
    }
    let signable = SignableRequest::new(
        request.method.as_str(),
        url.as_str(),
        request
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
        SignableBody::UnsignedPayload,
    )?;
    let identity = signer.credentials.clone().into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(signer.region)
        .name("s3")
        .time(signer.now)
        .settings(signing_settings(signer.expires_in))
        .build()?
        .into();
    let (instructions, _signature) = sign(signable, &parameters)?.into_parts();
    for (name, value) in instructions.params() {
        append_query(&mut url, name, value);
    }
    Ok(SignedRequest {
        method: request.method,
        url,
        headers: headers_to_send(request.headers),
        expires_at: seconds(signer.now) + signer.expires_in.as_secs(),
    })
}

/// Seconds since 1970-01-01T00:00:00Z, rounded down as in `X-Amz-Date`.
pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The settings that S3 asks for: the path is encoded once and not normalised.
fn signing_settings(expires_in: Duration) -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.expires_in = Some(expires_in);
    settings
}

fn append_query(url: &mut String, name: &str, value: &str) {
    let separator = if url.contains('?') { '&' } else { '?' };
    url.push_str(&format!(
        "{separator}{}={}",
        percent_encode(name),
        percent_encode(value)
    ));
}

/// The signed headers without the one that every HTTP client writes itself.
fn headers_to_send(headers: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut headers = headers.clone();
    headers.remove("content-length");
    headers
}

#[cfg(test)]
mod tests;
