//! One file, or all files of a batch: the name, how far it is, and what can be done about it.

use leptos::{html, prelude::*, task::spawn_local};
use messages::{Action, FileId, Row, RowError, RowState, Selection};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::{
    components::{
        file_icon::FileIcon,
        icon::{Icon, Shape},
        progress_bar::ProgressBar,
        row_actions::{RowAction, RowActions},
    },
    effects::clipboard,
    format,
    i18n::{Text, t, t_with},
    page::use_page,
    text,
};

/// Names longer than twice this lose their middle rather than their end, which has the type.
const TAIL: usize = 10;

/// The row of one file, or of all files of a batch. It is made anew if what it is called changes.
#[component]
pub(crate) fn FileRow(
    of: Selection,
    row: ArcRwSignal<Row>,
    /// The row that the user acted on last.
    acted_on: RwSignal<Option<Selection>>,
) -> impl IntoView {
    let uploads = use_page().uploads;
    let row = RwSignal::from(row);
    // What became of copying the key, which stands in the place of the state until that changes.
    let copied = RwSignal::new(None::<String>);
    let name = row.with_untracked(text::row_name);
    let Row {
        media_type,
        size,
        is_inside,
        ..
    } = row.get_untracked();
    let (class, file_id) = match of {
        Selection::File(id) if is_inside => ("file-row inside", Some(id)),
        Selection::File(id) => ("file-row", Some(id)),
        _ => ("file-row batch-row", None),
    };
    let (head, tail) = split(&name);
    let (head, tail) = (head.to_owned(), tail.to_owned());
    let bar_label = t_with(Text::ProgressOf, &[("name", &name)]);
    let progress = move || row.with(|row| progress_of(row, &bar_label, copied.get()));
    let state = move || row.with(|row| text::state(&row.state).key());
    let position = move || uploads.shown.with(|shown| shown.position(of).to_string());
    let total = move || uploads.shown.with(|shown| shown.total.to_string());
    let badge = move || {
        row.with(|row| badge(&row.state))
            .map(|shape| view! { <Icon shape/> })
    };
    let element = NodeRef::<html::Li>::new();
    Effect::new(move |before: Option<&'static str>| {
        let now = state();
        if before.is_some_and(|before| before != now) {
            copied.set(None);
            request_animation_frame(move || {
                // The row may have gone in the meantime.
                let is_acted_on = acted_on.try_get_untracked().flatten() == Some(of);
                if let Some(row) = element.try_get_untracked().flatten().filter(|_| is_acted_on) {
                    keep_focus(&row);
                }
            });
        }
        now
    });
    let on_action = move |action| {
        acted_on.set(Some(of));
        match action {
            RowAction::Upload(action) => uploads.act(action, of),
            RowAction::Toggle => {
                let is_open = row.with_untracked(|row| row.batch.as_ref().is_some_and(|batch| batch.is_open));
                uploads.act(
                    if is_open {
                        Action::HideFiles
                    } else {
                        Action::ShowFiles
                    },
                    of,
                );
            }
            RowAction::CopyKey => {
                let key = row.with_untracked(|row| row.key.clone()).unwrap_or_default();
                spawn_local(async move {
                    copied.try_set(Some(copy(&key).await));
                });
            }
        }
    };
    view! {
        <li
            class=class
            part="file"
            tabindex="-1"
            data-file-id=file_id.map(|id| id.0.to_string())
            data-state=state
            aria-posinset=position
            aria-setsize=total
            node_ref=element
        >
            <span class="file-icon">
                <FileIcon id=file_id.unwrap_or(FileId(0)) media_type/>
                <span class="file-badge">{badge}</span>
            </span>
            <div class="file-body">
                <p class="file-title">
                    <span class="file-name" title=name.clone() dir="auto">
                        <span class="file-name-head">{head}</span>
                        <span class="file-name-tail">{tail}</span>
                    </span>
                    <span class="file-size">{format::size(size)}</span>
                </p>
                {progress}
            </div>
            <RowActions row name on_action/>
        </li>
    }
}

/// How far a file or a batch is, and what went wrong with it. `copied` stands in the place of its state.
fn progress_of(row: &Row, bar_label: &str, copied: Option<String>) -> impl IntoView + use<> {
    let receipt = text::receipt(row);
    let error = error_of(&row.state).filter(|_| receipt.is_none());
    let message = receipt.unwrap_or_else(|| text::message(&row.state));
    let details = error.map(|error| error.details.clone()).unwrap_or_default();
    let help = error.map(|error| use_page().help(text::error_name(error.kind)));
    let (has_message, has_details, has_help) = (!message.is_empty(), !details.is_empty(), help.is_some());
    let role = copied.is_some().then_some("status");
    let status = copied.unwrap_or_else(|| text::status(row));
    view! {
        <ProgressBar
            label=bar_label.to_owned()
            percent=text::row_percent(row)
            hidden=has_message
        />
        <p class="file-error" hidden=!has_message>
            <span>{message}</span>
            " "
            <a target="_blank" rel="noopener" href=help hidden=!has_help>
                {t(Text::Help)}
            </a>
        </p>
        <p class="file-status">
            <span class="file-state" role=role>
                {status}
            </span>
            <span class="file-error-details" title=details hidden=!has_details>
                {details.clone()}
            </span>
        </p>
    }
}

/// Moves the focus on after the button that the user pressed has gone with the state that it was for.
fn keep_focus(row: &HtmlElement) {
    let focused = row.query_selector(":focus:not([hidden])").ok().flatten();
    if focused.is_none() {
        let button = row.query_selector("button:not([hidden])").ok().flatten();
        let button = button.and_then(|button| button.dyn_into::<HtmlElement>().ok());
        let _ = button.as_ref().unwrap_or(row).focus();
    }
}

/// Copies a key, and returns what came of it.
async fn copy(key: &str) -> String {
    if clipboard::copy(key).await {
        t(Text::KeyCopied)
    } else {
        t_with(Text::KeyNotCopied, &[("key", key)])
    }
}

/// A sign for states that end, or that need the user.
const fn badge(state: &RowState) -> Option<Shape> {
    match state {
        RowState::Stored => Some(Shape::Stored),
        RowState::Failed(_) | RowState::Waiting { .. } | RowState::Unreadable | RowState::Interrupted(_) => {
            Some(Shape::Failed)
        }
        _ => None,
    }
}

const fn error_of(state: &RowState) -> Option<&RowError> {
    match state {
        RowState::Failed(error) | RowState::Waiting { error, .. } => Some(error),
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
