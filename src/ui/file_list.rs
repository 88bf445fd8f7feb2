//! The list of files. Only the rows on the screen exist, so that 100,000 files cost no more than ten.

use std::{
    cell::{Cell, RefCell},
    ops::Range,
    rc::Rc,
};

use browser::Listener;
use leptos::prelude::{Get, GetUntracked, Owner, RwSignal, Set, request_animation_frame, window};
use messages::{FileId, Filter, Window};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use crate::{
    language::word,
    ui::{
        Context, Shown,
        file_row::FileRow,
        filters::filters,
        html::{Html, html, keep, watch},
    },
};

/// The height of a row in CSS pixels at the default text size; the style sheet has it as
/// `--row-height`, and what it is in fact is measured.
const ROW_HEIGHT: f64 = 88.0;

/// Rows kept above and below what is visible, so that scrolling shows no gap.
const MARGIN_ROWS: usize = 8;

/// The tallest list in CSS pixels: browsers give up on elements of some 17 to 33 million. Of a longer
/// list the scroll bar's positions are spread over all rows.
const TALLEST: f64 = 8_000_000.0;

/// The filters, and the rows of the files that they show.
pub(crate) fn file_list(context: &Context) -> Html {
    let totals = context.uploads.totals();
    let filter = RwSignal::new(Filter::All);
    let rows = html("ul", "");
    let viewport = html("div", "file-list")
        .set("part", "list")
        .set("tabindex", "0")
        .set("role", "group")
        .set("aria-label", &word("files"));
    let list = Rc::new(List {
        context: Rc::clone(context),
        viewport: viewport.clone(),
        rows: rows.clone(),
        view: RwSignal::new(View::default()),
        mounted: RefCell::default(),
        owner: Owner::current().unwrap_or_default(),
        acted: Rc::default(),
    });
    let shown = context.uploads.shown();
    let (drawn, asked) = (Rc::clone(&list), Rc::clone(&list));
    let total = shown.clone();
    watch(move || drawn.draw(&shown.get()));
    watch(move || asked.ask(filter.get(), total.get().total));
    let none_shown = context.uploads.shown();
    let none = html("p", "none-shown")
        .hide_while(move || none_shown.get().total > 0)
        .text(&word("noneShown"));
    let (scrolled, resized) = (Rc::clone(&list), list);
    keep(vec![Listener::new(&window(), "resize", move |_| {
        resized.measure()
    })]);
    html("div", "files")
        .hide_while(move || totals.get().files == 0)
        .with([
            filters(context, filter),
            viewport
                .on("scroll", move |_| scrolled.measure())
                .with([rows, none]),
        ])
}

/// The rows on the screen, and what of the list is visible.
struct List {
    context: Context,
    viewport: Html,
    rows: Html,
    view: RwSignal<View>,
    mounted: RefCell<Vec<Mounted>>,
    /// The list's own owner.
    owner: Owner,
    /// The row that a person acted on last.
    acted: Rc<Cell<Option<FileId>>>,
}

struct Mounted {
    id: FileId,
    row: FileRow,
    owner: Owner,
}

impl List {
    /// Says to the worker which rows are to be shown.
    fn ask(&self, filter: Filter, total: usize) {
        let rows = self.view.get().rows(total);
        let window = Window {
            filter,
            first: rows.start as u32,
            // More than there are, so that the first files of an empty list are shown at once.
            count: (rows.end - rows.start).max(MARGIN_ROWS * 2) as u32,
        };
        self.context.uploads.show(window);
    }

    fn measure(&self) {
        let before = self.view.get_untracked();
        let now = View::of(self.viewport.element(), before);
        if now != before {
            self.view.set(now);
            self.pad(&self.context.uploads.shown().get_untracked());
        }
    }

    /// Mounts the rows that came and takes away those that went; the others stay as they are.
    fn draw(self: &Rc<Self>, shown: &Shown) {
        let before: Vec<FileId> = self.mounted.borrow().iter().map(|row| row.id).collect();
        self.mounted.borrow_mut().retain(|mounted| {
            let stays = shown.ids.contains(&mounted.id);
            if !stays {
                mounted.owner.cleanup();
                mounted.row.element().remove();
            }
            stays
        });
        let parent = self.rows.element();
        for (index, id) in shown.ids.iter().enumerate() {
            let Some(element) = self.row(*id, shown, index) else {
                continue;
            };
            let there = parent.children().item(index as u32);
            if there.as_ref() != Some(&element) {
                let _ = parent.insert_before(&element, there.as_deref());
            }
        }
        self.pad(shown);
        self.keep_focus(&before, shown);
        self.measure_soon();
    }

