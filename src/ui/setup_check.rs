//! The check of the set-up, for whoever runs the page: offered after an error that a set-up causes, and
//! at the addresses `#check` and `?check`.

use std::rc::Rc;

use leptos::prelude::{Get, GetUntracked, Set, window};
use messages::Finding;

use crate::{
    effects::{clipboard, task::spawn},
    language::word,
    ui::{
        Context,
        html::{Html, html, redraw},
    },
    uploads::SetupCheck,
};

/// A button that begins the check, and what it found.
pub(crate) fn setup_check(context: &Context) -> Html {
    let check = context.uploads.setup_check();
    if is_asked_for() && check.get_untracked() == SetupCheck::NotOffered {
        check.set(SetupCheck::Offered);
    }
    let (hidden, said, running) = (check.clone(), check.clone(), check.clone());
    let list = html("ul", "findings");
    redraw(list.clone(), move || match check.get() {
        SetupCheck::Done(findings) => findings.iter().map(describe).collect(),
        _ => Vec::new(),
    });
    let context = Rc::clone(context);
    html("section", "totals setup-check")
        .hide_while(move || hidden.get() == SetupCheck::NotOffered)
        .with([
            html("button", "button")
                .set("type", "button")
                .set("data-action", "checkSetup")
                .on("click", move |_| context.uploads.check_setup())
                .text(&word("checkSetup")),
            html("p", "")
                .set("role", "status")
                // What was found is on the list, for those who see it.
                .follow("class", move || match running.get() {
                    SetupCheck::Running => String::new(),
                    _ => "visually-hidden".to_owned(),
                })
                .follow_text(move || match said.get() {
                    SetupCheck::Running => word("checkingSetup"),
                    SetupCheck::Done(findings) => {
                        let headings = findings.iter().map(|finding| word(finding.kind.name()));
                        headings.collect::<Vec<_>>().join(" ")
                    }
                    _ => String::new(),
                }),
            list,
        ])
}

fn is_asked_for() -> bool {
    let address = window().location().href().unwrap_or_default();
    address.ends_with("#check") || address.ends_with("?check")
}

/// A finding: its facts, and what to paste. They are in the language of the configuration, which is
/// English.
fn describe(finding: &Finding) -> Html {
    let item = html("li", "finding").with([
        html("strong", "").text(&word(finding.kind.name())),
        html("p", "")
            .set("lang", "en")
            .set("dir", "ltr")
            .text(&finding.details),
    ]);
    if finding.paste.is_empty() {
        return item;
    }
    let paste = finding.paste.clone();
    let button = html("button", "button").set("type", "button").text(&word("copy"));
    let label = button.element().clone();
    let button = button.on("click", move |_| {
        let (paste, label) = (paste.clone(), label.clone());
        spawn(async move {
            if clipboard::copy(&paste).await {
                label.set_text_content(Some(&word("copied")));
            }
        });
    });
    let text = html("pre", "")
        .set("tabindex", "0")
        .set("dir", "ltr")
        .text(&finding.paste);
    item.with([text, button])
}
