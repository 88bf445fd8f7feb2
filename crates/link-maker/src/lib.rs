//! The dialog that makes an upload link. It is a module of its own, so that nobody carries it, and what draws its QR code,
//! who makes no links.

use js_sys::{Error, Promise};
use slipway::open_link_maker;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::future_to_promise;

#[wasm_bindgen]
extern "C" {
    /// What the crate `sign-in` exports.
    pub type SignIn;

    #[wasm_bindgen(method, js_name = accessToken)]
    fn access_token(this: &SignIn) -> Option<String>;
}

/// Opens the dialog, which makes links for the user who is signed in. The promise resolves when it is there, and is
/// rejected if the page's settings cannot be read.
#[wasm_bindgen(js_name = makeLink)]
pub fn make_link(sign_in: SignIn) -> Promise {
    future_to_promise(async move {
        let opened = open_link_maker(move || sign_in.access_token()).await;
        opened.map_err(|_| Error::new("config.json"))?;
        Ok(JsValue::UNDEFINED)
    })
}
