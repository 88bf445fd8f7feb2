//! Modules that are loaded only where they are needed.

use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

#[wasm_bindgen]
extern "C" {
    /// ECMA-262, section 13.3.10, "Import Calls".
    #[wasm_bindgen(catch, js_name = import)]
    async fn import_url(url: &str) -> Result<JsValue, JsValue>;
}

/// Loads a script of the folder `assets` as a module.
///
/// # Errors
/// As the browser throws them, if it cannot be loaded.
pub(crate) async fn import(assets: &str, script: &str) -> Result<JsValue, JsValue> {
    // A bare name would be looked for in the document's import map.
    let folder = if assets.is_empty() { "./" } else { assets };
    import_url(&[folder, script].concat()).await
}
