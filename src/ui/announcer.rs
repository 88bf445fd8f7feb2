//! What a screen reader is told without being asked: that files were added, and how it ended. Never
//! each percent.

use leptos::prelude::*;

use crate::{text, ui::SharedDriver};

#[component]
pub(crate) fn Announcer(driver: SharedDriver) -> impl IntoView {
    let totals = driver.with_value(crate::driver::Driver::totals);
    let said = Memo::new(move |before: Option<&String>| {
        let totals = totals.get();
        if totals.files == 0 {
            String::new()
        } else if totals.unfinished() + totals.interrupted + totals.elsewhere == 0 {
            text::all_ended(&totals)
        } else if totals.failed + totals.interrupted > 0 {
            text::summary(&totals)
        } else {
            before.cloned().unwrap_or_default()
        }
    });
    view! {
        <p class="visually-hidden" role="status" aria-live="polite">
            {said}
        </p>
    }
}
