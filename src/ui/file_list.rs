//! The list of files. Only the rows on the screen exist, so that 100,000 files cost no more than ten.

use std::ops::Range;

use engine::FileId;
use leptos::{html::Div, prelude::*};

use crate::{
    effects::listener::Listener,
    text,
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
        // A frame may come after the list has left the page.
        if let Some(viewport) = viewport.try_get_untracked().flatten() {
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
    let pixels = move |rows: usize| format!("{}px", (rows as f64 * row_height.get()) as u64);
    let rows = move || {
        let range = visible.get();
        list.with(|list| list.get(range).map(<[FileId]>::to_vec).unwrap_or_default())
    };
    view! {
        <div class="file-list" node_ref=viewport on:scroll=move |_| measure() hidden=move || count.get() == 0>
            <ul
                aria-label=text::FILES
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

#[cfg(test)]
mod tests {
    use js_sys::Array;
    use leptos::mount::mount_to;
    use wasm_bindgen::JsCast;
    use wasm_bindgen_test::wasm_bindgen_test;
    use web_sys::{File, HtmlElement};

    use super::*;
    use crate::{config::Config, driver::Driver};

    #[wasm_bindgen_test]
    fn the_rows_around_the_viewport_are_mounted_and_no_others() {
        for (scrolled, count, expected) in [
            ((0.0, 800.0), 0, 0..0),
            ((0.0, 800.0), 3, 0..3),
            ((0.0, 800.0), 100_000, 0..15),
            ((8000.0, 800.0), 100_000, 74..95),
            ((9_999_200.0, 800.0), 100_000, 99_986..100_000),
            ((1e9, 800.0), 5, 5..5),
        ] {
            assert_eq!(
                visible_rows(scrolled, 100.0, count),
                expected,
                "{scrolled:?} {count}"
            );
        }
    }

    #[wasm_bindgen_test]
    async fn ten_thousand_files_mount_a_screenful_of_rows() {
        let config = Config::parse(r#"{"apiUrl": "http://127.0.0.1:1"}"#).expect("a config");
        let driver = Driver::new(&config, 1);
        let root: HtmlElement = document()
            .create_element("div")
            .expect("an element")
            .unchecked_into();
        document()
            .body()
            .expect("a body")
            .append_child(&root)
            .expect("room");
        let shared = driver.clone();
        let mounted = mount_to(root.clone(), move || {
            view! { <FileList driver=StoredValue::new_local(shared) /> }
        });
        let file = File::new_with_str_sequence(&Array::of1(&"abc".into()), "n").expect("a file");
        driver.add(vec![file; 10_000]);
        leptos::task::tick().await;
        let rows = root
            .query_selector_all("[data-file-id]")
            .expect("a selector")
            .length();
        assert!((1..60).contains(&rows), "{rows} rows");
        drop(mounted);
        root.remove();
    }
}
