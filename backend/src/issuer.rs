//! The only way to a signed URL: it signs for one caller and writes the audit.

use std::time::Duration;

use wire::{ApiError, ErrorCode, SignedRequest};

use crate::{
    audit::Audit,
    caller::Principal,
    environment::Environment,
    key::folder,
    presign::{Signer, UnsignedRequest, presign, seconds},
    s3_request::S3Request,
    settings::Settings,
};

/// Signs what one request asks for, at one moment.
pub(crate) struct Issuer<'a> {
    settings: &'a Settings,
    environment: &'a dyn Environment,
    audit: &'a Audit,
    principal: &'a Principal,
}

impl<'a> Issuer<'a> {
    /// An issuer for the caller; nobody gets one without a principal.
    pub(crate) fn new(
        settings: &'a Settings,
        environment: &'a dyn Environment,
        audit: &'a Audit,
    ) -> Result<Self, ApiError> {
        let principal = audit.caller().principal.as_ref().ok_or_else(|| {
            ApiError::new(
                ErrorCode::NotSignedIn,
                "the token has no sub claim of 1 to 255 bytes",
            )
        })?;
        Ok(Self {
            settings,
            environment,
            audit,
            principal,
        })
    }

    /// The settings that the routes check against.
    pub(crate) fn settings(&self) -> &'a Settings {
        self.settings
    }

    /// Where the outside comes in.
    pub(crate) fn environment(&self) -> &'a dyn Environment {
        self.environment
    }

    /// The Lambda's clock, in seconds since 1970-01-01T00:00:00Z.
    pub(crate) fn server_time(&self) -> u64 {
        seconds(self.audit.now())
    }

    /// The folder of the caller's own keys: `<prefix>/<principal>/`.
    pub(crate) fn own_folder(&self) -> String {
        folder(&[&self.settings.key_prefix, self.principal.as_segment()])
    }

    /// The folder that `GET /presign` puts objects in.
    pub(crate) fn presign_folder(&self) -> String {
        if self.principal.is_anonymous() {
            folder(&[&self.settings.key_prefix])
        } else {
            self.own_folder()
        }
    }

    /// Signs a request about the object `key`, and records it.
    pub(crate) fn issue(&self, key: &str, request: &S3Request) -> Result<SignedRequest, ApiError> {
        let url = self.settings.bucket.object_url_at(request.endpoint, key);
        let url = url.ok_or_else(|| {
            ApiError::new(
                ErrorCode::InvalidRequest,
                "the bucket has no second endpoint; secondEndpoint may not be set",
            )
        })?;
        let unsigned = UnsignedRequest {
            method: request.method,
            url,
            query: &request.query,
            headers: &request.headers,
        };
        let signer = Signer {
            credentials: &self.environment.credentials(),
            region: self.settings.bucket.region(),
            now: self.audit.now(),
            expires_in: Duration::from_secs(self.settings.expiration_seconds.into()),
        };
        let signed = presign(&unsigned, &signer).map_err(|error| {
            tracing::error!(%error, "signing failed");
            ApiError::new(ErrorCode::InternalError, "the request could not be signed")
        })?;
        self.audit.issued(key, request, &signed);
        Ok(signed)
    }

    /// Records that one part of a batch was refused.
    pub(crate) fn record_refusal(&self, error: &ApiError) {
        self.audit.refused(error.code);
    }
}
