//! The Web Worker that uploads.

use js_sys::{Array, Function, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use web_sys::{Blob, MessagePort, Url};

/// The worker's script, beside the page's other files.
const SCRIPT: &str = "upload-worker.js";

#[wasm_bindgen]
extern "C" {
    /// Its constructor takes a `TrustedScriptURL`, which that of web-sys does not.
    #[wasm_bindgen(js_name = Worker)]
    type ModuleWorker;

    #[wasm_bindgen(constructor, js_class = "Worker", catch)]
    fn new(url: &JsValue, options: &JsValue) -> Result<ModuleWorker, JsValue>;

    #[wasm_bindgen(method, catch, js_name = postMessage)]
    fn post_message(this: &ModuleWorker, message: &JsValue, transfer: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(method, setter, js_name = onerror)]
    fn set_onerror(this: &ModuleWorker, handler: &Function);
}

/// Starts the worker, whose files are in the folder `assets`, and hands it its end of the channel. `failed` is
/// called if it cannot be started.
pub(crate) fn start(assets: &str, port: MessagePort, failed: impl FnOnce() + 'static) {
    let failed: Function = Closure::once_into_js(failed).unchecked_into();
    let started = begin(assets).and_then(|worker| {
        worker.set_onerror(&failed);
        worker.post_message(&port, &Array::of1(&port))
    });
    if started.is_err() {
        let _ = failed.call0(&JsValue::UNDEFINED);
    }
}

fn begin(assets: &str) -> Result<ModuleWorker, JsValue> {
    let window = web_sys::window().ok_or(JsValue::UNDEFINED)?;
    let base = window
        .document()
        .and_then(|document| document.base_uri().ok().flatten());
    let url = Url::new_with_base(&[assets, SCRIPT].concat(), &base.unwrap_or_default())?;
    let url = if url.origin() == window.location().origin()? {
        url.href()
    } else {
        // A worker's script has to be of the page's own site; what it imports need not.
        let script = ["import ", &js_string(&url.href()), ";"].concat();
        let options = web_sys::BlobPropertyBag::new();
        options.set_type("text/javascript");
        let script = Blob::new_with_str_sequence_and_options(&Array::of1(&script.into()), &options)?;
        Url::create_object_url_with_blob(&script)?
    };
    let options = Object::new();
    Reflect::set(&options, &"type".into(), &"module".into())?;
    ModuleWorker::new(&trusted(&url)?, &options)
}

fn js_string(text: &str) -> String {
    js_sys::JSON::stringify(&text.into()).map_or_else(|_| String::new(), Into::into)
}

/// The address as pages that require Trusted Types need it (W3C Trusted Types). The policy makes no
/// other address than the one of the worker, and can be made only once.
fn trusted(url: &str) -> Result<JsValue, JsValue> {
    thread_local! {
        static POLICY: JsValue = policy().unwrap_or(JsValue::UNDEFINED);
    }
    POLICY.with(|policy| {
        if policy.is_undefined() {
            return Ok(url.into());
        }
        let create: Function = Reflect::get(policy, &"createScriptURL".into())?.dyn_into()?;
        create.call1(policy, &url.into())
    })
}

fn policy() -> Result<JsValue, JsValue> {
    let factory = Reflect::get(&js_sys::global(), &"trustedTypes".into())?;
    if factory.is_undefined() {
        return Ok(factory);
    }
    let create: Function = Reflect::get(&factory, &"createPolicy".into())?.dyn_into()?;
    let rules = Object::new();
    let same = Closure::<dyn Fn(JsValue) -> JsValue>::new(|url| url);
    Reflect::set(&rules, &"createScriptURL".into(), same.as_ref())?;
    // The policy lives as long as the page.
    same.forget();
    create.call2(&factory, &"slipway".into(), &rules)
}
