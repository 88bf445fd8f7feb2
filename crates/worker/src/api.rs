//! The address of the Lambda's API, and who asks it.

use std::cell::RefCell;

use wire::{HttpMethod, SignedRequest};

/// The Lambda's API.
pub(crate) struct Api {
    /// Its URL, without a slash at its end.
    url: String,
    access_token: RefCell<Option<String>>,
}

impl Api {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            access_token: RefCell::default(),
        }
    }

    /// The access token to send from now on (RFC 6750), or none.
    pub(crate) fn set_access_token(&self, token: Option<String>) {
        self.access_token.replace(token);
    }

    /// A POST to this path of the API, without its body.
    pub(crate) fn request(&self, path: &str) -> SignedRequest {
        let token = self.access_token.borrow();
        let authorization = token
            .as_ref()
            .map(|token| ("authorization".to_owned(), format!("Bearer {token}")));
        SignedRequest {
            method: HttpMethod::Post,
            url: format!("{}{path}", self.url),
            headers: [("content-type".to_owned(), "application/json".to_owned())]
                .into_iter()
                .chain(authorization)
                .collect(),
            expires_at: u64::MAX,
        }
    }
}
