//! A bar that shows how far something is.

use leptos::prelude::*;

/// A progress bar of `percent` from 0 to 100, with a name for screen readers.
#[component]
pub(crate) fn ProgressBar(label: String, percent: u64, #[prop(optional)] hidden: bool) -> impl IntoView {
    view! {
        <progress
            class="bar"
            part="bar"
            max="100"
            value=percent.to_string()
            aria-label=label
            hidden=hidden
        ></progress>
    }
}
