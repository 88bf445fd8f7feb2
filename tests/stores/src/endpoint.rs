//! Where an S3 service is and who may use it.

use local::{
    OWNER_ACCESS_KEY_ID, OWNER_SECRET_ACCESS_KEY, ROLE_ACCESS_KEY_ID, ROLE_SECRET_ACCESS_KEY,
    ROLE_SESSION_TOKEN, Stack,
};

/// An access key as AWS has them.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// The access key id.
    pub id: String,
    /// The secret access key.
    pub secret: String,
    /// The session token, where the key is a temporary one.
    pub session_token: Option<String>,
}

/// An S3 service with the bucket [`local::BUCKET`] in the region [`local::REGION`], addressed by path.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Host and port.
    pub host: String,
    /// May do everything.
    pub owner: AccessKey,
    /// May write at most the keys below `uploads/`.
    pub limited: AccessKey,
}

impl AccessKey {
    /// A key that lasts.
    pub(crate) fn lasting(id: &str, secret: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
            session_token: None,
        }
    }
}

impl Endpoint {
    /// The local stack's S3.
    pub(crate) fn of_stack(stack: &Stack) -> Self {
        let mut limited = AccessKey::lasting(ROLE_ACCESS_KEY_ID, ROLE_SECRET_ACCESS_KEY);
        limited.session_token = Some(ROLE_SESSION_TOKEN.to_owned());
        Self {
            host: stack.s3_url().replacen("http://", "", 1),
            owner: AccessKey::lasting(OWNER_ACCESS_KEY_ID, OWNER_SECRET_ACCESS_KEY),
            limited,
        }
    }

    /// The service's URL, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.host)
    }
}
