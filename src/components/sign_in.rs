//! The sign-in around the uploader: nobody picks a file before it would be accepted.

use leptos::{either::EitherOf4, prelude::*};

use crate::{
    anew::Anew,
    components::{page_error::PageError, uploader::Uploader},
    i18n::{Text, t},
    page::use_page,
    session::{Session, SessionAction, Stage},
};

/// The uploader of a user who is signed in, or the way to sign in.
#[component]
pub(crate) fn SignIn(session: Session) -> impl IntoView {
    let content = move || {
        Anew(match session.stage.get() {
            Stage::Starting => EitherOf4::A(()),
            Stage::Window => EitherOf4::B(view! { <p class="sign-in">{t(Text::CloseWindow)}</p> }),
            Stage::SignedOut => EitherOf4::C(view! { <SignInForm session/> }),
            Stage::SignedIn => EitherOf4::D(view! {
                <SignedInBar session/>
                <Uploader/>
            }),
        })
    };
    view! { <div class="page">{content}</div> }
}

/// What stands in the picker's place.
#[component]
fn SignInForm(session: Session) -> impl IntoView {
    view! {
        <SignInProblem session/>
        <section class="sign-in" aria-label=t(Text::SignIn)>
            <p>{t(Text::SignInHint)}</p>
            <SignInButton session action=SessionAction::Start text=Text::SignIn/>
        </section>
    }
}

/// Signing out; and signing in again, if the sign-in has ended while files are in flight.
#[component]
fn SignedInBar(session: Session) -> impl IntoView {
    view! {
        <div class="sign-in-bar">
            <div class="sign-in-ended" role="status" hidden=move || session.missing_token.get().is_none()>
                <p>{move || session.missing_token.get().map(t)}</p>
                <SignInButton session action=SessionAction::Renew text=Text::SignInAgain/>
            </div>
            <SignInButton session action=SessionAction::MakeLink text=Text::MakeLink/>
            <SignInButton session action=SessionAction::End text=Text::SignOut/>
        </div>
        <SignInProblem session/>
    }
}

#[component]
fn SignInButton(session: Session, action: SessionAction, text: Text) -> impl IntoView {
    let is_primary = matches!(action, SessionAction::Start | SessionAction::Renew);
    let makes_links = use_page().config.with_value(|config| config.links);
    view! {
        <button
            class="button"
            class:primary=is_primary
            type="button"
            data-action=text.key()
            hidden=action == SessionAction::MakeLink && !makes_links
            on:click=move |_| session.act(action)
        >
            {t(text)}
        </button>
    }
}

/// Why the sign-in did not work, if it did not.
#[component]
fn SignInProblem(session: Session) -> impl IntoView {
    let problem = move || {
        let explanation = session.problem.get()?.explanation();
        Some(Anew(view! { <PageError explanation/> }))
    };
    view! { <div>{problem}</div> }
}