    /// The row of a file, made where there is none.
    fn row(self: &Rc<Self>, id: FileId, shown: &Shown, index: usize) -> Option<Element> {
        let mut mounted = self.mounted.borrow_mut();
        let at = match mounted.iter().position(|row| row.id == id) {
            Some(at) => at,
            None => {
                // Not of the effect that draws, which ends with each new drawing.
                let owner = self.owner.child();
                let row = owner.with(|| FileRow::new(&self.context, id, &self.acted))?;
                mounted.push(Mounted { id, row, owner });
                mounted.len() - 1
            }
        };
        let row = &mounted[at].row;
        row.place(shown.first + index + 1, shown.total);
        Some(row.element().clone().into())
    }

    /// Keeps room for the rows that are not on the screen.
    fn pad(&self, shown: &Shown) {
        let view = self.view.get_untracked();
        let style = self.rows.element().style();
        let after = shown.total - (shown.first + shown.ids.len()).min(shown.total);
        for (side, rows) in [("padding-top", shown.first), ("padding-bottom", after)] {
            let pixels = view.pixels(rows, shown.total) as u64;
            let _ = style.set_property(side, &[&pixels.to_string(), "px"].concat());
        }
    }

    /// What a row's height is shows only once it is drawn.
    fn measure_soon(self: &Rc<Self>) {
        let list = Rc::downgrade(self);
        request_animation_frame(move || {
            if let Some(list) = list.upgrade() {
                list.measure();
            }
        });
    }

    /// Moves the focus on where the row that a person acted on has left the list: to the row that took
    /// its place, else to the list, which is hidden once nothing is on it: then to where files come from.
    fn keep_focus(&self, before: &[FileId], shown: &Shown) {
        let gone = self.acted.get().filter(|id| !shown.ids.contains(id));
        let Some(at) = gone.and_then(|gone| before.iter().position(|id| *id == gone)) else {
            return;
        };
        self.acted.set(None);
        let viewport = self.viewport.element();
        let rows = self.rows.element().children();
        let next = match rows.item((at as u32).min(rows.length().saturating_sub(1))) {
            None if shown.filter == Filter::All => {
                let uploader = viewport.closest("[lang]").ok().flatten();
                uploader.and_then(|uploader| uploader.query_selector("input").ok().flatten())
            }
            next => next,
        };
        let target = next.and_then(|next| next.dyn_into::<HtmlElement>().ok());
        let _ = target.as_ref().unwrap_or(viewport).focus();
    }
}

/// What of the list is visible.
#[derive(Clone, Copy, Debug, PartialEq)]
struct View {
    /// How far it is scrolled, and how high it is, in CSS pixels.
    top: f64,
    height: f64,
    row_height: f64,
}

impl Default for View {
    fn default() -> Self {
        Self {
            top: 0.0,
            height: 800.0,
            row_height: ROW_HEIGHT,
        }
    }
}

impl View {
    fn of(viewport: &web_sys::Element, before: Self) -> Self {
        let row = viewport.query_selector(".file-row").ok().flatten();
        let row_height = row
            .map(|row| row.get_bounding_client_rect().height())
            .filter(|height| *height > 0.0 && (height - before.row_height).abs() > 0.5)
            .unwrap_or(before.row_height);
        Self {
            top: viewport.scroll_top().into(),
            height: viewport.client_height().into(),
            row_height,
        }
    }

    /// How many CSS pixels of the scroll bar a row of so many stands for.
    fn pixels_a_row(&self, total: usize) -> f64 {
        self.row_height.min(TALLEST / total.max(1) as f64)
    }

    fn pixels(&self, rows: usize, total: usize) -> f64 {
        rows as f64 * self.pixels_a_row(total)
    }

    /// The rows to show of so many.
    fn rows(&self, total: usize) -> Range<usize> {
        let first = (self.top / self.pixels_a_row(total)) as usize;
        let on_screen = (self.height / self.row_height).ceil() as usize + 1;
        let start = first.saturating_sub(MARGIN_ROWS).min(total);
        let end = (first + on_screen + MARGIN_ROWS).min(total);
        start..end
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn the_rows_around_the_viewport_are_shown_and_no_others() {
        for (top, total, expected) in [
            (0.0, 0, 0..0),
            (0.0, 3, 0..3),
            (0.0, 50_000, 0..17),
            (8000.0, 50_000, 72..97),
            (4_999_200.0, 50_000, 49_984..50_000),
            (1e9, 5, 5..5),
        ] {
            let view = View {
                top,
                height: 800.0,
                row_height: 100.0,
            };
            assert_eq!(view.rows(total), expected, "{top} {total}");
        }
    }

    #[wasm_bindgen_test]
    fn a_list_too_tall_for_a_browser_is_reached_to_its_end() {
        let view = View {
            top: TALLEST - 800.0,
            height: 800.0,
            row_height: 100.0,
        };
        let rows = view.rows(10_000_000);
        assert_eq!(rows.end, 10_000_000 - 1000 + 9 + MARGIN_ROWS);
        assert_eq!(view.pixels(10_000_000, 10_000_000), TALLEST);
    }
}
