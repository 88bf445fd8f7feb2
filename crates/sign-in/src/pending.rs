//! A sign-in that has been started, with what the issuer's answer is checked with.

use serde::{Deserialize, Serialize};
use web_sys::Storage;

use crate::{error::SignInError, library::OAuth};

/// The key in `sessionStorage` while the user is at the issuer.
const KEY: &str = "slipway.sign-in";

/// A sign-in that has been started.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    /// Shows that the answer belongs to this request (RFC 6749, section 10.12).
    pub(crate) state: String,
    /// Shows that the identity belongs to it (OpenID Connect Core 1.0, section 3.1.2.1).
    pub(crate) nonce: String,
    /// Shows that the tokens are for this page (RFC 7636).
    pub(crate) verifier: String,
}

impl Pending {
    /// A new one, whose state starts with `prefix`.
    pub(crate) fn new(oauth: &OAuth, prefix: &str) -> Self {
        Self {
            state: format!("{prefix}{}", oauth.generate_random_state()),
            nonce: oauth.generate_random_nonce(),
            verifier: oauth.generate_random_code_verifier(),
        }
    }

    /// Stores it for this tab.
    pub(crate) fn store(&self) -> Result<(), SignInError> {
        let text = serde_json::to_string(self).map_err(|_| SignInError::Browser)?;
        storage()?.set_item(KEY, &text).map_err(|_| SignInError::Browser)
    }

    /// Takes what this tab has stored.
    pub(crate) fn take() -> Result<Option<Self>, SignInError> {
        let storage = storage()?;
        let text = storage.get_item(KEY).map_err(|_| SignInError::Browser)?;
        let _ = storage.remove_item(KEY);
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

fn storage() -> Result<Storage, SignInError> {
    let storage = web_sys::window().and_then(|window| window.session_storage().ok()?);
    storage.ok_or(SignInError::Browser)
}
