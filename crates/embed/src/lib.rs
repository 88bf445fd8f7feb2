//! The uploader as a custom element: what `<slipway-upload>` of `slipway-upload.js` stands on. It is a
//! module of its own, so that the page itself does not carry it.

use std::{cell::Cell, rc::Rc};

use js_sys::{Object, Promise, Reflect};
use leptos::{callback::UnsyncCallback, mount::mount_to, prelude::*};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::future_to_promise;
use web_sys::{CustomEvent, CustomEventInit, EventTarget, HtmlElement};

use slipway::{
    App, Callbacks, Ended, Options, Outcome, Totals, Uploads, config::Config, load_texts, text, use_uploads,
};

/// An uploader in somebody else's page.
#[wasm_bindgen]
pub struct Embedded {
    unmount: Option<Box<dyn FnOnce()>>,
    /// `None` if it could not start; what it says then stands in its place.
    uploads: Option<Uploads>,
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

    /// Sets the access token to send to the API; `undefined` once there is no token.
    #[wasm_bindgen(js_name = setAccessToken)]
    pub fn set_access_token(&self, token: Option<String>) {
        if let Some(uploads) = self.uploads {
            uploads.set_access_token(token);
        }
    }

    /// Whether ending it would interrupt something.
    #[wasm_bindgen(js_name = isBusy)]
    pub fn is_busy(&self) -> bool {
        self.uploads.is_some_and(Uploads::is_busy)
    }
}

/// Puts an uploader into an element. `settings` is JSON as in `config.json`, and `assets` the URL of the
/// page's own files, with a slash at its end. `host` has the access token, if there is one, as `accessToken`. The
/// promise resolves to [`Embedded`]. These events are dispatched at `host`, each with a `detail`:
///
/// - `uploaded`: `{name, size, key}` of a file that is stored in S3;
/// - `failed`: `{name, size, code, message, details}` of a file that was given up;
/// - `progress`: `{files, uploaded, failed, size, sent}` of all files, in bytes, about twice per second;
/// - `unauthorized`, without a detail: the API wants an access token, or another one.
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
    let uploads = Rc::<Cell<Option<Uploads>>>::default();
    let started = Rc::clone(&uploads);
    let handle = mount_to(place.clone(), move || {
        let token = Reflect::get(&host, &"accessToken".into());
        let callbacks = dispatching_at(host);
        let app = view! { <App place loaded options callbacks/> };
        let uploads = use_uploads();
        // Before the list is shown, so that it is this user's from the start.
        if let (Some(uploads), Some(token)) = (uploads, token.ok().and_then(|token| token.as_string())) {
            uploads.set_access_token(Some(token));
        }
        started.set(uploads);
        app
    });
    Embedded {
        unmount: Some(Box::new(move || drop(handle))),
        uploads: uploads.take(),
    }
}

/// Callbacks that dispatch events.
fn dispatching_at(host: EventTarget) -> Callbacks {
    let (progress_host, unauthorized_host) = (host.clone(), host.clone());
    Callbacks {
        on_file_finished: Some(UnsyncCallback::new(move |file: Ended| {
            let (name, detail) = ended(&file);
            dispatch(&host, name, &detail);
        })),
        on_progress: Some(UnsyncCallback::new(move |totals: Totals| {
            dispatch(&progress_host, "progress", &progress(&totals));
        })),
        on_unauthorized: Some(UnsyncCallback::new(move |()| {
            dispatch(&unauthorized_host, "unauthorized", &JsValue::NULL);
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

fn dispatch(host: &EventTarget, name: &str, detail: &JsValue) {
    let init = CustomEventInit::new();
    init.set_detail(detail);
    init.set_bubbles(true);
    if let Ok(event) = CustomEvent::new_with_event_init_dict(name, &init) {
        let _ = host.dispatch_event(&event);
    }
}
