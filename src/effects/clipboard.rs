//! The clipboard (W3C Clipboard API and events).

use leptos::prelude::window;
use wasm_bindgen_futures::JsFuture;

/// Puts a text into the clipboard, and returns whether the browser allowed it. It has to follow a click.
pub(crate) async fn copy(text: &str) -> bool {
    let clipboard = window().navigator().clipboard();
    JsFuture::from(clipboard.write_text(text)).await.is_ok()
}
