//! The address of the Lambda's API, and who asks it.

use std::cell::RefCell;

use messages::Start;
use wire::{HttpMethod, SignedRequest};

/// The folder of the routes for who has an upload link.
const LINK: &str = "/link";

/// The Lambda's API.
#[derive(Default)]
pub(crate) struct Api {
    /// Its URL, without a slash at its end.
    url: String,
    access_token: RefCell<Option<String>>,
}

impl Api {
    /// The API of a page: where it was opened with an upload link, the routes that take that.
    pub(crate) fn new(start: &Start) -> Self {
        let folder = start.link.as_ref().map_or("", |_| LINK);
        Self {
            url: format!("{}{folder}", start.api_url),
            access_token: RefCell::new(start.link.clone()),
        }
    }

    /// The access token to send from now on (RFC 6750), or none.
    pub(crate) fn set_access_token(&self, token: Option<String>) {
        self.access_token.replace(token);
    }

    /// A GET of what the upload link allows.
    pub(crate) fn link_request(&self) -> SignedRequest {
        SignedRequest {
            method: HttpMethod::Get,
            ..self.request("")
        }
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
