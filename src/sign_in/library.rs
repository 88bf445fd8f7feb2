//! `oauth4webapi`, the part of it that is used. <https://github.com/panva/oauth4webapi> documents it.

use js_sys::Function;
use wasm_bindgen::prelude::*;
use web_sys::{Url, UrlSearchParams};

/// The name of its file, beside the page. `cargo xtask` puts it there.
pub(super) const FILE: &str = "oauth4webapi-3.8.8.js";

#[wasm_bindgen]
extern "C" {
    /// Loads a module when it is needed (ECMA-262, section 13.3.10, "Import Calls").
    #[wasm_bindgen(catch, js_name = import)]
    pub(super) async fn import(url: &str) -> Result<JsValue, JsValue>;

    /// The library's module.
    #[derive(Clone)]
    pub(super) type OAuth;

    #[wasm_bindgen(method, getter, js_name = allowInsecureRequests)]
    pub(super) fn allow_insecure_requests(this: &OAuth) -> JsValue;

    #[wasm_bindgen(method, getter, js_name = clockTolerance)]
    pub(super) fn clock_tolerance(this: &OAuth) -> JsValue;

    /// The authentication of a client without a secret.
    #[wasm_bindgen(method, js_name = None)]
    pub(super) fn no_authentication(this: &OAuth) -> Function;

    #[wasm_bindgen(method, js_name = generateRandomState)]
    pub(super) fn generate_random_state(this: &OAuth) -> String;

    #[wasm_bindgen(method, js_name = generateRandomNonce)]
    pub(super) fn generate_random_nonce(this: &OAuth) -> String;

    #[wasm_bindgen(method, js_name = generateRandomCodeVerifier)]
    pub(super) fn generate_random_code_verifier(this: &OAuth) -> String;

    #[wasm_bindgen(method, catch, js_name = calculatePKCECodeChallenge)]
    pub(super) async fn calculate_pkce_code_challenge(
        this: &OAuth,
        verifier: &str,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = discoveryRequest)]
    pub(super) async fn discovery_request(
        this: &OAuth,
        issuer: &Url,
        options: &JsValue,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = processDiscoveryResponse)]
    pub(super) async fn process_discovery_response(
        this: &OAuth,
        issuer: &Url,
        response: &JsValue,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = validateAuthResponse)]
    pub(super) fn validate_auth_response(
        this: &OAuth,
        server: &Server,
        client: &JsValue,
        parameters: &UrlSearchParams,
        state: &str,
    ) -> Result<UrlSearchParams, JsValue>;

    #[wasm_bindgen(method, catch, js_name = authorizationCodeGrantRequest)]
    pub(super) async fn authorization_code_grant_request(
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
    pub(super) async fn process_authorization_code_response(
        this: &OAuth,
        server: &Server,
        client: &JsValue,
        response: &JsValue,
        options: &JsValue,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = refreshTokenGrantRequest)]
    pub(super) async fn refresh_token_grant_request(
        this: &OAuth,
        server: &Server,
        client: &JsValue,
        authentication: &Function,
        refresh_token: &str,
        options: &JsValue,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = processRefreshTokenResponse)]
    pub(super) async fn process_refresh_token_response(
        this: &OAuth,
        server: &Server,
        client: &JsValue,
        response: &JsValue,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = revocationRequest)]
    pub(super) async fn revocation_request(
        this: &OAuth,
        server: &Server,
        client: &JsValue,
        authentication: &Function,
        token: &str,
        options: &JsValue,
    ) -> Result<JsValue, JsValue>;

    /// The issuer's metadata (OpenID Connect Discovery 1.0, section 3).
    #[derive(Clone)]
    pub(super) type Server;

    #[wasm_bindgen(method, getter)]
    pub(super) fn authorization_endpoint(this: &Server) -> Option<String>;

    #[wasm_bindgen(method, getter)]
    pub(super) fn end_session_endpoint(this: &Server) -> Option<String>;

    #[wasm_bindgen(method, getter)]
    pub(super) fn revocation_endpoint(this: &Server) -> Option<String>;

    /// An answer of the token endpoint (OpenID Connect Core 1.0, section 3.1.3.3).
    pub(super) type TokenAnswer;

    #[wasm_bindgen(method, getter)]
    pub(super) fn access_token(this: &TokenAnswer) -> String;

    #[wasm_bindgen(method, getter)]
    pub(super) fn expires_in(this: &TokenAnswer) -> Option<f64>;

    #[wasm_bindgen(method, getter)]
    pub(super) fn refresh_token(this: &TokenAnswer) -> Option<String>;

    #[wasm_bindgen(method, getter)]
    pub(super) fn id_token(this: &TokenAnswer) -> Option<String>;
}
