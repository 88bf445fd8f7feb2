//! Signing in with OpenID Connect: the authorization code flow with PKCE (OpenID Connect Core 1.0, section 3.1,
//! and RFC 7636), for a page that has no secret (RFC 9700, section 2.1).
//!
//! It is a module of its own, which the page loads only if its settings name an issuer: nobody else pays for
//! its bytes. [`SignIn`] is its interface.
//!
//! The protocol itself is implemented by `oauth4webapi`. Tokens are in this module's memory and nowhere else, so
//! after a reload the issuer is asked again. Only what the issuer's answer is checked with outlives the page
//! while the user is at the issuer: it is in the tab's `sessionStorage`.
//!
//! An access token is renewed before it expires, with the refresh token. If there is none, or it no longer
//! works, the user signs in again in a separate window, so that the page and the files picked in it stay. A
//! hidden frame is not tried: in browsers that block third-party cookies the issuer has no session in it,
//! Amazon Cognito does not support `prompt=none`, and the page's policy allows no frames.

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
use session::{Access, Session, StartState};

/// The sign-in of one page. Errors are thrown as an array: the name of the error, and the message of the
/// browser or the issuer, if any.
#[wasm_bindgen]
pub struct SignIn {
    session: Session,
}

#[wasm_bindgen]
impl SignIn {
    /// A sign-in with these settings, the JSON of `signIn` in `config.json`. `on_token` is called with each new
    /// access token; with `null` while it is good for nothing any more and the issuer does not answer; and with
    /// `undefined` after a sign-out, or if the user has to sign in again. Before a sign-out it is called with an empty
    /// text: whatever is kept of the user has to go, and [`browser::SIGNED_OUT_CHANNEL`] is where that is reported.
    ///
    /// # Errors
    /// `configError` if the settings are invalid.
    #[wasm_bindgen(constructor)]
    pub fn new(settings: &str, on_token: Function) -> Result<Self, JsValue> {
        let config = SignInConfig::parse(settings).map_err(SignInError::Settings)?;
        let session = Session::new(config, move |access| {
            let token = match access {
                Access::Token(token) => token.into(),
                Access::Awaited => JsValue::NULL,
                Access::Ended => JsValue::UNDEFINED,
                Access::SignedOut => "".into(),
            };
            // If the page's function throws, that does not concern the sign-in.
            let _ = on_token.call1(&JsValue::UNDEFINED, &token);
        });
        Ok(Self { session })
    }

    /// Completes a sign-in if the page's URL has an answer from the issuer. Returns `signedIn`; `signedOut`; or
    /// `window` if this window was opened only to sign in, and the page that opened it has received the answer.
    ///
    /// # Errors
    /// If the sign-in was denied or is not valid.
    pub async fn begin(&self) -> Result<String, JsValue> {
        let session = self.session.clone();
        let state = match session.begin().await? {
            StartState::SignedOut => "signedOut",
            StartState::SignedIn => "signedIn",
            StartState::SignInWindow => "window",
        };
        Ok(state.to_owned())
    }

    /// Leaves the page for the issuer, which returns to it.
    ///
    /// # Errors
    /// If the issuer cannot be reached, or the browser stores nothing for the way back.
    #[wasm_bindgen(js_name = signIn)]
    pub async fn sign_in(&self) -> Result<(), JsValue> {
        let session = self.session.clone();
        Ok(session.sign_in().await?)
    }

    /// Signs in again in a separate window, and leaves the page as it is. Must be called while the browser
    /// handles a click, or no window opens.
    ///
    /// # Errors
    /// If no window opens, or the issuer cannot be reached.
    #[wasm_bindgen(js_name = signInAgain)]
    pub async fn sign_in_again(&self) -> Result<(), JsValue> {
        let session = self.session.clone();
        Ok(session.sign_in_again().await?)
    }

    /// The access token, while it can be used.
    #[wasm_bindgen(js_name = accessToken)]
    pub fn access_token(&self) -> Option<String> {
        self.session.access_token()
    }

    /// Renews the access token, which the API refuses, with the refresh token. Without a refresh token that works,
    /// `on_token` is called with `undefined`; while the issuer does not answer, with `null`.
    pub fn renew(&self) {
        self.session.renew();
    }

    /// Has the page forget the user, drops every token, here and at the issuer, and leaves the page for the issuer's
    /// sign-out, which returns to it. If the issuer has no sign-out, the page is reloaded.
    ///
    /// # Errors
    /// If the issuer's metadata cannot be read.
    #[wasm_bindgen(js_name = signOut)]
    pub async fn sign_out(&self) -> Result<(), JsValue> {
        let session = self.session.clone();
        Ok(session.sign_out().await?)
    }
}

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
