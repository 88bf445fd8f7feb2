//! What is shown if the page cannot work at all, or something of it did not.

use leptos::prelude::*;

use crate::text::Explanation;

/// What happened, and what to do.
#[component]
pub(crate) fn PageError(explanation: Explanation) -> impl IntoView {
    view! {
        <div class="page-error" role="alert">
            <h2>{explanation.what}</h2>
            <p>{explanation.advice}</p>
        </div>
    }
}
