//! All files together: how far they are, and what can be done to all of them.

use leptos::{prelude::*, task::spawn_local};
use messages::{Action, Selection, Totals};

use crate::{
    components::{
        icon::{Icon, Shape},
        progress_bar::ProgressBar,
    },
    effects::notification,
    format,
    i18n::{Text, t},
    page::use_page,
    text,
};

/// What can be done to all files, but for what cannot be undone.
const ACTIONS: [(Action, Text, Shape); 4] = [
    (Action::Pause, Text::PauseAll, Shape::Pause),
    (Action::Resume, Text::ResumeAll, Shape::Resume),
    (Action::Retry, Text::RetryFailed, Shape::Retry),
    (Action::Remove, Text::ClearFinished, Shape::Checklist),
];

/// The part of the page about all files together.
#[component]
pub(crate) fn TotalsBar() -> impl IntoView {
    let totals = use_page().uploads.totals;
    let progress = move || {
        let totals = totals.get();
        view! {
            <div class="totals-line">
                <p class="totals-summary">{text::summary(&totals)}</p>
                <p class="totals-progress">{text::progress(&totals)}</p>
            </div>
            <ProgressBar label=t(Text::AllFiles) percent=percent(&totals)/>
        }
    };
    let actions = ACTIONS.map(|(action, text, shape)| view! { <ActionButton action text shape/> });
    view! {
        <section
            class="totals"
            part="totals"
            aria-label=t(Text::AllFiles)
            hidden=move || totals.get().files == 0
        >
            {progress}
            <div class="totals-actions">
                {actions.collect_view()}
                <NotifyButton/>
                <ActionButton action=Action::Cancel text=Text::CancelAll shape=Shape::Dismiss/>
            </div>
        </section>
    }
}

/// A button that does something to all files.
#[component]
fn ActionButton(action: Action, text: Text, shape: Shape) -> impl IntoView {
    let uploads = use_page().uploads;
    view! {
        <button
            class="button"
            type="button"
            part="button"
            data-action=text.key()
            hidden=move || !is_possible(action, &uploads.totals.get())
            on:click=move |_| uploads.act(action, Selection::All)
        >
            <Icon shape/>
            <span>{t(text)}</span>
        </button>
    }
}

/// Asks whether a notification may be shown at the end, as long as the user was never asked.
#[component]
fn NotifyButton() -> impl IntoView {
    let totals = use_page().uploads.totals;
    let can_ask = RwSignal::new(notification::can_ask());
    let ask = move |_| {
        spawn_local(async move {
            notification::ask().await;
            can_ask.try_set(notification::can_ask());
        });
    };
    view! {
        <button
            class="button"
            type="button"
            data-action=Text::NotifyWhenDone.key()
            hidden=move || !can_ask.get() || totals.get().unfinished() == 0
            on:click=ask
        >
            <Icon shape=Shape::Bell/>
            <span>{t(Text::NotifyWhenDone)}</span>
        </button>
    }
}

const fn is_possible(action: Action, totals: &Totals) -> bool {
    let count = match action {
        Action::Pause => totals.unfinished(),
        Action::Resume => totals.paused + totals.interrupted,
        Action::Retry => totals.failed,
        Action::Cancel => totals.unfinished() + totals.paused,
        Action::Remove => totals.stored + totals.cancelled,
        _ => 0,
    };
    count > 0
}

/// How far all files together are, in whole percent. Empty files count as done with the last file, since they add
/// no bytes.
pub(crate) fn percent(totals: &Totals) -> u64 {
    if totals.bytes == 0 {
        format::percent(totals.stored as u64, totals.files as u64)
    } else {
        format::percent(totals.sent, totals.bytes)
    }
}
