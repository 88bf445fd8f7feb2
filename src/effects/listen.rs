//! Listening to events outside of a component's own elements.

use browser::Listener;
use leptos::prelude::StoredValue;
use web_sys::{Event, EventTarget};

/// Calls `handler` for each event with one of these names, until the owner is cleaned up.
pub(crate) fn listen(
    target: &EventTarget,
    names: &[&'static str],
    handler: impl FnMut(Event) + Clone + 'static,
) {
    let listeners = names
        .iter()
        .map(|name| Listener::new(target, name, handler.clone()));
    StoredValue::new_local(listeners.collect::<Vec<_>>());
}
