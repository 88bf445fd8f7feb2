//! The sign-in, a module of its own that is loaded only where the settings name an issuer.

use js_sys::{Array, Function, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};

use crate::{
    effects::module::import,
    i18n::{Text, t, t_with},
    text::Explanation,
};

/// The module's script, beside the page's other files.
const MODULE: &str = "sign-in.js";

/// The script of the module that makes upload links.
const LINK_MAKER: &str = "link-maker.js";

#[wasm_bindgen]
extern "C" {
    type Module;

    /// Loads the module's WebAssembly.
    #[wasm_bindgen(method, catch, js_name = default)]
    async fn load(this: &Module) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, getter, js_name = SignIn)]
    fn constructor(this: &Module) -> Function;

    /// What the crate `link-maker` exports.
    #[wasm_bindgen(method, catch, js_name = makeLink)]
    async fn make_link(this: &Module, sign_in: &SignIn) -> Result<JsValue, JsValue>;

    /// What the crate `sign-in` exports; it documents the methods.
    #[derive(Clone)]
    pub(crate) type SignIn;

    #[wasm_bindgen(method, catch)]
    pub(crate) async fn begin(this: &SignIn) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = signIn)]
    pub(crate) async fn sign_in(this: &SignIn) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = signInAgain)]
    pub(crate) async fn sign_in_again(this: &SignIn) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = signOut)]
    pub(crate) async fn sign_out(this: &SignIn) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method)]
    pub(crate) fn renew(this: &SignIn);
}

/// Loads the module, whose files are at this address, and makes a sign-in by these settings.
/// `token_changed` is called with each new access token, with `null` while the issuer does not answer, and with
/// `undefined` once the user has to sign in.
///
/// # Errors
/// As the module throws them; see [`Problem::of`].
pub(crate) async fn load(
    assets: &str,
    settings: &str,
    token_changed: impl FnMut(JsValue) + 'static,
) -> Result<SignIn, JsValue> {
    let module = load_module(assets, MODULE).await?;
    let token_changed = Closure::<dyn FnMut(JsValue)>::new(token_changed).into_js_value();
    let settings = Array::of2(&settings.into(), &token_changed);
    Reflect::construct(&module.constructor(), &settings).map(JsCast::unchecked_into)
}

/// Opens the dialog that makes upload links.
///
/// # Errors
/// If its module cannot be loaded.
pub(crate) async fn make_link(sign_in: &SignIn) -> Result<JsValue, JsValue> {
    load_module("", LINK_MAKER).await?.make_link(sign_in).await
}

async fn load_module(assets: &str, script: &str) -> Result<Module, JsValue> {
    let module: Module = import(assets, script).await?.unchecked_into();
    module.load().await?;
    Ok(module)
}

/// Why a sign-in did not work.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) what: Text,
    pub(crate) advice: Text,
    /// What the browser or the issuer said; may be empty.
    pub(crate) reason: String,
}

impl Problem {
    /// What the module threw: a code and a reason, as its crate documents them.
    pub(crate) fn of(error: &JsValue) -> Self {
        let parts = error.dyn_ref::<Array>().cloned().unwrap_or_default();
        let part = |index| parts.get(index).as_string();
        let (what, advice) = match part(0).as_deref() {
            Some("signInDenied") => (Text::SignInDenied, Text::SignInDeniedAdvice),
            Some("signInRefused") => (Text::SignInRefused, Text::SignInRefusedAdvice),
            Some("signInUnexpected") => (Text::SignInUnexpected, Text::SignInUnexpectedAdvice),
            Some("signInBrowser") => (Text::SignInBrowser, Text::SignInBrowserAdvice),
            Some("configError") => (Text::ConfigError, Text::ConfigErrorAdvice),
            _ => (Text::SignInUnreachable, Text::SignInUnreachableAdvice),
        };
        // An error without a code is the browser's own: the module could not be loaded.
        let message = || Reflect::get(error, &"message".into()).ok()?.as_string();
        Self {
            what,
            advice,
            reason: part(1).or_else(message).unwrap_or_default(),
        }
    }

    /// The problem in the page's language.
    pub(crate) fn explanation(&self) -> Explanation {
        Explanation {
            what: t(self.what),
            advice: t_with(self.advice, &[("reason", &self.reason)]),
        }
    }
}
