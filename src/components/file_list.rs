//! The list of files and batches. Only the rows on the screen exist, so that 100,000 files cost no more than ten.

use leptos::{html, prelude::*};
use messages::{Filter, Selection};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::{
    components::{file_row::FileRow, filters::Filters, scroll::Scroll},
    effects::listen::listen,
    i18n::{Text, t},
    page::use_page,
    uploads::{Shown, ShownRow},
};

/// The filters, and the rows of the files that pass them.
#[component]
pub(crate) fn FileList() -> impl IntoView {
    let uploads = use_page().uploads;
    let (shown, totals) = (uploads.shown, uploads.totals);
    let filter = RwSignal::new(Filter::All);
    let scroll = RwSignal::new(Scroll::default());
    // The row that the user acted on last.
    let acted_on = RwSignal::new(None::<Selection>);
    let list = NodeRef::<html::Div>::new();
    let measure = move || {
        let Some(list) = list.try_get_untracked().flatten() else {
            return;
        };
        let before = scroll.get_untracked();
        let now = before.measured(&list);
        if now != before {
            scroll.set(now);
        }
    };
    listen(&window(), &["resize"], move |_| measure());
    Effect::new(move || {
        let total = shown.with(|shown| shown.total);
        uploads.set_viewport(scroll.get().viewport(filter.get(), total));
    });
    Effect::new(move |before: Option<Vec<Selection>>| {
        let now: Vec<Selection> = shown.with(|shown| shown.rows.iter().map(|row| row.of).collect());
        let gone = acted_on.get_untracked().filter(|of| !now.contains(of));
        let place = before.and_then(|before| before.iter().position(|of| Some(*of) == gone));
        // The rows are drawn by then, and their height can be measured.
        request_animation_frame(move || {
            measure();
            if let (Some(place), Some(list)) = (place, list.try_get_untracked().flatten()) {
                acted_on.set(None);
                keep_focus(&list, place, shown.with_untracked(|shown| shown.filter));
            }
        });
        now
    });
    let room_before = move || shown.with(|shown| scroll.get().room(shown.first, shown.total));
    let room_after = move || shown.with(|shown| scroll.get().room(rows_after(shown), shown.total));
    let row = move |ShownRow { of, row, .. }| view! { <FileRow of row acted_on/> };
    view! {
        <div class="files" hidden=move || totals.get().files == 0>
            <Filters chosen=filter/>
            <div
                class="file-list"
                part="list"
                tabindex="0"
                role="group"
                aria-label=t(Text::Files)
                on:scroll=move |_| measure()
                node_ref=list
            >
                <ul style:padding-top=room_before style:padding-bottom=room_after>
                    <For each=move || shown.get().rows key=|row| (row.of, row.looks) children=row/>
                </ul>
                <p class="none-shown" hidden=move || shown.with(|shown| shown.total > 0)>
                    {t(Text::NoneShown)}
                </p>
            </div>
        </div>
    }
}

fn rows_after(shown: &Shown) -> usize {
    shown.total.saturating_sub(shown.first + shown.rows.len())
}

/// Moves the focus on after the row that the user acted on has left its place in the list: to the row that took
/// its place, else to the list. An empty list is hidden: then to where files come from.
fn keep_focus(list: &HtmlElement, place: usize, filter: Filter) {
    let rows = list.query_selector_all(".file-row").ok();
    let row = rows.and_then(|rows| rows.get((place as u32).min(rows.length().saturating_sub(1))));
    let next = match row {
        None if filter == Filter::All => {
            let uploader = list.closest("[lang]").ok().flatten();
            let picker = uploader.and_then(|uploader| uploader.query_selector("input").ok().flatten());
            picker.map(JsCast::unchecked_into)
        }
        row => row,
    };
    let target = next.and_then(|next| next.dyn_into::<HtmlElement>().ok());
    let _ = target.as_ref().unwrap_or(list).focus();
}
