//! What can be done about one file: a button for each action, shown in the states that it is for.

use leptos::prelude::*;
use messages::{Action, Mismatch, Row, RowState};

use crate::{
    components::icon::{Icon, Shape},
    i18n::{Text, t},
    text,
};

/// What a button in a row does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowAction {
    /// Something that the worker does.
    Upload(Action),
    /// Copy the object's key.
    CopyKey,
}

/// A button of a row.
struct Button {
    action: RowAction,
    text: Text,
    shape: Shape,
    is_offered: fn(&RowState) -> bool,
}

const BUTTONS: [Button; 7] = [
    Button {
        action: RowAction::Upload(Action::Pause),
        text: Text::Pause,
        shape: Shape::Pause,
        is_offered: is_going,
    },
    Button {
        action: RowAction::Upload(Action::Resume),
        text: Text::Resume,
        shape: Shape::Resume,
        is_offered: |state| matches!(state, RowState::Paused | RowState::Interrupted(_)),
    },
    Button {
        action: RowAction::Upload(Action::Retry),
        text: Text::Retry,
        shape: Shape::Retry,
        is_offered: |state| {
            matches!(
                state,
                RowState::Failed(_)
                    | RowState::Cancelled
                    | RowState::Unreadable
                    | RowState::Interrupted(Some(Mismatch::Unreadable))
            )
        },
    },
    Button {
        action: RowAction::Upload(Action::Cancel),
        text: Text::Cancel,
        shape: Shape::Dismiss,
        is_offered: |state| is_going(state) || matches!(state, RowState::Paused | RowState::Failed(_)),
    },
    Button {
        action: RowAction::CopyKey,
        text: Text::CopyKey,
        shape: Shape::Copy,
        is_offered: |state| matches!(state, RowState::Stored),
    },
    Button {
        action: RowAction::Upload(Action::Remove),
        text: Text::Forget,
        shape: Shape::Dismiss,
        is_offered: |state| matches!(state, RowState::Interrupted(_)),
    },
    Button {
        action: RowAction::Upload(Action::Remove),
        text: Text::Remove,
        shape: Shape::Dismiss,
        is_offered: |state| matches!(state, RowState::Stored | RowState::Cancelled),
    },
];

/// Whether a file is on its way, and can be stopped. The completion of an upload cannot.
const fn is_going(state: &RowState) -> bool {
    match state {
        RowState::Queued
        | RowState::Hashing
        | RowState::Comparing
        | RowState::Preparing
        | RowState::Ready
        | RowState::Sending
        | RowState::Confirming
        | RowState::Waiting { .. }
        | RowState::Unreadable
        | RowState::Offline
        | RowState::SignedOut => true,
        RowState::Finishing
        | RowState::Paused
        | RowState::Stored
        | RowState::Failed(_)
        | RowState::Cancelled
        | RowState::Interrupted(_)
        | RowState::Elsewhere => false,
    }
}

/// The buttons of a row. `on_action` is called for the one that the user presses.
#[component]
pub(crate) fn RowActions(
    row: RwSignal<Row>,
    name: String,
    on_action: impl Fn(RowAction) + Copy + 'static,
) -> impl IntoView {
    let button = |button: Button| {
        let label = t(button.text);
        view! {
            <button
                class="icon-button"
                type="button"
                part="button"
                data-action=button.text.key()
                aria-label=text::action_on(&label, &name)
                title=label
                hidden=move || row.with(|row| !(button.is_offered)(&row.state))
                on:click=move |_| on_action(button.action)
            >
                <Icon shape=button.shape/>
            </button>
        }
    };
    view! { <div class="file-actions">{BUTTONS.map(button).collect_view()}</div> }
}
