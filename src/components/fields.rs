//! What the user is asked before an upload.

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;

use crate::page::use_page;

/// The place of the form, if the settings have fields.
#[component]
pub(crate) fn Fields() -> impl IntoView {
    let answers = use_page().uploads.answers;
    let place = NodeRef::<html::Div>::new();
    place.on_load(move |place| answers.show(place.unchecked_into()));
    view! { <div hidden=!answers.are_wanted() node_ref=place></div> }
}
