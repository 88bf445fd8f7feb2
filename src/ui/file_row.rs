//! One file: its name, how far it is, and what can be done about it.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use leptos::prelude::{Get, GetUntracked};
use messages::{Action, FileId, Row, RowError, RowState, Selection};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlProgressElement};

use crate::{
    effects::{clipboard, task::spawn},
    format,
    language::{fill, word},
    text,
    ui::{
        Context,
        file_icon::file_icon,
        html::{Html, html, watch},
        icon::Icon,
        totals_bar::bar,
    },
};

/// Names longer than twice this lose their middle rather than their end, which says the type.
const TAIL: usize = 10;

/// The row of one file. It follows the file until the owner under which it was made is cleaned up.
pub(crate) struct FileRow {
    element: Html,
}

impl FileRow {
    /// The row of a file that the worker shows; nothing for one that has left the screen since.
    pub(crate) fn new(context: &Context, id: FileId, acted: &Rc<Cell<Option<FileId>>>) -> Option<Self> {
        let row = context.uploads.row(id)?;
        let first = row.get_untracked();
        let parts = Parts::new(context, id, &first, acted);
        let element = parts.element(context, &first);
        watch(move || parts.show(&row.get()));
        Some(Self { element })
    }

    pub(crate) fn element(&self) -> &HtmlElement {
        self.element.element()
    }

    /// Says where in the whole list the row is, counted from 1, since only some rows exist.
    pub(crate) fn place(&self, position: usize, total: usize) {
        let _ = self
            .element
            .clone()
            .set("aria-posinset", &position.to_string())
            .set("aria-setsize", &total.to_string());
    }
}

/// What of a row changes with its file.
struct Parts {
    id: FileId,
    row: Html,
    bar: Html,
    error: Html,
    message: Html,
    help: Html,
    help_url: String,
    line: Html,
    details: Html,
    buttons: Vec<(Offer, Html)>,
    badge: Html,
    acted: Rc<Cell<Option<FileId>>>,
    /// What was shown last.
    shown: RefCell<Option<Row>>,
    key: Rc<RefCell<String>>,
}

impl Parts {
    fn new(context: &Context, id: FileId, first: &Row, acted: &Rc<Cell<Option<FileId>>>) -> Self {
        let key = Rc::new(RefCell::new(String::new()));
        let line = html("span", "file-state");
        let buttons = OFFERS.map(|offer| {
            let press = Press {
                context: Rc::clone(context),
                id,
                acted: Rc::clone(acted),
                key: Rc::clone(&key),
                line: line.clone(),
            };
            (offer, button(offer, &first.name, press))
        });
        Self {
            id,
            row: html("li", "file-row"),
            bar: bar(&fill("progressOf", &[("name", &first.name)])),
            error: html("p", "file-error"),
            message: html("span", ""),
            help: html("a", "")
                .set("target", "_blank")
                .set("rel", "noopener")
                .text(&word("help")),
            help_url: context.help(),
            line,
            details: html("span", "file-error-details"),
            buttons: buttons.into(),
            badge: html("span", "file-badge"),
            acted: Rc::clone(acted),
            shown: RefCell::new(None),
            key,
        }
    }

    /// Puts the parts together, with what of a row never changes.
    fn element(&self, context: &Context, first: &Row) -> Html {
        let (head, tail) = split(&first.name);
        let name = html("span", "file-name")
            .set("title", &first.name)
            .set("dir", "auto")
            .with([
                html("span", "file-name-head").text(head),
                html("span", "file-name-tail").text(tail),
            ]);
        let body = html("div", "file-body").with([
            html("p", "file-title").with([name, html("span", "file-size").text(&format::size(first.size))]),
            self.bar.clone(),
            self.error
                .clone()
                .with([self.message.clone()])
                .text(" ")
                .with([self.help.clone()]),
            html("p", "file-status").with([self.line.clone(), self.details.clone()]),
        ]);
        let actions = html("div", "file-actions").with(self.buttons.iter().map(|(_, button)| button.clone()));
        self.row
            .clone()
            .set("part", "file")
            .set("tabindex", "-1")
            .set("data-file-id", &self.id.0.to_string())
            .with([
                file_icon(context, self.id, &first.media_type).with([self.badge.clone()]),
                body,
                actions,
            ])
    }

    /// Shows what changed of the file.
    fn show(&self, row: &Row) {
        let before = self.shown.replace(Some(row.clone()));
        let percent = format::percent(row.sent, row.size);
        self.bar.of::<HtmlProgressElement>().set_value(percent as f64);
        set_text(&self.line, &text::status(row));
        if before.is_some_and(|before| before.state == row.state && before.key == row.key) {
            return;
        }
        let state = text::state(&row.state);
        let _ = self.row.clone().set("data-state", state);
        self.key.replace(row.key.clone().unwrap_or_default());
        self.show_error(&row.state);
        self.badge.element().set_text_content(None);
        if let Some(badge) = badge(state) {
            let _ = self.badge.clone().with_picture(&badge.draw());
        }
        for (offer, button) in &self.buttons {
            button.element().set_hidden(!offer.fits(state));
        }
        self.keep_focus();
    }

