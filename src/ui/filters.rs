//! Which files the list shows.

use leptos::prelude::{Get, RwSignal, Set};
use messages::{Filter, Totals};

use crate::{
    language::{Number, number, word},
    ui::{
        Context,
        html::{Html, html},
    },
};

/// The filters, each with the name of its words.
const FILTERS: [(Filter, &str); 4] = [
    (Filter::All, "showAll"),
    (Filter::Unfinished, "showUnfinished"),
    (Filter::Stored, "showStored"),
    (Filter::NeedsAttention, "showNeedsAttention"),
];

/// A button for each filter, with how many files it shows.
pub(crate) fn filters(context: &Context, chosen: RwSignal<Filter>) -> Html {
    html("div", "filters")
        .set("role", "group")
        .set("aria-label", &word("show"))
        .with(FILTERS.map(|(filter, key)| button(context, chosen, filter, key)))
}

fn button(context: &Context, chosen: RwSignal<Filter>, filter: Filter, key: &str) -> Html {
    let totals = context.uploads.totals();
    let count = move || number(Number::Plain, files(filter, &totals.get()) as f64);
    html("button", "filter")
        .set("type", "button")
        .follow("aria-pressed", move || (chosen.get() == filter).to_string())
        .on("click", move |_| chosen.set(filter))
        .text(&word(key))
        .text(" ")
        .with([html("span", "filter-count").follow_text(count)])
}

const fn files(filter: Filter, totals: &Totals) -> usize {
    match filter {
        Filter::All => totals.files,
        Filter::Unfinished => totals.unfinished() + totals.paused,
        Filter::Stored => totals.stored,
        Filter::NeedsAttention => totals.failed + totals.interrupted,
    }
}
