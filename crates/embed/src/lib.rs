//! The uploader as a custom element: what `<slipway-upload>` of `slipway-upload.js` stands on. It is a
//! module of its own, so that the page itself does not carry it.

use js_sys::{Object, Promise, Reflect};
use leptos::{callback::UnsyncCallback, mount::mount_to, prelude::*};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::future_to_promise;
use web_sys::{CustomEvent, CustomEventInit, EventTarget, HtmlElement};

use slipway::{App, Callbacks, Ended, Options, Outcome, Totals, config::Config, load_texts, text};

/// An uploader in somebody else's page.
#[wasm_bindgen]
pub struct Embedded {
    unmount: Option<Box<dyn FnOnce()>>,
}

#[wasm_bindgen]
impl Embedded {
    /// Takes the uploader out of the page. What is in flight is dropped, and can be resumed when the same file is
    /// chosen again.
    pub fn end(&mut self) {
        if let Some(unmount) = self.unmount.take() {
            unmount();
        }
    }
}

/// Puts an uploader into an element. `settings` is JSON as in `config.json`, and `assets` the URL of the
/// page's own files, with a slash at its end. The promise resolves to [`Embedded`]. These events are dispatched at
/// `host`, each with a `detail`:
///
/// - `uploaded`: `{name, size, key}` of a file that is stored in S3;
/// - `failed`: `{name, size, code, message, details}` of a file that was given up;
/// - `progress`: `{files, uploaded, failed, size, sent}` of all files, in bytes, about twice per second.
#[wasm_bindgen]
pub fn embed(place: HtmlElement, host: EventTarget, settings: String, assets: String) -> Promise {
    future_to_promise(async move { Ok(mount(place, host, &settings, assets).await.into()) })
}

async fn mount(place: HtmlElement, host: EventTarget, settings: &str, assets: String) -> Embedded {
    load_texts(&assets).await;
    let loaded = Config::parse(settings);
    let options = Options {
        assets,
        ..Options::default()
    };
    let handle = mount_to(place.clone(), move || {
        let callbacks = dispatching_at(host);
        view! { <App place loaded options callbacks/> }
    });
    Embedded {
        unmount: Some(Box::new(move || drop(handle))),
    }
}

/// Callbacks that dispatch events.
fn dispatching_at(host: EventTarget) -> Callbacks {
    let progress_host = host.clone();
    Callbacks {
        on_file_finished: Some(UnsyncCallback::new(move |file: Ended| {
            let (name, detail) = ended(&file);
            dispatch(&host, name, &detail);
        })),
        on_progress: Some(UnsyncCallback::new(move |totals: Totals| {
            dispatch(&progress_host, "progress", &progress(&totals));
        })),
        ..Callbacks::default()
    }
}

fn ended(file: &Ended) -> (&'static str, Object) {
    let detail = object(&[
        ("name", file.name.as_str().into()),
        ("size", (file.size as f64).into()),
    ]);
    match &file.outcome {
        Outcome::Stored { key } => {
            set(&detail, "key", &key.as_str().into());
            ("uploaded", detail)
        }
        Outcome::Failed { error } => {
            let explanation = text::explain(error);
            set(&detail, "code", &text::error_name(error.kind).into());
            set(
                &detail,
                "message",
                &[explanation.what, explanation.advice].join(" ").into(),
            );
            set(&detail, "details", &error.details.as_str().into());
            ("failed", detail)
        }
    }
}

fn progress(totals: &Totals) -> Object {
    object(&[
        ("files", (totals.files as f64).into()),
        ("uploaded", (totals.stored as f64).into()),
        ("failed", (totals.failed as f64).into()),
        ("size", (totals.bytes as f64).into()),
        ("sent", (totals.sent as f64).into()),
    ])
}

fn object(properties: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in properties {
        set(&object, name, value);
    }
    object
}

fn set(object: &Object, name: &str, value: &JsValue) {
    // A new object takes any property.
    let _ = Reflect::set(object, &name.into(), value);
}

fn dispatch(host: &EventTarget, name: &str, detail: &Object) {
    let init = CustomEventInit::new();
    init.set_detail(detail);
    init.set_bubbles(true);
    if let Ok(event) = CustomEvent::new_with_event_init_dict(name, &init) {
        let _ = host.dispatch_event(&event);
    }
}
