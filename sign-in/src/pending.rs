//! What the issuer's answer is checked with.

use serde::{Deserialize, Serialize};
use web_sys::Storage;

use crate::{error::SignInError, provider::Provider};

/// Where it is kept while the page is left for the issuer.
const KEY: &str = "slipway.sign-in";

/// A sign-in that was begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    /// What shows that the answer is to this request (RFC 6749, section 10.12).
    pub(crate) state: String,
    /// What shows that the identity is for it (OpenID Connect Core 1.0, section 3.1.2.1).
    pub(crate) nonce: String,
    /// What shows that the tokens are for this page (RFC 7636).
    pub(crate) verifier: String,
}

impl Pending {
    /// A new one; its state begins with `prefix`.
    pub(crate) fn new(provider: &Provider, prefix: &str) -> Self {
        let oauth = &provider.oauth;
        Self {
            state: format!("{prefix}{}", oauth.generate_random_state()),
            nonce: oauth.generate_random_nonce(),
            verifier: oauth.generate_random_code_verifier(),
        }
    }

    /// Keeps it for this tab.
    ///
    /// # Errors
    /// Where the browser does not keep anything.
    pub(crate) fn keep(&self) -> Result<(), SignInError> {
        let text = serde_json::to_string(self).map_err(|_| SignInError::Browser)?;
        storage()?.set_item(KEY, &text).map_err(|_| SignInError::Browser)
    }

    /// What this tab has kept, which is kept no longer.
    ///
    /// # Errors
    /// Where the browser does not keep anything.
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
