//! The sign-in around the uploader: nobody picks a file before it would be accepted.

use std::{cell::RefCell, future::Future, pin::Pin, rc::Rc};

use leptos::prelude::{Get, RwSignal, Set};
use wasm_bindgen::JsValue;

use crate::effects::task::spawn;
use crate::{
    effects::sign_in::{self, SignIn},
    language::{fill, word},
    text::Explanation,
    ui::{
        Context,
        html::{Html, html, redraw},
        page_error::page_error,
        uploader::uploader,
    },
};

/// Something of a sign-in that is being done.
type Acted = Pin<Box<dyn Future<Output = Result<JsValue, JsValue>>>>;

/// How far the sign-in of a page is. It outlives the page's views.
#[derive(Clone)]
pub(crate) struct Session {
    stage: RwSignal<Stage>,
    has_token: RwSignal<bool>,
    error: RwSignal<Option<(String, String)>>,
    sign_in: Rc<RefCell<Option<SignIn>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The issuer is asked whether somebody has just come back from it.
    Beginning,
    SignedOut,
    SignedIn,
    /// This window was only for signing in.
    Window,
}

impl Session {
    /// Begins the sign-in of a page by these settings, the JSON of `signIn` in `config.json`.
    pub(crate) fn begin(context: &Context, settings: String) -> Self {
        let session = Self {
            stage: RwSignal::new(Stage::Beginning),
            has_token: RwSignal::new(false),
            error: RwSignal::new(None),
            sign_in: Rc::default(),
        };
        let (begun, context) = (session.clone(), Rc::clone(context));
        spawn(async move {
            let stage = begun.load(&context, &settings).await.unwrap_or_else(|error| {
                begun.error.try_set(Some(sign_in::reason(&error)));
                Stage::SignedOut
            });
            begun.stage.try_set(stage);
        });
        session
    }

    async fn load(&self, context: &Context, settings: &str) -> Result<Stage, JsValue> {
        let (has_token, uploads) = (self.has_token, context.uploads.clone());
        let sign_in = sign_in::load(&context.assets, settings, move |token: Option<String>| {
            has_token.try_set(token.is_some());
            uploads.set_access_token(token);
        })
        .await?;
        self.sign_in.replace(Some(sign_in.clone()));
        let renewing = sign_in.clone();
        context
            .uploads
            .on(|heard| heard.not_signed_in = Some(Box::new(move || renewing.renew())));
        let begun = sign_in.begin().await?.as_string();
        Ok(match begun.as_deref() {
            Some("signedIn") => Stage::SignedIn,
            Some("window") => Stage::Window,
            _ => Stage::SignedOut,
        })
    }

    /// Does something of the sign-in, and shows why it did not work.
    fn act(&self, act: fn(SignIn) -> Acted) {
        let Some(sign_in) = self.sign_in.borrow().clone() else {
            return;
        };
        let (error, acted) = (self.error, act(sign_in));
        spawn(async move {
            error.try_set(acted.await.err().map(|error| sign_in::reason(&error)));
        });
    }
}

/// The uploader of somebody who is signed in, or the way to sign in.
pub(crate) fn signed_in(context: &Context, session: &Session) -> Html {
    let place = html("div", "page");
    let (session, context) = (session.clone(), Rc::clone(context));
    redraw(place.clone(), move || match session.stage.get() {
        Stage::Beginning => Vec::new(),
        Stage::Window => vec![html("p", "sign-in").text(&word("closeWindow"))],
        Stage::SignedOut => form(&session),
        Stage::SignedIn => {
            let mut parts = bar(&session);
            parts.extend(uploader(&context));
            parts
        }
    });
    place
}

/// The button that stands in the picker's place.
fn form(session: &Session) -> Vec<Html> {
    let signing_in = session.clone();
    let button = button("signIn", "button primary", move || {
        signing_in.act(|sign_in| Box::pin(async move { sign_in.sign_in().await }));
    });
    vec![
        problem(session),
        html("section", "sign-in")
            .set("aria-label", &word("signIn"))
            .with([html("p", "").text(&word("signInHint")), button]),
    ]
}

/// Signing out, and signing in again where the sign-in has ended while files are under way.
fn bar(session: &Session) -> Vec<Html> {
    let (again, out, has_token) = (session.clone(), session.clone(), session.has_token);
    let ended = html("div", "sign-in-ended")
        .set("role", "status")
        .hide_while(move || has_token.get())
        .with([
            html("p", "").text(&word("signInEnded")),
            button("signInAgain", "button primary", move || {
                again.act(|sign_in| Box::pin(async move { sign_in.sign_in_again().await }));
            }),
        ]);
    let out = button("signOut", "button", move || {
        out.act(|sign_in| Box::pin(async move { sign_in.sign_out().await }));
    });
    vec![html("div", "sign-in-bar").with([ended, out]), problem(session)]
}

fn button(key: &str, class: &str, press: impl Fn() + 'static) -> Html {
    html("button", class)
        .set("type", "button")
        .set("data-action", key)
        .text(&word(key))
        .on("click", move |_| press())
}

/// Why the sign-in did not work, if so.
fn problem(session: &Session) -> Html {
    let (place, error) = (html("div", ""), session.error);
    redraw(place.clone(), move || {
        let Some((name, reason)) = error.get() else {
            return Vec::new();
        };
        let advice = fill(&[&name, "Advice"].concat(), &[("reason", &reason)]);
        vec![page_error(&Explanation {
            what: word(&name),
            advice,
        })]
    });
    place
}
