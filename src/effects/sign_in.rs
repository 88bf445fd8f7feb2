//! The sign-in, a module of its own that is loaded only where the settings name an issuer.

use js_sys::{Array, Function, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};

/// The module's script, beside the page's other files.
const MODULE: &str = "sign-in.js";

#[wasm_bindgen]
extern "C" {
    /// Loads a module when it is needed (ECMA-262, section 13.3.10, "Import Calls").
    #[wasm_bindgen(catch, js_name = import)]
    async fn import(url: &str) -> Result<JsValue, JsValue>;

    type Module;

    /// Loads the module's WebAssembly.
    #[wasm_bindgen(method, catch, js_name = default)]
    async fn load(this: &Module) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, getter, js_name = SignIn)]
    fn constructor(this: &Module) -> Function;

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
/// `token_changed` is called with each new access token, and with nothing once there is none.
///
/// # Errors
/// As the module throws them; see [`reason`].
pub(crate) async fn load(
    assets: &str,
    settings: &str,
    token_changed: impl FnMut(Option<String>) + 'static,
) -> Result<SignIn, JsValue> {
    let base = if assets.is_empty() { "./" } else { assets };
    let module: Module = import(&[base, MODULE].concat()).await?.unchecked_into();
    module.load().await?;
    let token_changed = Closure::<dyn FnMut(Option<String>)>::new(token_changed).into_js_value();
    let settings = Array::of2(&settings.into(), &token_changed);
    Reflect::construct(&module.constructor(), &settings).map(JsCast::unchecked_into)
}

/// The name of the words for what the module threw, and what the browser or the issuer said.
pub(crate) fn reason(error: &JsValue) -> (String, String) {
    let parts = error.dyn_ref::<Array>().cloned().unwrap_or_default();
    let part = |index| parts.get(index).as_string();
    // Anything else is the browser's own: the module is not there.
    let browsers = || Reflect::get(error, &"message".into()).ok()?.as_string();
    match part(0) {
        Some(name) => (name, part(1).unwrap_or_default()),
        None => ("signInUnreachable".to_owned(), browsers().unwrap_or_default()),
    }
}
