//! The issuer, as its metadata describes it.

use std::time::Duration;

use js_sys::{Function, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortSignal, Url, UrlSearchParams};

use crate::{
    config::SignInConfig,
    error::{RenewalFailure, SignInError},
    library::{self, OAuth, Server, TokenAnswer},
    pending::Pending,
    window,
};

/// How wrong the clock of this machine may be, in seconds. The identity comes from the issuer itself, over TLS
/// and with a nonce, so nothing depends on the times in it.
const CLOCK_TOLERANCE: f64 = 86_400.0;

/// How long a renewal may take, in milliseconds. One without an answer would keep the next from being tried.
const RENEWAL_TIMEOUT: u32 = 30_000;

/// An issuer, and how to talk to it.
pub(crate) struct Provider {
    oauth: OAuth,
    server: Server,
    client: JsValue,
    client_id: String,
    authentication: Function,
    options: JsValue,
    is_cognito: bool,
}

/// The tokens of a user who is signed in.
#[derive(Clone)]
pub(crate) struct Tokens {
    pub(crate) access_token: String,
    /// How long the access token is valid, if the issuer says so.
    pub(crate) expires_in: Option<Duration>,
    /// When they arrived, in milliseconds since 1970 by the browser's clock, which also runs while the machine
    /// sleeps.
    arrived: f64,
    pub(crate) refresh_token: Option<String>,
}

impl Provider {
    /// Loads the library and reads the issuer's metadata.
    pub(crate) async fn discover(config: &SignInConfig) -> Result<Self, SignInError> {
        let module = library::import(&window::url_beside_page(library::FILE)?).await;
        let oauth: OAuth = module
            .map_err(|error| SignInError::of_library(&error))?
            .unchecked_into();
        let options = Object::new();
        if config.is_on_this_machine() {
            set(&options, &oauth.allow_insecure_requests(), &JsValue::TRUE);
        }
        let client = Object::new();
        set(&client, &"client_id".into(), &config.client_id.as_str().into());
        set(&client, &oauth.clock_tolerance(), &CLOCK_TOLERANCE.into());
        let issuer = Url::new(&config.issuer).map_err(|error| SignInError::of_library(&error))?;
        let server = async {
            let response = oauth.discovery_request(&issuer, &options).await?;
            oauth.process_discovery_response(&issuer, &response).await
        };
        let server = server.await.map_err(|error| SignInError::of_library(&error))?;
        Ok(Self {
            authentication: oauth.no_authentication(),
            server: server.unchecked_into(),
            client: client.into(),
            client_id: config.client_id.clone(),
            options: options.into(),
            is_cognito: config.issuer.starts_with("https://cognito-idp."),
            oauth,
        })
    }

