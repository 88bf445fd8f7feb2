//! Signature Version 4 in the header (Amazon S3 API Reference, "Authenticating Requests: Using the
//! Authorization Header").

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningError,
        SigningSettings, UriPathNormalizationMode, sign as signed,
    },
    sign::v4::{SigningParams, signing_params::BuildError},
};
use http::{HeaderValue, Request};
use thiserror::Error;

/// Why a request could not be signed.
#[derive(Debug, Error)]
pub(crate) enum SignatureError {
    #[error("the signing parameters are incomplete: {0}")]
    Parameters(#[from] BuildError),
    #[error("the request cannot be signed: {0}")]
    Request(#[from] SigningError),
}

/// Signs a request to S3 with all of its headers and its body.
pub(crate) fn sign(
    request: &mut Request<String>,
    region: &str,
    credentials: &Credentials,
    now: SystemTime,
) -> Result<(), SignatureError> {
    let mut settings = SigningSettings::default();
    // S3 wants the path as it is, encoded once.
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let identity = credentials.clone().into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("s3")
        .time(now)
        .settings(settings)
        .build()?
        .into();
    let headers = request.headers().iter();
    let signable = SignableRequest::new(
        request.method().as_str(),
        request.uri().to_string(),
        headers.filter_map(|(name, value)| Some((name.as_str(), HeaderValue::to_str(value).ok()?))),
        SignableBody::Bytes(request.body().as_bytes()),
    )?;
    let (instructions, _signature) = signed(signable, &parameters)?.into_parts();
    instructions.apply_to_request_http1x(request);
    Ok(())
}
