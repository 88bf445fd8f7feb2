//! Which rows of the list are on the screen, and how much room the others need.

use std::ops::Range;

use messages::{Filter, Viewport};
use web_sys::Element;

/// The height of a row in CSS pixels at the default text size; the style sheet has it as `--row-height`, and the
/// real one is measured.
const ROW_HEIGHT: f64 = 88.0;

/// Rows kept above and below what is visible, so that scrolling shows no gap.
const MARGIN_ROWS: usize = 8;

/// The tallest list in CSS pixels: browsers fail at elements of some 17 to 33 million. The scroll bar's positions
/// are spread over all rows of a longer list.
const TALLEST: f64 = 8_000_000.0;

/// What of the list is visible, in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scroll {
    top: f64,
    height: f64,
    row_height: f64,
}

impl Default for Scroll {
    fn default() -> Self {
        Self {
            top: 0.0,
            height: 800.0,
            row_height: ROW_HEIGHT,
        }
    }
}

impl Scroll {
    /// What of the list in this element is visible now.
    pub(crate) fn measured(self, list: &Element) -> Self {
        let row = list.query_selector(".file-row").ok().flatten();
        let row_height = row
            .map(|row| row.get_bounding_client_rect().height())
            .filter(|height| *height > 0.0 && (height - self.row_height).abs() > 0.5)
            .unwrap_or(self.row_height);
        Self {
            top: list.scroll_top().into(),
            height: list.client_height().into(),
            row_height,
        }
    }

    /// The rows to ask the worker for.
    pub(crate) fn viewport(self, filter: Filter, total: usize) -> Viewport {
        let rows = self.rows(total);
        Viewport {
            filter,
            first: rows.start as u32,
            // More than there are, so that the first files of an empty list are shown at once.
            count: (rows.end - rows.start).max(MARGIN_ROWS * 2) as u32,
        }
    }

    /// The room for some of all rows, as CSS has it.
    pub(crate) fn room(self, rows: usize, total: usize) -> String {
        [&(self.pixels(rows, total) as u64).to_string(), "px"].concat()
    }

    /// How many CSS pixels of the scroll bar stand for one row.
    fn pixels_per_row(self, total: usize) -> f64 {
        self.row_height.min(TALLEST / total.max(1) as f64)
    }

    fn pixels(self, rows: usize, total: usize) -> f64 {
        rows as f64 * self.pixels_per_row(total)
    }

    /// The rows to show.
    fn rows(self, total: usize) -> Range<usize> {
        let first = (self.top / self.pixels_per_row(total)) as usize;
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
            let scroll = Scroll {
                top,
                height: 800.0,
                row_height: 100.0,
            };
            assert_eq!(scroll.rows(total), expected, "{top} {total}");
        }
    }

    #[wasm_bindgen_test]
    fn a_list_too_tall_for_a_browser_is_reached_to_its_end() {
        let scroll = Scroll {
            top: TALLEST - 800.0,
            height: 800.0,
            row_height: 100.0,
        };
        let rows = scroll.rows(10_000_000);
        assert_eq!(rows.end, 10_000_000 - 1000 + 9 + MARGIN_ROWS);
        assert_eq!(scroll.pixels(10_000_000, 10_000_000), TALLEST);
    }
}
