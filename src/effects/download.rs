//! Files that the page gives to the user.

use leptos::prelude::document;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Has the browser save what is at an address, as a file of this name (WHATWG HTML, "Downloading resources").
pub(crate) fn start(url: &str, name: &str) {
    if let Ok(link) = document().create_element("a") {
        // An element of its own takes any attribute.
        let _ = link.set_attribute("href", url);
        let _ = link.set_attribute("download", name);
        link.unchecked_into::<HtmlElement>().click();
    }
}
