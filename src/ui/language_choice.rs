//! Choosing the language by hand.

use wasm_bindgen::JsCast;
use web_sys::HtmlSelectElement;

use crate::{
    language::{self, LANGUAGES, word},
    ui::html::{Html, html},
};

/// A list of the languages; the one that is chosen is given to `choose`.
pub(crate) fn language_choice(choose: impl Fn(&'static str) + 'static) -> Html {
    let options = LANGUAGES.map(|(code, name)| {
        let option = html("option", "").set("value", code).set("lang", code).text(name);
        if code == language::code() {
            option.set("selected", "")
        } else {
            option
        }
    });
    html("select", "language")
        .set("aria-label", &word("chooseLanguage"))
        .with(options)
        .on("change", move |event| {
            let select = event
                .target()
                .and_then(|target| target.dyn_into::<HtmlSelectElement>().ok());
            if let Some(code) = select.and_then(|select| language::spoken(&select.value())) {
                choose(code);
            }
        })
}
