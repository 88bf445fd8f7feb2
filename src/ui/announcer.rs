//! What a screen reader is told without being asked: that files were added, and how it ended. Never
//! each percent.

use std::cell::RefCell;

use leptos::prelude::Get;
use messages::Totals;

use crate::{
    text,
    ui::{
        Context,
        html::{Html, html},
    },
};

/// An element that is read aloud when its text changes.
pub(crate) fn announcer(context: &Context) -> Html {
    let totals = context.uploads.totals();
    let said = RefCell::new(String::new());
    html("p", "visually-hidden")
        .set("role", "status")
        .follow_text(move || {
            if let Some(news) = news(&totals.get()) {
                said.replace(news);
            }
            said.borrow().clone()
        })
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
