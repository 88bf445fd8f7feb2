//! A screen that stays on (W3C Screen Wake Lock).

use std::{cell::RefCell, rc::Rc};

use js_sys::{Function, Promise, Reflect};
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Keeps the screen on until it is dropped, where the browser can.
pub(crate) struct WakeLock {
    state: Rc<RefCell<State>>,
}

enum State {
    Asked,
    Had(JsValue),
    Dropped,
}

impl WakeLock {
    pub(crate) fn request() -> Self {
        let state = Rc::new(RefCell::new(State::Asked));
        let asked = Rc::clone(&state);
        spawn_local(async move {
            // A browser refuses while the tab is hidden or the battery is low, which is no error here.
            let Ok(requested) = request() else { return };
            if let Ok(sentinel) = JsFuture::from(requested).await {
                let had = asked.replace(State::Had(sentinel.clone()));
                if matches!(had, State::Dropped) {
                    release(&sentinel);
                }
            }
        });
        Self { state }
    }
}

impl Drop for WakeLock {
    fn drop(&mut self) {
        if let State::Had(sentinel) = self.state.replace(State::Dropped) {
            release(&sentinel);
        }
    }
}

fn request() -> Result<Promise, JsValue> {
    let navigator = leptos::prelude::window().navigator();
    let manager = Reflect::get(&navigator, &"wakeLock".into())?;
    let request: Function = Reflect::get(&manager, &"request".into())?.dyn_into()?;
    request.call1(&manager, &"screen".into())?.dyn_into()
}

fn release(sentinel: &JsValue) {
    let release = Reflect::get(sentinel, &"release".into()).ok();
    if let Some(release) = release.and_then(|release| release.dyn_into::<Function>().ok()) {
        let _ = release.call0(sentinel);
    }
}
