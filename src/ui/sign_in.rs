//! The sign-in around the uploader: nobody picks a file before it would be accepted.

use leptos::{prelude::*, task::spawn_local};

use crate::{
    config::Config,
    driver::Driver,
    sign_in::{Begun, SignIn, SignInConfig, SignInError},
    text,
    ui::{page_error::PageError, uploader::Uploader},
};

/// What is shown.
#[derive(Clone, Debug, PartialEq)]
enum Stage {
    /// The issuer is asked whether somebody has just come back from it.
    Beginning,
    SignedOut(Option<SignInError>),
    SignedIn,
    /// This window was only for signing in.
    Window,
}

#[component]
pub(crate) fn SignedInUploader(config: Config, settings: SignInConfig, seed: u64) -> impl IntoView {
    let driver = StoredValue::new_local(Driver::new(&config, seed));
    let has_token = RwSignal::new(false);
    let stage = RwSignal::new(Stage::Beginning);
    let sign_in = SignIn::new(settings, move |token| {
        has_token.try_set(token.is_some());
        driver.try_with_value(|driver| driver.set_access_token(token));
    });
    let renewing = sign_in.clone();
    driver.with_value(|driver| driver.on_unauthorized(move || renewing.renew()));
    let beginning = sign_in.clone();
    spawn_local(async move {
        stage.try_set(match beginning.begin().await {
            Ok(Begun::SignedIn) => Stage::SignedIn,
            Ok(Begun::SignedOut) => Stage::SignedOut(None),
            Ok(Begun::Window) => Stage::Window,
            Err(error) => Stage::SignedOut(Some(error)),
        });
    });
    let sign_in = StoredValue::new_local(sign_in);
    move || match stage.get() {
        Stage::Beginning => ().into_any(),
        Stage::Window => view! { <p class="sign-in">{text::CLOSE_WINDOW}</p> }.into_any(),
        Stage::SignedOut(error) => view! { <SignInForm sign_in error stage /> }.into_any(),
        Stage::SignedIn => view! {
            <SignInBar sign_in has_token />
            <Uploader driver />
        }
        .into_any(),
    }
}

/// The button that stands in the picker's place.
#[component]
fn SignInForm(
    sign_in: StoredValue<SignIn, LocalStorage>,
    error: Option<SignInError>,
    stage: RwSignal<Stage>,
) -> impl IntoView {
    let clicked = move |_| {
        let sign_in = sign_in.get_value();
        spawn_local(async move {
            if let Err(error) = sign_in.sign_in().await {
                stage.try_set(Stage::SignedOut(Some(error)));
            }
        });
    };
    view! {
        {error.map(|error| view! { <PageError explanation=text::sign_in_error(&error) /> })}
        <section class="sign-in" aria-label=text::SIGN_IN>
            <p>{text::SIGN_IN_HINT}</p>
            <button class="button primary" data-action="sign-in" on:click=clicked>
                {text::SIGN_IN}
            </button>
        </section>
    }
}

/// Signing out, and signing in again where the sign-in has ended while files are under way.
#[component]
fn SignInBar(sign_in: StoredValue<SignIn, LocalStorage>, has_token: RwSignal<bool>) -> impl IntoView {
    let error = RwSignal::new(None::<SignInError>);
    let act = move |again: bool| {
        let sign_in = sign_in.get_value();
        spawn_local(async move {
            let acted = match again {
                true => sign_in.sign_in_again().await,
                false => sign_in.sign_out().await,
            };
            error.try_set(acted.err());
        });
    };
    view! {
        <div class="sign-in-bar">
            <div role="status">
                {move || (!has_token.get()).then(|| view! {
                    <p class="sign-in-ended">{text::SIGN_IN_ENDED}</p>
                    <button class="button primary" data-action="sign-in-again" on:click=move |_| act(true)>
                        {text::SIGN_IN_AGAIN}
                    </button>
                })}
            </div>
            <button class="button" data-action="sign-out" on:click=move |_| act(false)>
                {text::SIGN_OUT}
            </button>
        </div>
        {move || error.get().map(|error| view! { <PageError explanation=text::sign_in_error(&error) /> })}
    }
}
