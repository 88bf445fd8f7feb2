//! All files together: how far they are, and what can be done to all of them.

use std::rc::Rc;

use leptos::prelude::{Get, RwSignal, Set};
use messages::{Action, Selection, Totals};
use web_sys::HtmlProgressElement;

use crate::effects::task::spawn;
use crate::{
    effects::notification,
    format,
    language::word,
    text,
    ui::{
        Context,
        html::{Html, html, watch},
    },
};

/// What can be done to all files, each with the name of its word, but for what cannot be undone.
const ACTIONS: [(Action, &str); 4] = [
    (Action::Pause, "pauseAll"),
    (Action::Resume, "resumeAll"),
    (Action::Retry, "retryFailed"),
    (Action::Remove, "clearFinished"),
];

/// The part of the page about all files together.
pub(crate) fn totals_bar(context: &Context) -> Html {
    let totals = || context.uploads.totals();
    let (summary, progress, shown, bar_totals) = (totals(), totals(), totals(), totals());
    let bar = bar(&word("allFiles"));
    let element = bar.clone();
    watch(move || {
        let percent = percent(&bar_totals.get());
        element.of::<HtmlProgressElement>().set_value(percent as f64);
    });
    html("section", "totals")
        .set("part", "totals")
        .set("aria-label", &word("allFiles"))
        .hide_while(move || shown.get().files == 0)
        .with([
            html("div", "totals-line").with([
                html("p", "totals-summary").follow_text(move || text::summary(&summary.get())),
                html("p", "totals-progress").follow_text(move || text::progress(&progress.get())),
            ]),
            bar,
            html("div", "totals-actions")
                .with(ACTIONS.map(|(action, key)| button(context, action, key)))
                .with([
                    notify_button(context),
                    button(context, Action::Cancel, "cancelAll"),
                ]),
        ])
}

/// A progress bar up to 100 with this name.
pub(crate) fn bar(name: &str) -> Html {
    html("progress", "bar")
        .set("part", "bar")
        .set("max", "100")
        .set("aria-label", name)
}

fn button(context: &Context, action: Action, key: &str) -> Html {
    let totals = context.uploads.totals();
    let context = Rc::clone(context);
    html("button", "button")
        .set("type", "button")
        .set("part", "button")
        .set("data-action", key)
        .hide_while(move || !fits(action, &totals.get()))
        .on("click", move |_| {
            context.uploads.act(action, Selection::All);
        })
        .text(&word(key))
}

/// Asks whether a notification may be shown at the end, as long as the person was never asked.
fn notify_button(context: &Context) -> Html {
    let totals = context.uploads.totals();
    let can_ask = RwSignal::new(notification::can_ask());
    html("button", "button")
        .set("type", "button")
        .set("data-action", "notifyWhenDone")
        .hide_while(move || !can_ask.get() || totals.get().unfinished() == 0)
        .on("click", move |_| {
            spawn(async move {
                notification::ask().await;
                can_ask.try_set(notification::can_ask());
            });
        })
        .text(&word("notifyWhenDone"))
}

const fn fits(action: Action, totals: &Totals) -> bool {
    let count = match action {
        Action::Pause => totals.unfinished(),
        Action::Resume => totals.paused + totals.interrupted,
        Action::Retry => totals.failed,
        Action::Cancel => totals.unfinished() + totals.paused,
        Action::Remove => totals.stored + totals.cancelled,
    };
    count > 0
}

/// How far all files together are, in whole percent. Empty files count as done with the last file, since
/// no byte tells of them.
pub(crate) fn percent(totals: &Totals) -> u64 {
    if totals.bytes == 0 {
        format::percent(totals.stored as u64, totals.files as u64)
    } else {
        format::percent(totals.sent, totals.bytes)
    }
}
