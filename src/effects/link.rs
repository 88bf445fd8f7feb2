//! The upload link that the page was opened with.

use js_sys::Reflect;
use leptos::prelude::window;

/// The link's token, which `static/early.js` took out of the address. It is kept in the state of the tab's entry of the
/// history, which a reload leaves as it is, and no other page or tab can read.
pub(crate) fn kept() -> Option<String> {
    Reflect::get(&window(), &"slipwayLink".into()).ok()?.as_string()
}
