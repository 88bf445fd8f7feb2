//! The only way to a signed URL: it signs for one caller and writes the audit.

use std::time::{Duration, SystemTime};

use lambda_api::{AllowedTypes, Environment, LinkGrant, Principal, key::folder};
use wire::{ApiError, BatchId, ErrorCode, MAX_BATCH, SignedRequest};

use crate::{
    audit::Audit,
    presign::{Signer, UnsignedRequest, presign, seconds},
    s3_request::S3Request,
    settings::Settings,
};

/// Whose files they are.
enum Uploader<'a> {
    Principal(&'a Principal),
    Link(LinkGrant),
}

/// Signs what one request asks for, at one moment.
pub(crate) struct Issuer<'a> {
    settings: &'a Settings,
    environment: &'a dyn Environment,
    audit: &'a Audit,
    uploader: Uploader<'a>,
}

impl<'a> Issuer<'a> {
    /// An issuer for the caller, or the error of one who is not signed in, and would have to be.
    pub(crate) fn new(
        settings: &'a Settings,
        environment: &'a dyn Environment,
        audit: &'a Audit,
    ) -> Result<Self, ApiError> {
        let principal = audit.caller().signed_in()?;
        if settings.links_only && principal.is_anonymous() {
            let message = "nobody uploads here without a link or a sign-in";
            return Err(ApiError::new(ErrorCode::NotSignedIn, message));
        }
        Ok(Self {
            settings,
            environment,
            audit,
            uploader: Uploader::Principal(principal),
        })
    }

    /// An issuer for who has this link. Whoever else they are does not matter.
    pub(crate) fn for_link(
        settings: &'a Settings,
        environment: &'a dyn Environment,
        audit: &'a Audit,
        grant: LinkGrant,
    ) -> Self {
        Self {
            settings,
            environment,
            audit,
            uploader: Uploader::Link(grant),
        }
    }

    /// The settings that the routes check against.
    pub(crate) fn settings(&self) -> &'a Settings {
        self.settings
    }

    fn grant(&self) -> Option<&LinkGrant> {
        match &self.uploader {
            Uploader::Principal(_) => None,
            Uploader::Link(grant) => Some(grant),
        }
    }

    /// The largest file in bytes.
    pub(crate) fn max_upload_bytes(&self) -> u64 {
        let own = self.grant().and_then(|grant| grant.link.max_bytes);
        own.unwrap_or(u64::MAX).min(self.settings.max_upload_bytes)
    }

    /// The most files that can be planned at once.
    pub(crate) fn max_files(&self) -> usize {
        let own = self.grant().and_then(|grant| grant.link.max_files);
        own.map_or(MAX_BATCH, |own| MAX_BATCH.min(own as usize))
    }

    /// The types that the deployment accepts, and those that the link does, if there is one.
    pub(crate) fn allowed_types(&self) -> [&AllowedTypes; 2] {
        let deployment = &self.settings.deployment.allowed_types;
        [deployment, self.grant().map_or(deployment, |grant| &grant.types)]
    }

    /// Opens a batch.
    pub(crate) fn new_batch(&self) -> BatchId {
        let since_1970 = self.audit.now().duration_since(SystemTime::UNIX_EPOCH);
        let milliseconds = since_1970.map_or(0, |time| time.as_millis() as u64);
        BatchId::new(milliseconds, self.environment.random())
    }

    /// The Lambda's clock, in seconds since 1970-01-01T00:00:00Z.
    pub(crate) fn server_time(&self) -> u64 {
        seconds(self.audit.now())
    }

    /// The folder of the caller's own keys: `<prefix>/<principal>/`, or `<prefix>/links/<folder>/<jti>/`.
    pub(crate) fn own_folder(&self) -> String {
        let deployment = &self.settings.deployment;
        match &self.uploader {
            Uploader::Principal(principal) => deployment.own_folder(principal),
            Uploader::Link(grant) => deployment.link_folder(&grant.link),
        }
    }

    /// The folder in which `GET /presign` puts objects: the prefix, or the own folder of a caller who is signed in.
    pub(crate) fn presign_folder(&self) -> String {
        match self.uploader {
            Uploader::Principal(principal) if principal.is_anonymous() => {
                folder(&[&self.settings.deployment.key_prefix])
            }
            _ => self.own_folder(),
        }
    }

    /// Signs a request about the object `key`, and records it.
    pub(crate) fn issue(&self, key: &str, request: S3Request) -> Result<SignedRequest, ApiError> {
        let request = self.settings.service.adapt(request);
        let bucket = &self.settings.deployment.bucket;
        let url = bucket.object_url_at(request.endpoint, key).ok_or_else(|| {
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
            region: bucket.region(),
            now: self.audit.now(),
            expires_in: Duration::from_secs(self.settings.expiration_seconds.into()),
        };
        let signed = presign(&unsigned, &signer).map_err(|error| {
            tracing::error!(%error, "signing failed");
            ApiError::new(ErrorCode::InternalError, "the request could not be signed")
        })?;
        self.audit.record_issued(key, &request, &signed);
        Ok(signed)
    }

    /// Records that one part of a batch was refused.
    pub(crate) fn record_refusal(&self, error: &ApiError) {
        self.audit.record_refused(error.code);
    }
}
