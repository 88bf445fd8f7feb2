//! The check of the set-up, for whoever runs the page: at the addresses `#check` and `?check`. Users see nothing of it.

use leptos::{prelude::*, task::spawn_local};
use messages::Finding;

use crate::{
    anew::Anew,
    effects::clipboard,
    i18n::{Text, t},
    page::use_page,
    text,
    uploads::SetupState,
};

/// A button that starts the check, and what it found.
#[component]
pub(crate) fn SetupCheck() -> impl IntoView {
    let uploads = use_page().uploads;
    let state = uploads.setup_check;
    if is_asked_for() && state.get_untracked() == SetupState::NotOffered {
        state.set(SetupState::Offered);
    }
    // What was found is on the list, for those who see it.
    let is_for_screen_readers = move || state.get() != SetupState::Running;
    let status = move || match state.get() {
        SetupState::Running => t(Text::CheckingSetup),
        SetupState::Done(findings) => {
            let headings = findings.iter().map(|finding| t(text::finding(finding.kind)));
            headings.collect::<Vec<_>>().join(" ")
        }
        SetupState::NotOffered | SetupState::Offered => String::new(),
    };
    let findings = move || match state.get() {
        SetupState::Done(findings) => findings,
        _ => Vec::new(),
    };
    let items = move || {
        let findings = findings().into_iter();
        let items = findings.map(|finding| view! { <FindingItem finding/> });
        Anew(items.collect_view())
    };
    view! {
        <section
            class="totals setup-check"
            hidden=move || state.get() == SetupState::NotOffered
        >
            <button
                class="button"
                type="button"
                data-action=Text::CheckSetup.key()
                on:click=move |_| uploads.check_setup()
            >
                {t(Text::CheckSetup)}
            </button>
            <p role="status" class:visually-hidden=is_for_screen_readers>
                {status}
            </p>
            <ul class="findings">{items}</ul>
        </section>
    }
}

fn is_asked_for() -> bool {
    let address = window().location().href().unwrap_or_default();
    address.ends_with("#check") || address.ends_with("?check")
}

/// A finding: its facts, and what to paste. They are in the language of the configuration, which is English.
#[component]
fn FindingItem(finding: Finding) -> impl IntoView {
    let Finding { kind, details, paste } = finding;
    let paste = (!paste.is_empty()).then(|| view! { <Paste text=paste/> });
    view! {
        <li class="finding">
            <strong>{t(text::finding(kind))}</strong>
            <p lang="en" dir="ltr">
                {details}
            </p>
            {paste}
        </li>
    }
}

/// A text, with a button that copies it.
#[component]
fn Paste(text: String) -> impl IntoView {
    let is_copied = RwSignal::new(false);
    let copy = {
        let text = text.clone();
        move |_| {
            let text = text.clone();
            spawn_local(async move {
                if clipboard::copy(&text).await {
                    is_copied.try_set(true);
                }
            });
        }
    };
    let label = move || t(if is_copied.get() { Text::Copied } else { Text::Copy });
    view! {
        <pre tabindex="0" dir="ltr">
            {text}
        </pre>
        <button class="button" type="button" on:click=copy>
            {label}
        </button>
    }
}
