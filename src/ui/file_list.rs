//! The list of files. Only the rows on the screen exist, so that 100,000 files cost no more than ten.

use std::ops::Range;

use engine::FileId;
use leptos::{html::Div, prelude::*};

use crate::{
    effects::listener::Listener,
    ui::{SharedDriver, file_row::FileRow},
};

/// The height of a row in CSS pixels at the default text size; the style sheet has it as
/// `--row-height`, and what it is in fact is measured.
const ROW_HEIGHT: f64 = 88.0;

/// Rows kept above and below what is visible, so that scrolling shows no gap.
const MARGIN_ROWS: usize = 6;

#[component]
pub(crate) fn FileList(driver: SharedDriver) -> impl IntoView {
    let list = driver.with_value(crate::driver::Driver::list);
    let viewport = NodeRef::<Div>::new();
    let scrolled = RwSignal::new((0.0, 800.0));
    let row_height = RwSignal::new(ROW_HEIGHT);
    let measure = move || {
        if let Some(viewport) = viewport.get_untracked() {
            let measured = (
                f64::from(viewport.scroll_top()),
                f64::from(viewport.client_height()),
            );
            if scrolled.get_untracked() != measured {
                scrolled.set(measured);
            }
            let row = viewport.query_selector(".file-row").ok().flatten();
            if let Some(height) = row.map(|row| row.get_bounding_client_rect().height())
                && height > 0.0
                && (height - row_height.get_untracked()).abs() > 0.5
            {
                row_height.set(height);
            }
        }
    };
    let listener = StoredValue::new_local(Some(Listener::new(&window(), "resize", move |_| measure())));
    on_cleanup(move || listener.update_value(|listener| drop(listener.take())));
    let count = {
        let list = list.clone();
        Memo::new(move |_| list.with(Vec::len))
    };
    Effect::new(move || {
        count.track();
        request_animation_frame(measure);
    });
    let visible = Memo::new(move |_| visible_rows(scrolled.get(), row_height.get(), count.get()));
    let pixels = move |rows: usize| format!("{}px", rows as f64 * row_height.get());
    let rows = move || {
        let range = visible.get();
        list.with(|list| list.get(range).map(<[FileId]>::to_vec).unwrap_or_default())
    };
    view! {
        <div class="file-list" node_ref=viewport on:scroll=move |_| measure() hidden=move || count.get() == 0>
            <ul
                aria-label="Files"
                style:padding-top=move || pixels(visible.get().start)
                style:padding-bottom=move || pixels(count.get() - visible.get().end)
            >
                <For each=rows key=|id| *id let:id>
                    <FileRow driver id />
                </For>
            </ul>
        </div>
    }
}

/// The rows to mount for a viewport scrolled so far and so high.
fn visible_rows((top, height): (f64, f64), row_height: f64, count: usize) -> Range<usize> {
    let first = (top / row_height) as usize;
    let on_screen = (height / row_height).ceil() as usize + 1;
    let start = first.saturating_sub(MARGIN_ROWS).min(count);
    let end = (first + on_screen + MARGIN_ROWS).min(count);
    start..end
}
