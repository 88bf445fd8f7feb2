//! What a screen reader says without being asked: that something needs the user, and how it ended. Never each
//! percent.

use leptos::prelude::*;
use messages::{Row, RowState, Totals};

use crate::{
    i18n::{Text, t},
    page::use_page,
    text,
    uploads::Shown,
};

/// An element that is read aloud when its text changes.
#[component]
pub(crate) fn Announcer() -> impl IntoView {
    let uploads = use_page().uploads;
    let said = StoredValue::new(String::new());
    let announcement = move || {
        let news = match uploads.shown.with(waits_for_file) {
            true => Some(t(Text::Unreadable)),
            false => news(&uploads.totals.get()),
        };
        if let Some(news) = news {
            said.set_value(news);
        }
        said.get_value()
    };
    view! {
        <p class="visually-hidden" role="status">
            {announcement}
        </p>
    }
}

/// Whether a row on the screen waits for its file, which the user may have to bring back. A page without a sign-in
/// says so itself.
fn waits_for_file(shown: &Shown) -> bool {
    let is_unreadable = |row: &Row| matches!(row.state, RowState::Unreadable);
    shown.rows.iter().any(|shown| shown.row.with(is_unreadable))
}

fn news(totals: &Totals) -> Option<String> {
    if totals.files == 0 {
        Some(String::new())
    } else if totals.unfinished() + totals.interrupted + totals.elsewhere == 0 {
        Some(text::all_ended(totals))
    } else {
        (totals.failed + totals.interrupted > 0).then(|| text::summary(totals))
    }
}
