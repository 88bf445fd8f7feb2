//! One file: its name, how far it is, and what can be done about it.

use engine::{Event, FileId, FileStatus, FileView, Selection, UploadError};
use leptos::prelude::*;

use crate::{
    driver::Driver,
    format, text,
    ui::{SharedDriver, icon::Icon},
};

#[component]
pub(crate) fn FileRow(driver: SharedDriver, id: FileId) -> impl IntoView {
    let row = driver.with_value(|driver| driver.mount_row(id));
    on_cleanup(move || {
        driver.try_with_value(|driver| driver.unmount_row(id));
    });
    let first = row.get_untracked();
    let name = first.as_ref().map(|view| view.name.clone()).unwrap_or_default();
    let size = first.as_ref().map_or(0, |view| view.size);
    // A file that was just removed has no view, and its row is about to go.
    let part = move |read: fn(&Driver, &FileView) -> String| {
        let row = row.clone();
        Memo::new(move |_| {
            row.with(|view| {
                view.as_ref()
                    .map(|view| driver.with_value(|driver| read(driver, view)))
                    .unwrap_or_default()
            })
        })
    };
    let state = part(|_, view| state_name(&view.status).to_owned());
    let percent = part(|_, view| format::percent(view.sent, view.size).to_string());
    let line = part(status_line);
    let error = part(|_, view| message(&view.status));
    let details = part(|_, view| {
        error_of(&view.status)
            .map(text::error_details)
            .unwrap_or_default()
    });
    let label = name.clone();
    view! {
        <li class="file-row" data-file-id=id.0 data-state=state>
            <span class="file-icon">{move || icon_of(&state.get()).view()}</span>
            <div class="file-body">
                <p class="file-title">
                    <span class="file-name" title=name.clone() dir="auto">{name.clone()}</span>
                    <span class="file-size">{format::size(size)}</span>
                </p>
                <progress
                    class="bar"
                    max="100"
                    aria-label=text::progress_of(&label)
                    hidden=move || !error.with(String::is_empty)
                    prop:value=percent
                ></progress>
                <p class="file-error" hidden=move || error.with(String::is_empty)>
                    {error}
                </p>
                <p class="file-status">
                    <span class="file-state">{line}</span>
                    <span
                        class="file-error-details"
                        title=details
                        hidden=move || details.with(String::is_empty)
                    >
                        {details}
                    </span>
                </p>
            </div>
            <Actions driver id name state />
        </li>
    }
}

/// What can be done to a file in its state. A button that does not fit the state is not there.
#[component]
fn Actions(driver: SharedDriver, id: FileId, name: String, state: Memo<String>) -> impl IntoView {
    let name = StoredValue::new(name);
    let button = move |action: Action| {
        let tell = move |_| driver.with_value(|driver| driver.tell((action.event)(Selection::File(id))));
        view! {
            <button
                class="icon-button"
                type="button"
                data-action=action.name
                aria-label=text::action_on(action.label, &name.get_value())
                title=action.label
                hidden=move || !state.with(|state| action.fits(state))
                on:click=tell
            >
                {action.icon.view()}
            </button>
        }
    };
    view! { <div class="file-actions">{ACTIONS.map(button).collect_view()}</div> }
}

#[derive(Clone, Copy)]
struct Action {
    name: &'static str,
    label: &'static str,
    icon: Icon,
    event: fn(Selection) -> Event,
    /// The states of a file, as [`state_name`] writes them, in which the action is offered.
    states: &'static [&'static [&'static str]],
}

impl Action {
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

const ACTIONS: [Action; 6] = [
    Action {
        name: "pause",
        label: text::PAUSE,
        icon: Icon::Pause,
        event: Event::Pause,
        states: &[GOING],
    },
    Action {
        name: "resume",
        label: text::RESUME,
        icon: Icon::Resume,
        event: Event::Resume,
        states: &[&["paused", "interrupted"]],
    },
    Action {
        name: "retry",
        label: text::RETRY,
        icon: Icon::Retry,
        event: Event::Retry,
        states: &[&["failed", "cancelled"]],
    },
    Action {
        name: "cancel",
        label: text::CANCEL,
        icon: Icon::Dismiss,
        event: Event::Cancel,
        states: &[GOING, &["paused", "failed"]],
    },
    Action {
        name: "forget",
        label: text::FORGET,
        icon: Icon::Dismiss,
        event: Event::Remove,
        states: &[&["interrupted"]],
    },
    Action {
        name: "remove",
        label: text::REMOVE,
        icon: Icon::Dismiss,
        event: Event::Remove,
        states: &[&["stored", "cancelled"]],
    },
];

/// The state as the style sheet and the tests know it.
const fn state_name(status: &FileStatus) -> &'static str {
    match status {
        FileStatus::Queued => "queued",
        FileStatus::Hashing => "hashing",
        FileStatus::Comparing => "comparing",
        FileStatus::Preparing => "preparing",
        FileStatus::Ready => "ready",
        FileStatus::Sending => "sending",
        FileStatus::Finishing => "finishing",
        FileStatus::Waiting { .. } => "waiting",
        FileStatus::Offline => "offline",
        FileStatus::Paused => "paused",
        FileStatus::Stored => "stored",
        FileStatus::Failed(_) => "failed",
        FileStatus::Cancelled => "cancelled",
        FileStatus::Interrupted(_) => "interrupted",
        FileStatus::Elsewhere => "elsewhere",
    }
}

fn icon_of(state: &str) -> Icon {
    match state {
        "stored" => Icon::Stored,
        "failed" | "waiting" => Icon::Failed,
        _ => Icon::File,
    }
}

const fn error_of(status: &FileStatus) -> Option<&UploadError> {
    match status {
        FileStatus::Failed(error) | FileStatus::Waiting { error, .. } => Some(error),
        _ => None,
    }
}

/// What went wrong; and what to do, unless the file goes on by itself.
fn message(status: &FileStatus) -> String {
    match status {
        FileStatus::Failed(error) => {
            let explanation = text::error(error);
            format!("{} {}", explanation.what, explanation.advice)
        }
        FileStatus::Waiting { error, .. } => text::error(error).what,
        FileStatus::Interrupted(Some(mismatch)) => text::mismatch(*mismatch).to_owned(),
        _ => String::new(),
    }
}

fn status_line(driver: &Driver, view: &FileView) -> String {
    let words = text::status(&view.status);
    match &view.status {
        FileStatus::Sending => sending_line(words, view),
        FileStatus::Waiting { until, .. } => {
            let left = format::time_left(driver.time_until(*until));
            format!("{words} in {left}")
        }
        FileStatus::Paused | FileStatus::Comparing if view.sent > 0 => {
            format!("{words} at {} %", format::percent(view.sent, view.size))
        }
        FileStatus::Interrupted(_) => {
            let percent = format::percent(view.sent, view.size);
            format!("{words} at {percent} %. {}", text::HOW_TO_RESUME)
        }
        _ => match view.notice {
            Some(notice) => format!("{words}. {}", text::notice(notice)),
            None => words.to_owned(),
        },
    }
}

fn sending_line(words: &str, view: &FileView) -> String {
    let mut line = format!("{words} · {} %", format::percent(view.sent, view.size));
    if view.bytes_per_second > 0 {
        line.push_str(&format!(" · {}/s", format::size(view.bytes_per_second)));
        let seconds = (view.size - view.sent) / view.bytes_per_second;
        let left = std::time::Duration::from_secs(seconds);
        line.push_str(&format!(" · {} left", format::time_left(left)));
    }
    line
}
