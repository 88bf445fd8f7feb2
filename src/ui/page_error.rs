//! What is shown where the page cannot work at all.

use crate::{
    text::Explanation,
    ui::html::{Html, html},
};

/// What happened, and what to do.
pub(crate) fn page_error(explanation: &Explanation) -> Html {
    html("div", "page-error").set("role", "alert").with([
        html("h2", "").text(&explanation.what),
        html("p", "").text(&explanation.advice),
    ])
}
