//! Who may do what.

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderMap, Uri};
use s3s::{
    S3Result,
    access::{S3Access, S3AccessContext},
    auth::{S3Auth, SecretKey},
    path::S3Path,
    s3_error,
};

use super::{
    authorization::check_signed_headers,
    failure::{Failure, FailureSlot, usual_message},
    request_head::Query,
};
use crate::{
    account::{
        OWNER_ACCESS_KEY_ID, OWNER_SECRET_ACCESS_KEY, ROLE_ACCESS_KEY_ID, ROLE_SECRET_ACCESS_KEY,
        ROLE_SESSION_TOKEN,
    },
    controls::Controls,
};

/// The operations that the Lambda's role allows, by the permission of each: `s3:PutObject`,
/// `s3:AbortMultipartUpload` and `s3:ListMultipartUploadParts`.
const ROLE_OPERATIONS: [&str; 6] = [
    "PutObject",
    "CreateMultipartUpload",
    "UploadPart",
    "CompleteMultipartUpload",
    "AbortMultipartUpload",
    "ListParts",
];

/// The secrets of the two access keys.
pub(crate) struct Secrets;

#[async_trait]
impl S3Auth for Secrets {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        match access_key {
            OWNER_ACCESS_KEY_ID => Ok(OWNER_SECRET_ACCESS_KEY.into()),
            ROLE_ACCESS_KEY_ID => Ok(ROLE_SECRET_ACCESS_KEY.into()),
            _ => Err(s3_error!(
                InvalidAccessKeyId,
                "{}",
                usual_message("InvalidAccessKeyId")
            )),
        }
    }
}

/// What is checked of a request once its signature is known to be right.
pub(crate) struct Access {
    /// The Lambda's role may use the keys that start with this.
    pub(crate) role_key_prefix: String,
    pub(crate) controls: Arc<Controls>,
}

#[async_trait]
impl S3Access for Access {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let outcome = self.check_request(context);
        outcome.map_err(|failure| FailureSlot::of(context.extensions_mut()).raise(failure))
    }
}

impl Access {
    fn check_request(&self, context: &S3AccessContext<'_>) -> Result<(), Failure> {
        let Some(credentials) = context.credentials() else {
            return Err(Failure::of("AccessDenied"));
        };
        // The fields of a form are bound by its policy, which is signed.
        if context.s3_op().name() != "PostObject" {
            check_signed_headers(context.uri(), context.headers())?;
        }
        if credentials.access_key == ROLE_ACCESS_KEY_ID {
            self.check_session(context.uri(), context.headers())?;
            self.check_role(context)?;
        }
        Ok(())
    }

    fn check_session(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Failure> {
        let query = Query::of(uri);
        let in_header = headers
            .get("x-amz-security-token")
            .and_then(|value| value.to_str().ok());
        match query.only("X-Amz-Security-Token").or(in_header) {
            None => Err(Failure::of("InvalidAccessKeyId")),
            Some(token) if token != ROLE_SESSION_TOKEN => Err(Failure::new(
                "InvalidToken",
                "The provided token is malformed or otherwise invalid.",
            )),
            Some(token) if self.controls.state().is_lambda_session_expired => {
                Err(Failure::new("ExpiredToken", "The provided token has expired.").with("Token-0", token))
            }
            Some(_) => Ok(()),
        }
    }

    fn check_role(&self, context: &S3AccessContext<'_>) -> Result<(), Failure> {
        let in_prefix = match context.s3_path() {
            S3Path::Object { key, .. } => key.starts_with(&self.role_key_prefix),
            S3Path::Bucket { .. } | S3Path::Root => false,
        };
        if in_prefix && ROLE_OPERATIONS.contains(&context.s3_op().name()) {
            Ok(())
        } else {
            Err(Failure::of("AccessDenied"))
        }
    }
}