    /// Starts a sign-in, and returns the URL at which the user signs in. The state that the issuer sends back
    /// starts with `state_prefix`.
    pub(crate) async fn authorize(
        &self,
        config: &SignInConfig,
        state_prefix: &str,
    ) -> Result<(Pending, String), SignInError> {
        let pending = Pending::new(&self.oauth, state_prefix);
        let challenge = self.oauth.calculate_pkce_code_challenge(&pending.verifier).await;
        let challenge = challenge.map_err(|error| SignInError::of_library(&error))?;
        let challenge = challenge.as_string().unwrap_or_default();
        let (redirect_uri, scope) = (window::own_url()?, config.scopes.join(" "));
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", &config.client_id),
            ("redirect_uri", &redirect_uri),
            ("scope", &scope),
            ("state", &pending.state),
            ("nonce", &pending.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        if let Some(audience) = &config.audience {
            parameters.push(("audience", audience));
        }
        let url = with_query(self.server.authorization_endpoint(), &parameters)?;
        Ok((pending, url))
    }

    /// Exchanges the issuer's answer, which is the query of the page's URL, for tokens. An answer that does not
    /// belong to `pending` is an error.
    pub(crate) async fn tokens_for(&self, answer: &str, pending: &Pending) -> Result<Tokens, SignInError> {
        let redirect_uri = window::own_url()?;
        let tokens = async {
            let parameters = UrlSearchParams::new_with_str(answer)?;
            let parameters =
                self.oauth
                    .validate_auth_response(&self.server, &self.client, &parameters, &pending.state)?;
            let request = self.oauth.authorization_code_grant_request(
                &self.server,
                &self.client,
                &self.authentication,
                &parameters,
                &redirect_uri,
                &pending.verifier,
                &self.options,
            );
            let response = request.await?;
            let expected = Object::new();
            set(&expected, &"expectedNonce".into(), &pending.nonce.as_str().into());
            set(&expected, &"requireIdToken".into(), &JsValue::TRUE);
            self.oauth
                .process_authorization_code_response(&self.server, &self.client, &response, &expected)
                .await
        };
        let answer = tokens.await.map_err(|error| SignInError::of_library(&error))?;
        Ok(Tokens::of(answer.unchecked_ref()))
    }

    /// Exchanges the refresh token for new tokens (RFC 6749, section 6).
    pub(crate) async fn refresh(&self, tokens: &Tokens) -> Result<Tokens, RenewalFailure> {
        let refresh_token = tokens.refresh_token.as_ref();
        let refresh_token = refresh_token.ok_or(RenewalFailure::SessionEnded)?;
        let options = Object::assign(&Object::new(), self.options.unchecked_ref());
        let signal = AbortSignal::timeout_with_u32(RENEWAL_TIMEOUT);
        set(&options, &"signal".into(), &signal.into());
        let answer = async {
            let request = self.oauth.refresh_token_grant_request(
                &self.server,
                &self.client,
                &self.authentication,
                refresh_token,
                &options,
            );
            let response = request.await?;
            self.oauth
                .process_refresh_token_response(&self.server, &self.client, &response)
                .await
        };
        let answer = answer.await.map_err(|error| RenewalFailure::of_library(&error))?;
        let mut renewed = Tokens::of(answer.unchecked_ref());
        // An issuer that does not rotate refresh tokens sends no new one.
        renewed.refresh_token = renewed.refresh_token.or_else(|| tokens.refresh_token.clone());
        Ok(renewed)
    }

    /// Revokes a refresh token (RFC 7009), if the issuer supports that.
    pub(crate) async fn revoke(&self, token: &str) -> Result<(), SignInError> {
        if self.server.revocation_endpoint().is_none() {
            return Ok(());
        }
        let revoked = self.oauth.revocation_request(
            &self.server,
            &self.client,
            &self.authentication,
            token,
            &self.options,
        );
        let revoked = revoked.await.map(drop);
        revoked.map_err(|error| SignInError::of_library(&error))
    }

    /// The URL at which the session at the issuer ends (OpenID Connect RP-Initiated Logout 1.0, section 2); `None`
    /// if the issuer has none. It names the page by its client id, not by an ID token, which would stay in the
    /// browser's history and in logs. Amazon Cognito has parameters of its own (Amazon Cognito Developer Guide,
    /// "Logout endpoint").
    pub(crate) fn sign_out_url(&self) -> Result<Option<String>, SignInError> {
        let own = window::own_url()?;
        let client = ("client_id", self.client_id.as_str());
        if self.is_cognito {
            let authorization = self.server.authorization_endpoint().unwrap_or_default();
            let sign_out = authorization.replace("/oauth2/authorize", "/logout");
            return with_query(Some(sign_out), &[client, ("logout_uri", &own)]).map(Some);
        }
        let Some(sign_out) = self.server.end_session_endpoint() else {
            return Ok(None);
        };
        with_query(Some(sign_out), &[client, ("post_logout_redirect_uri", &own)]).map(Some)
    }
}

impl Tokens {
    /// Whether the access token is not valid any more, as far as the issuer has said.
    pub(crate) fn have_expired(&self) -> bool {
        let age = js_sys::Date::now() - self.arrived;
        self.expires_in
            .is_some_and(|time| age >= time.as_secs_f64() * 1000.0)
    }

    fn of(answer: &TokenAnswer) -> Self {
        Self {
            access_token: answer.access_token(),
            expires_in: answer
                .expires_in()
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            arrived: js_sys::Date::now(),
            refresh_token: answer.refresh_token(),
        }
    }
}

fn set(object: &Object, name: &JsValue, value: &JsValue) {
    // It fails only for a value that is not an object.
    let _ = Reflect::set(object, name, value);
}

/// Adds parameters to the query of a URL.
fn with_query(url: Option<String>, parameters: &[(&str, &str)]) -> Result<String, SignInError> {
    let url = Url::new(&url.unwrap_or_default()).map_err(|error| SignInError::of_library(&error))?;
    let query = url.search_params();
    for (name, value) in parameters {
        query.set(name, value);
    }
    Ok(url.href())
}
