//! What can be done about one file, or all files of a batch: a button for each action, shown in the states that it is
//! for.

use leptos::prelude::*;
use messages::{Action, BatchSummary, Mismatch, Row, RowState, Totals};

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
    /// Show the files of a batch, or hide them.
    Toggle,
}

/// A button of a row.
#[derive(Clone, Copy)]
struct Button {
    action: RowAction,
    text: Text,
    shape: Shape,
    is_for_file: fn(&RowState) -> bool,
    is_for_batch: fn(&BatchSummary) -> bool,
}

impl Button {
    fn is_offered(&self, row: &Row) -> bool {
        match &row.batch {
            Some(batch) => (self.is_for_batch)(batch),
            None => (self.is_for_file)(&row.state),
        }
    }

    /// Whether what the button shows and hides is shown, as ARIA has it.
    fn is_expanded(&self, row: &Row) -> Option<&'static str> {
        let batch = row.batch.as_ref().filter(|_| self.action == RowAction::Toggle)?;
        Some(if batch.is_open { "true" } else { "false" })
    }
}

const BUTTONS: [Button; 10] = [
    Button {
        action: RowAction::Upload(Action::Pause),
        text: Text::Pause,
        shape: Shape::Pause,
        is_for_file: is_going,
        is_for_batch: |batch| batch.totals.unfinished() > 0,
    },
    Button {
        action: RowAction::Upload(Action::Resume),
        text: Text::Resume,
        shape: Shape::Resume,
        is_for_file: |state| matches!(state, RowState::Paused | RowState::Interrupted(_)),
        is_for_batch: |batch| batch.totals.paused + batch.totals.interrupted > 0,
    },
    Button {
        action: RowAction::Upload(Action::Retry),
        text: Text::Retry,
        shape: Shape::Retry,
        is_for_file: |state| {
            matches!(
                state,
                RowState::Failed(_)
                    | RowState::Cancelled
                    | RowState::Unreadable
                    | RowState::Interrupted(Some(Mismatch::Unreadable))
            )
        },
        is_for_batch: |batch| batch.totals.failed > 0,
    },
    Button {
        action: RowAction::Upload(Action::SaveCsv),
        text: Text::SaveCsv,
        shape: Shape::Table,
        is_for_file: |_| false,
        is_for_batch: |batch| batch.receipt.is_some(),
    },
    Button {
        action: RowAction::Upload(Action::SaveJson),
        text: Text::SaveJson,
        shape: Shape::Braces,
        is_for_file: |_| false,
        is_for_batch: |batch| batch.receipt.is_some(),
    },
    Button {
        action: RowAction::Upload(Action::Cancel),
        text: Text::Cancel,
        shape: Shape::Dismiss,
        is_for_file: |state| is_going(state) || matches!(state, RowState::Paused | RowState::Failed(_)),
        is_for_batch: |batch| batch.totals.unfinished() + batch.totals.paused > 0,
    },
    Button {
        action: RowAction::CopyKey,
        text: Text::CopyKey,
        shape: Shape::Copy,
        is_for_file: |state| matches!(state, RowState::Stored),
        is_for_batch: |_| false,
    },
    Button {
        action: RowAction::Upload(Action::Remove),
        text: Text::Forget,
        shape: Shape::Dismiss,
        is_for_file: |state| matches!(state, RowState::Interrupted(_)),
        is_for_batch: |batch| batch.totals.interrupted > 0 && is_at_rest(&batch.totals),
    },
    Button {
        action: RowAction::Upload(Action::Remove),
        text: Text::Remove,
        shape: Shape::Dismiss,
        is_for_file: |state| matches!(state, RowState::Stored | RowState::Cancelled),
        is_for_batch: |batch| batch.totals.interrupted == 0 && is_at_rest(&batch.totals),
    },
    Button {
        action: RowAction::Toggle,
        text: Text::Files,
        shape: Shape::More,
        is_for_file: |_| false,
        is_for_batch: |_| true,
    },
];

/// Whether nothing of a batch goes on by itself or waits for the user to let it, so that it can be taken off the list.
const fn is_at_rest(totals: &Totals) -> bool {
    totals.unfinished() + totals.paused + totals.elsewhere == 0
}

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
        | RowState::SignedOut
        | RowState::LinkEnded => true,
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
                aria-expanded=move || row.with(|row| button.is_expanded(row))
                hidden=move || row.with(|row| !button.is_offered(row))
                on:click=move |_| on_action(button.action)
            >
                <Icon shape=button.shape/>
            </button>
        }
    };
    view! { <div class="file-actions">{BUTTONS.map(button).collect_view()}</div> }
}
