//! Where an S3 service is and who may use it.

use local::{
    OWNER_ACCESS_KEY_ID, OWNER_SECRET_ACCESS_KEY, ROLE_ACCESS_KEY_ID, ROLE_SECRET_ACCESS_KEY,
    ROLE_SESSION_TOKEN, Stack,
};

/// An access key as AWS has them.
#[derive(Clone, Debug)]
pub struct AccessKey {
    pub id: String,
    pub secret: String,
    /// The session token, if the key is a temporary one.
    pub session_token: Option<String>,
}

/// An S3 service with the bucket [`local::BUCKET`] in the region [`local::REGION`], addressed by path.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Host and port.
    pub host: String,
    /// May do everything.
    pub owner: AccessKey,
    /// May at most write keys that start with `uploads/`.
    pub limited: AccessKey,
}

impl AccessKey {
    /// A key without a session.
    pub fn lasting(id: &str, secret: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
            session_token: None,
        }
    }

    /// The same key in a session.
    pub fn with_session_token(self, token: &str) -> Self {
        Self {
            session_token: Some(token.to_owned()),
            ..self
        }
    }
}

impl AsRef<Self> for Endpoint {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Endpoint {
    /// The local stack's S3 at this host and port.
    pub fn of_local_s3(host: &str) -> Self {
        let limited = AccessKey::lasting(ROLE_ACCESS_KEY_ID, ROLE_SECRET_ACCESS_KEY);
        Self {
            host: host.to_owned(),
            owner: AccessKey::lasting(OWNER_ACCESS_KEY_ID, OWNER_SECRET_ACCESS_KEY),
            limited: limited.with_session_token(ROLE_SESSION_TOKEN),
        }
    }

    /// The local stack's S3.
    pub fn of_stack(stack: &Stack) -> Self {
        Self::of_local_s3(&stack.s3_url().replacen("http://", "", 1))
    }

    /// The service's URL, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.host)
    }
}
