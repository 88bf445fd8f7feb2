//! The uploader as a custom element: what `<slipway-upload>` of `slipway-upload.js` stands on. It is a
//! module of its own, so that the page itself does not carry it.

use std::rc::Rc;

use js_sys::{Object, Promise, Reflect};
use leptos::mount::mount_to;
use messages::{Ended, Outcome, Totals};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::future_to_promise;
use web_sys::{CustomEvent, CustomEventInit, EventTarget, HtmlElement};

use slipway::{Options, Uploads, app, config::Config, load_words, text};

/// An uploader in somebody else's page.
#[wasm_bindgen]
pub struct Embedded {
    unmount: Option<Box<dyn FnOnce()>>,
}

#[wasm_bindgen]
impl Embedded {
    /// Takes the uploader out of the page. What is under way is dropped, and goes on when the same file
    /// is chosen again.
    pub fn end(&mut self) {
        if let Some(unmount) = self.unmount.take() {
            unmount();
        }
    }
}

/// Puts an uploader into an element. `settings` is JSON as in `config.json`, and `assets` the URL of the
/// page's own files, with a slash at its end. The promise gives [`Embedded`]. `host` hears these events,
/// each with a `detail`:
///
/// - `uploaded`: `{name, size, key}` of a file that S3 has;
/// - `failed`: `{name, size, code, message, details}` of a file that was given up;
/// - `progress`: `{files, uploaded, failed, size, sent}` of all files, in bytes, about twice a second.
#[wasm_bindgen]
pub fn embed(place: HtmlElement, host: EventTarget, settings: String, assets: String) -> Promise {
    future_to_promise(async move { Ok(begin(place, host, &settings, assets).await.into()) })
}

async fn begin(place: HtmlElement, host: EventTarget, settings: &str, assets: String) -> Embedded {
    load_words(&assets).await;
    let loaded = Config::parse(settings);
    let options = Options {
        assets,
        ..Options::default()
    };
    let inside = place.clone();
    let handle = mount_to(place, move || {
        if let Some(uploads) = app(&inside, loaded, options) {
            dispatch_events(&uploads, host);
        }
    });
    Embedded {
        unmount: Some(Box::new(move || drop(handle))),
    }
}

fn dispatch_events(uploads: &Uploads, host: EventTarget) {
    let host = Rc::new(host);
    let progress_host = Rc::clone(&host);
    uploads.on(|heard| {
        heard.ended = Some(Box::new(move |files| {
            for file in files {
                let (name, detail) = ended(file);
                dispatch(&host, name, &detail);
            }
        }));
        heard.progress = Some(Box::new(move |totals| {
            dispatch(&progress_host, "progress", &progress(totals));
        }));
    });
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
