//! The uploader: where files come from, all of them together, and each of them.

use std::rc::Rc;

use browser::Listener;
use leptos::prelude::{Get, window};
use web_sys::Event;

use crate::{
    language::word,
    ui::{
        Context,
        announcer::announcer,
        drop_zone::drop_zone,
        file_list::file_list,
        html::{Html, html, keep},
        setup_check::setup_check,
        totals_bar::totals_bar,
    },
};

/// All parts of the uploader, in the order in which they are read.
pub(crate) fn uploader(context: &Context) -> Vec<Html> {
    ask_before_leaving(context);
    let keeps_nothing = context.uploads.keeps_nothing();
    let notice = html("p", "storage-notice")
        .set("role", "status")
        .follow_text(move || {
            if keeps_nothing.get() {
                word("keepsNothing")
            } else {
                String::new()
            }
        });
    let [zone, rejections] = drop_zone(context);
    vec![
        zone,
        rejections,
        notice,
        totals_bar(context),
        setup_check(context),
        file_list(context),
        announcer(context),
    ]
}

/// Lets the browser ask before a page is left that has something under way.
fn ask_before_leaving(context: &Context) {
    let context = Rc::clone(context);
    keep(vec![Listener::new(
        &window(),
        "beforeunload",
        move |event: Event| {
            if context.uploads.is_busy() {
                event.prevent_default();
            }
        },
    )]);
}