    fn show_error(&self, state: &RowState) {
        let message = text::message(state);
        self.bar.element().set_hidden(!message.is_empty());
        self.error.element().set_hidden(message.is_empty());
        set_text(&self.message, &message);
        let error = error_of(state);
        let details = error.map(|error| error.details.as_str()).unwrap_or_default();
        set_text(&self.details, details);
        let _ = self.details.clone().set("title", details);
        self.details.element().set_hidden(details.is_empty());
        self.help.element().set_hidden(error.is_none());
        if let Some(error) = error {
            let url = [&self.help_url, "#", text::error_name(error.kind)].concat();
            let _ = self.help.clone().set("href", &url);
        }
    }

    /// Moves the focus on where the button that a person pressed has gone with the state that it was for.
    fn keep_focus(&self) {
        if self.acted.get() != Some(self.id) {
            return;
        }
        let row = self.row.element();
        let focused = row.query_selector(":focus:not([hidden])").ok().flatten();
        if focused.is_none() {
            let button = row.query_selector("button:not([hidden])").ok().flatten();
            let button = button.and_then(|button| button.dyn_into::<HtmlElement>().ok());
            let _ = button.as_ref().unwrap_or(row).focus();
        }
    }
}

fn set_text(html: &Html, text: &str) {
    let element = html.element();
    if element.text_content().as_deref() != Some(text) {
        element.set_text_content(Some(text));
    }
}

/// A sign for states that end, or that a person should look at.
fn badge(state: &str) -> Option<Icon> {
    match state {
        "stored" => Some(Icon::Stored),
        "failed" | "waiting" | "interrupted" => Some(Icon::Failed),
        _ => None,
    }
}

/// A name, cut so that its end can stay where its middle does not fit.
fn split(name: &str) -> (&str, &str) {
    if name.chars().nth(TAIL * 2).is_none() {
        return ("", name);
    }
    let start = name.char_indices().rev().nth(TAIL - 1).map_or(0, |(at, _)| at);
    // The splitting that can panic would bring the words of its panic, and the tables of Unicode for them.
    name.split_at_checked(start).unwrap_or(("", name))
}

/// What a button needs when it is pressed.
struct Press {
    context: Context,
    id: FileId,
    acted: Rc<Cell<Option<FileId>>>,
    key: Rc<RefCell<String>>,
    line: Html,
}

fn button(offer: Offer, name: &str, press: Press) -> Html {
    let label = word(offer.key);
    html("button", "icon-button")
        .set("type", "button")
        .set("part", "button")
        .set("data-action", offer.key)
        .set("aria-label", &text::action_on(&label, name))
        .set("title", &label)
        .with_picture(&offer.icon.draw())
        .on("click", move |_| {
            press.acted.set(Some(press.id));
            match offer.action {
                Some(action) => {
                    press.context.uploads.act(action, Selection::File(press.id));
                }
                None => spawn(copy(press.key.borrow().clone(), press.line.clone())),
            }
        })
}

/// Puts a key into the clipboard, and says so where the state is said.
async fn copy(key: String, line: Html) {
    let said = if clipboard::copy(&key).await {
        word("keyCopied")
    } else {
        fill("keyNotCopied", &[("key", &key)])
    };
    set_text(&line.set("role", "status"), &said);
}

#[derive(Clone, Copy)]
struct Offer {
    /// Its name in `languages/`, and in the tests.
    key: &'static str,
    icon: Icon,
    /// What is done; the object's key is copied where there is none.
    action: Option<Action>,
    /// The states of a file, as [`text::state`] names them, in which it is offered.
    states: &'static [&'static [&'static str]],
}

impl Offer {
    fn fits(&self, state: &str) -> bool {
        self.states.iter().any(|states| states.contains(&state))
    }
}

const GOING: &[&str] = &[
    "queued",
    "hashing",
    "comparing",
    "preparing",
    "ready",
    "sending",
    "waiting",
    "offline",
];

const fn offer(
    key: &'static str,
    icon: Icon,
    action: Option<Action>,
    states: &'static [&'static [&'static str]],
) -> Offer {
    Offer {
        key,
        icon,
        action,
        states,
    }
}

const OFFERS: [Offer; 7] = [
    offer("pause", Icon::Pause, Some(Action::Pause), &[GOING]),
    offer(
        "resume",
        Icon::Resume,
        Some(Action::Resume),
        &[&["paused", "interrupted"]],
    ),
    offer(
        "retry",
        Icon::Retry,
        Some(Action::Retry),
        &[&["failed", "cancelled"]],
    ),
    offer(
        "cancel",
        Icon::Dismiss,
        Some(Action::Cancel),
        &[GOING, &["paused", "failed"]],
    ),
    offer("copyKey", Icon::Copy, None, &[&["stored"]]),
    offer("forget", Icon::Dismiss, Some(Action::Remove), &[&["interrupted"]]),
    offer(
        "remove",
        Icon::Dismiss,
        Some(Action::Remove),
        &[&["stored", "cancelled"]],
    ),
];

const fn error_of(state: &RowState) -> Option<&RowError> {
    match state {
        RowState::Failed(error) | RowState::Waiting { error, .. } => Some(error),
        _ => None,
    }
}
