//! Which files the list shows.

use leptos::prelude::*;
use messages::{Filter, Totals};

use crate::{
    i18n::{Number, Text, number, t},
    page::use_page,
};

const FILTERS: [(Filter, Text); 4] = [
    (Filter::All, Text::ShowAll),
    (Filter::Unfinished, Text::ShowUnfinished),
    (Filter::Stored, Text::ShowStored),
    (Filter::NeedsAttention, Text::ShowNeedsAttention),
];

/// A button for each filter, with how many files it shows.
#[component]
pub(crate) fn Filters(chosen: RwSignal<Filter>) -> impl IntoView {
    let buttons = FILTERS.map(|(filter, text)| view! { <FilterButton chosen filter text/> });
    view! {
        <div class="filters" role="group" aria-label=t(Text::Show)>
            {buttons.collect_view()}
        </div>
    }
}

#[component]
fn FilterButton(chosen: RwSignal<Filter>, filter: Filter, text: Text) -> impl IntoView {
    let totals = use_page().uploads.totals;
    let pressed = move || if chosen.get() == filter { "true" } else { "false" };
    let count = move || number(Number::Plain, files(filter, &totals.get()) as f64);
    view! {
        <button
            class="filter"
            type="button"
            aria-pressed=pressed
            on:click=move |_| chosen.set(filter)
        >
            {t(text)}
            " "
            <span class="filter-count">{count}</span>
        </button>
    }
}

const fn files(filter: Filter, totals: &Totals) -> usize {
    match filter {
        Filter::All => totals.files,
        Filter::Unfinished => totals.unfinished() + totals.paused,
        Filter::Stored => totals.stored,
        Filter::NeedsAttention => totals.failed + totals.interrupted,
    }
}
