//! The sign-in of a page: how far it is, and what can be done about it. It outlives the page's views.

use leptos::{callback::UnsyncCallback, prelude::*, task::spawn_local};
use wasm_bindgen::JsValue;

use crate::{
    effects::sign_in::{self, Problem, SignIn},
    i18n::Text,
    uploads::Uploads,
};

/// The sign-in of a page. A copy is a handle to the same.
#[derive(Clone, Copy)]
pub(crate) struct Session {
    pub(crate) stage: RwSignal<Stage>,
    /// What the user has to know about the access token, if it cannot be used.
    pub(crate) missing_token: RwSignal<Option<Text>>,
    /// Why the last thing that was tried did not work.
    pub(crate) problem: RwSignal<Option<Problem>>,
    sign_in: StoredValue<Option<SignIn>, LocalStorage>,
}

/// How far a sign-in is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The issuer is asked whether the user has just come back from it.
    Starting,
    SignedOut,
    SignedIn,
    /// This window was only for signing in.
    Window,
}

/// What the user can do about a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionAction {
    Start,
    /// Sign in again, without leaving the page.
    Renew,
    /// Open the dialog that makes upload links.
    MakeLink,
    End,
}

impl Session {
    /// Starts the sign-in by these settings, the JSON of `signIn` in `config.json`.
    pub(crate) fn start(assets: String, settings: String, uploads: Uploads) -> Self {
        let session = Self {
            stage: RwSignal::new(Stage::Starting),
            missing_token: RwSignal::new(Some(Text::SignInEnded)),
            problem: RwSignal::new(None),
            sign_in: StoredValue::new_local(None),
        };
        let on_unauthorized = UnsyncCallback::new(move |()| {
            if let Some(sign_in) = session.sign_in.get_value() {
                sign_in.renew();
            }
        });
        uploads.update_callbacks(|callbacks| callbacks.on_unauthorized = Some(on_unauthorized));
        spawn_local(async move {
            let stage = session.load(&assets, &settings, uploads).await;
            let stage = stage.unwrap_or_else(|error| {
                session.problem.try_set(Some(Problem::of(&error)));
                Stage::SignedOut
            });
            session.stage.try_set(stage);
        });
        session
    }

    async fn load(self, assets: &str, settings: &str, uploads: Uploads) -> Result<Stage, JsValue> {
        let sign_in = sign_in::load(assets, settings, move |token| {
            let (is_awaited, token) = (token.is_null(), token.as_string());
            let missing = match token {
                Some(_) => None,
                None if is_awaited => Some(Text::SignInAwaited),
                None => Some(Text::SignInEnded),
            };
            self.missing_token.try_set(missing);
            if !is_awaited {
                uploads.set_access_token(token);
            }
        })
        .await?;
        self.sign_in.try_set_value(Some(sign_in.clone()));
        let begun = sign_in.begin().await?.as_string();
        Ok(match begun.as_deref() {
            Some("signedIn") => Stage::SignedIn,
            Some("window") => Stage::Window,
            _ => Stage::SignedOut,
        })
    }

    /// Does what the user wants, and shows why if it did not work.
    pub(crate) fn act(self, action: SessionAction) {
        let Some(sign_in) = self.sign_in.get_value() else {
            return;
        };
        spawn_local(async move {
            let outcome = match action {
                SessionAction::Start => sign_in.sign_in().await,
                SessionAction::Renew => sign_in.sign_in_again().await,
                SessionAction::MakeLink => sign_in::make_link(&sign_in).await,
                SessionAction::End => sign_in.sign_out().await,
            };
            self.problem
                .try_set(outcome.err().map(|error| Problem::of(&error)));
        });
    }
}
