//! Signing in by OpenID Connect: the authorization code flow with PKCE (OpenID Connect Core 1.0, section 3.1,
//! and RFC 7636), as a page without a secret of its own does it (RFC 9700, section 2.1).
//!
//! It is a module of its own, which the page loads only where its settings name an issuer: nobody else
//! pays for its bytes. [`SignIn`] is what the page sees of it.
//!
//! The protocol itself is `oauth4webapi`'s. Tokens are in this module's memory and nowhere else, so a
//! reload asks the issuer again. What survives the way to the issuer and back is what the answer is
//! checked with, in the tab's `sessionStorage`.
//!
//! An access token is renewed before it expires, by the refresh token. Where there is none, or it does not
//! work any more, a person signs in again in a window of its own, so that the page and the files picked in
//! it stay. A hidden frame is not tried: browsers that block third-party cookies show the issuer no session
//! in it, Amazon Cognito takes no `prompt=none`, and the page's policy allows no frames.

mod config;
mod error;
mod library;
mod pending;
mod provider;
mod session;
mod window;

use js_sys::Function;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use config::SignInConfig;
use error::SignInError;
use session::{Begun, Session};

/// The sign-in of one page. Errors are thrown as an array: the name of the error, and the browser's or the
/// issuer's own words, if any.
#[wasm_bindgen]
pub struct SignIn {
    session: Session,
}

#[wasm_bindgen]
impl SignIn {
    /// A sign-in by these settings, the JSON of `signIn` in `config.json`. `token_changed` is called with
    /// each new access token, and with nothing once there is none: after a sign-out, or where a person has
    /// to sign in again.
    ///
    /// # Errors
    /// `signInSettings` where the settings cannot be worked with.
    #[wasm_bindgen(constructor)]
    pub fn new(settings: &str, token_changed: Function) -> Result<Self, JsValue> {
        let config = SignInConfig::parse(settings).map_err(SignInError::Settings)?;
        let session = Session::new(config, move |token| {
            let token = token.map_or(JsValue::UNDEFINED, JsValue::from);
            // What the page does with it is no matter of the sign-in.
            let _ = token_changed.call1(&JsValue::UNDEFINED, &token);
        });
        Ok(Self { session })
    }

    /// Ends a sign-in that the page's address says has come back from the issuer, if it has. Gives
    /// `signedIn`; `signedOut`; or `window`, where this window was only for signing in and the page that
    /// opened it has been told.
    ///
    /// # Errors
    /// Where it was denied or does not hold.
    pub async fn begin(&self) -> Result<String, JsValue> {
        let session = self.session.clone();
        let begun = match session.begin().await? {
            Begun::SignedOut => "signedOut",
            Begun::SignedIn => "signedIn",
            Begun::Window => "window",
        };
        Ok(begun.to_owned())
    }

    /// Leaves the page for the issuer, which comes back to it.
    ///
    /// # Errors
    /// Where the issuer cannot be asked, or the browser keeps nothing for the way back.
    #[wasm_bindgen(js_name = signIn)]
    pub async fn sign_in(&self) -> Result<(), JsValue> {
        let session = self.session.clone();
        Ok(session.sign_in().await?)
    }

    /// Signs in again in a window of its own, and leaves the page as it is. To be called while the browser
    /// handles a person's click, or it lets no window open.
    ///
    /// # Errors
    /// Where no window opens, or the issuer cannot be asked.
    #[wasm_bindgen(js_name = signInAgain)]
    pub async fn sign_in_again(&self) -> Result<(), JsValue> {
        let session = self.session.clone();
        Ok(session.sign_in_again().await?)
    }

    /// Renews the access token by the refresh token, unless that is being done. Without one that works, the
    /// page is told that there is no token any more.
    pub fn renew(&self) {
        self.session.renew();
    }

    /// Forgets every token, here and at the issuer, and leaves the page for the issuer's sign-out, which
    /// comes back to it. Where the issuer has none, the page begins anew.
    ///
    /// # Errors
    /// Where the issuer's metadata cannot be read.
    #[wasm_bindgen(js_name = signOut)]
    pub async fn sign_out(&self) -> Result<(), JsValue> {
        let session = self.session.clone();
        Ok(session.sign_out().await?)
    }
}

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
