//! What is shown where the page cannot work at all.

use leptos::prelude::*;

use crate::text::Explanation;

#[component]
pub(crate) fn PageError(explanation: Explanation) -> impl IntoView {
    view! {
        <div class="page-error" role="alert">
            <h2>{explanation.what}</h2>
            <p>{explanation.advice}</p>
        </div>
    }
}
