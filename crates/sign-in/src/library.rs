//! The part of `oauth4webapi` that is used. <https://github.com/panva/oauth4webapi> documents it.

use js_sys::Function;
use wasm_bindgen::prelude::*;
use web_sys::{Url, UrlSearchParams};

/// The name of its file, beside the page. `cargo xtask` puts it there.
pub(crate) const FILE: &str = "oauth4webapi-3.8.8.js";

#[wasm_bindgen]
extern "C" {
    /// Loads a module when it is needed (ECMA-262, section 13.3.10, "Import Calls").
    #[wasm_bindgen(catch, js_name = import)]
    pub(crate) async fn import(url: &str) -> Result<JsValue, JsValue>;

    /// The library's module.
    #[derive(Clone)]
    pub(crate) type OAuth;

    #[wasm_bindgen(method, getter, js_name = allowInsecureRequests)]
    pub(crate) fn allow_insecure_requests(this: &OAuth) -> JsValue;

    #[wasm_bindgen(method, getter, js_name = clockTolerance)]
    pub(crate) fn clock_tolerance(this: &OAuth) -> JsValue;

    /// The authentication of a client without a secret.
    #[wasm_bindgen(method, js_name = None)]
    pub(crate) fn no_authentication(this: &OAuth) -> Function;

    #[wasm_bindgen(method, js_name = generateRandomState)]
    pub(crate) fn generate_random_state(this: &OAuth) -> String;

    #[wasm_bindgen(method, js_name = generateRandomNonce)]
    pub(crate) fn generate_random_nonce(this: &OAuth) -> String;

    #[wasm_bindgen(method, js_name = generateRandomCodeVerifier)]
    pub(crate) fn generate_random_code_verifier(this: &OAuth) -> String;

    #[wasm_bindgen(method, catch, js_name = calculatePKCECodeChallenge)]
    pub(crate) async fn calculate_pkce_code_challenge(
        this: &OAuth,
        verifier: &str,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = discoveryRequest)]
    pub(crate) async fn discovery_request(
        this: &OAuth,
        issuer: &Url,
        options: &JsValue,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = processDiscoveryResponse)]
    pub(crate) async fn process_discovery_response(
        this: &OAuth,
        issuer: &Url,
        response: &JsValue,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = validateAuthResponse)]
    pub(crate) fn validate_auth_response(
        this: &OAuth,
        server: &Server,
        client: &JsValue,
        parameters: &UrlSearchParams,
        state: &str,
    ) -> Result<UrlSearchParams, JsValue>;

    #[wasm_bindgen(method, catch, js_name = authorizationCodeGrantRequest)]
    pub(crate) async fn authorization_code_grant_request(
        this: &OAuth,
        server: &Server,
        client: &JsValue,
        authentication: &Function,
        parameters: &UrlSearchParams,
        redirect_uri: &str,
        verifier: &str,
        options: &JsValue,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = processAuthorizationCodeResponse)]
    pub(crate) async fn process_authorization_code_response(
        this: &OAuth,
        server: &Server,
        client: &JsValue,
        response: &JsValue,
        options: &JsValue,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = refreshTokenGrantRequest)]
    pub(crate) async fn refresh_token_grant_request(
        this: &OAuth,
        server: &Server,
        client: &JsValue,
        authentication: &Function,
        refresh_token: &str,
        options: &JsValue,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = processRefreshTokenResponse)]
    pub(crate) async fn process_refresh_token_response(
        this: &OAuth,
        server: &Server,
        client: &JsValue,
        response: &JsValue,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = revocationRequest)]
    pub(crate) async fn revocation_request(
        this: &OAuth,
        server: &Server,
        client: &JsValue,
        authentication: &Function,
        token: &str,
        options: &JsValue,
    ) -> Result<JsValue, JsValue>;

    /// The issuer's metadata (OpenID Connect Discovery 1.0, section 3).
    #[derive(Clone)]
    pub(crate) type Server;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn authorization_endpoint(this: &Server) -> Option<String>;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn end_session_endpoint(this: &Server) -> Option<String>;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn revocation_endpoint(this: &Server) -> Option<String>;

    /// An answer of the token endpoint (OpenID Connect Core 1.0, section 3.1.3.3).
    pub(crate) type TokenAnswer;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn access_token(this: &TokenAnswer) -> String;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn expires_in(this: &TokenAnswer) -> Option<f64>;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn refresh_token(this: &TokenAnswer) -> Option<String>;
}
