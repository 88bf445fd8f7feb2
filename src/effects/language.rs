//! The language of the document, and the one that was chosen by hand.

use leptos::prelude::{document, window};

/// The name under which the choice is kept.
const CHOSEN: &str = "slipway-language";

/// The language that was chosen by hand, if that was ever done and the browser kept it.
pub(crate) fn chosen() -> Option<String> {
    let storage = window().local_storage().ok().flatten()?;
    storage.get_item(CHOSEN).ok().flatten()
}

/// Keeps the choice, if the browser does.
pub(crate) fn choose(code: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.set_item(CHOSEN, code);
    }
}

/// Tells the browser, and with it screen readers, in which language and direction the page is.
pub(crate) fn declare(code: &str, direction: &str) {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("lang", code);
        let _ = root.set_attribute("dir", direction);
    }
}
