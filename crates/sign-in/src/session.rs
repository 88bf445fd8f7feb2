//! The tokens of one page, and how they are renewed.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    time::Duration,
};

use browser::Timer;
use wasm_bindgen_futures::spawn_local;

use crate::{
    config::SignInConfig,
    error::{RenewalFailure, SignInError},
    pending::Pending,
    provider::{Provider, Tokens},
    window,
};

/// How long before it expires a token is renewed, at most.
const MARGIN: Duration = Duration::from_secs(60);

/// How long at most until a renewal is tried again that the issuer did not decide; each wait is twice as long as
/// the one before.
const FIRST_RETRY: Duration = Duration::from_secs(4);

/// The longest such wait.
const LAST_RETRY: Duration = Duration::from_secs(60);

/// In what state the page starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StartState {
    /// Nobody is signed in.
    SignedOut,
    /// The user has returned from the issuer and is signed in.
    SignedIn,
    /// This window was opened only to sign in, and the page that opened it has received the issuer's answer.
    SignInWindow,
}

/// The access token, as the page has to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It can be used.
    Token(String),
    /// It cannot be used any more, and the issuer is asked for another until it answers.
    Awaited,
    /// The user has to sign in first.
    Ended,
    /// The user wants to sign out, and nothing of theirs is to be kept.
    SignedOut,
}

/// The sign-in of one page.
#[derive(Clone)]
pub(crate) struct Session {
    inner: Rc<Inner>,
}

struct Inner {
    config: SignInConfig,
    on_access: Box<dyn Fn(Access)>,
    provider: RefCell<Option<Rc<Provider>>>,
    tokens: RefCell<Option<Tokens>>,
    timer: RefCell<Option<Timer>>,
    is_renewing: Cell<bool>,
    /// Renewals in a row that the issuer did not decide; the timer is set for the next.
    undecided: Cell<u32>,
    /// Whether the access token has expired or the API refuses it.
    is_dead: Cell<bool>,
    window: RefCell<Option<window::Answers>>,
}

impl Session {
    /// A sign-in with these settings. `on_access` is called with each change of the access token.
    pub(crate) fn new(config: SignInConfig, on_access: impl Fn(Access) + 'static) -> Self {
        Self {
            inner: Rc::new(Inner {
                config,
                on_access: Box::new(on_access),
                provider: RefCell::default(),
                tokens: RefCell::default(),
                timer: RefCell::default(),
                is_renewing: Cell::new(false),
                undecided: Cell::new(0),
                is_dead: Cell::new(false),
                window: RefCell::default(),
            }),
        }
    }

    /// Completes a sign-in if the page's URL has an answer from the issuer.
    pub(crate) async fn begin(&self) -> Result<StartState, SignInError> {
        let Some(answer) = window::take_answer()? else {
            return Ok(StartState::SignedOut);
        };
        if window::is_for_opener(&answer) {
            window::send_to_opener(&answer)?;
            return Ok(StartState::SignInWindow);
        }
        let pending = Pending::take()?.ok_or(SignInError::Unexpected)?;
        self.inner.complete(&pending, &answer).await?;
        Ok(StartState::SignedIn)
    }

    /// Leaves the page for the issuer, which returns to it.
    pub(crate) async fn sign_in(&self) -> Result<(), SignInError> {
        let provider = self.inner.provider().await?;
        let (pending, url) = provider.authorize(&self.inner.config, "").await?;
        pending.store()?;
        window::leave_for(&url)
    }

    /// Signs in again in a separate window, and leaves the page as it is. Must be called while the browser
    /// handles a click, or no window opens. The result arrives through `on_access`.
    pub(crate) async fn sign_in_again(&self) -> Result<(), SignInError> {
        let opened = window::open()?;
        let provider = self.inner.provider().await?;
        let (pending, url) = provider
            .authorize(&self.inner.config, window::STATE_PREFIX)
            .await?;
        let inner = Rc::downgrade(&self.inner);
        let answers = window::Answers::listen(move |answer| {
            let (inner, pending) = (inner.clone(), pending.clone());
            spawn_local(async move {
                if let Some(inner) = Weak::upgrade(&inner) {
                    // An answer to an older window is not for this one, and a denial changes nothing.
                    let _ = inner.complete(&pending, &answer).await;
                }
            });
        })?;
        self.inner.window.replace(Some(answers));
        window::navigate(&opened, &url)
    }

    /// The access token, while it can be used.
    pub(crate) fn access_token(&self) -> Option<String> {
        let tokens = self.inner.tokens.borrow();
        let tokens = tokens.as_ref().filter(|_| !self.inner.is_dead.get());
        tokens.map(|tokens| tokens.access_token.clone())
    }

    /// Renews the access token, which the API refuses, with the refresh token. Unless that works at once,
    /// `on_access` is called with what takes its place.
    pub(crate) fn renew(&self) {
        self.inner.is_dead.set(true);
        if self.inner.undecided.get() == 0 {
            self.inner.renew();
        } else {
            // The issuer is left alone until the timer fires.
            self.inner.report_dead();
        }
    }

    /// Drops every token, here and at the issuer, and leaves the page for the issuer's sign-out, which returns to
    /// it. If the issuer has no sign-out, the page is reloaded. What the page keeps of the user's uploads is removed
    /// first.
    pub(crate) async fn sign_out(&self) -> Result<(), SignInError> {
        self.inner.timer.take();
        let tokens = self.inner.tokens.take();
        window::until_forgotten(|| (self.inner.on_access)(Access::SignedOut)).await;
        let provider = self.inner.provider().await?;
        if let Some(token) = tokens.as_ref().and_then(|tokens| tokens.refresh_token.as_ref()) {
            // The session at the issuer ends even if this fails.
            let _ = provider.revoke(token).await;
        }
        (self.inner.on_access)(Access::Ended);
        let url = provider.sign_out_url()?;
        window::leave_for(&url.map_or_else(window::own_url, Ok)?)
    }
}

impl Inner {
    async fn provider(&self) -> Result<Rc<Provider>, SignInError> {
        if let Some(provider) = self.provider.borrow().clone() {
            return Ok(provider);
        }
        let provider = Rc::new(Provider::discover(&self.config).await?);
        self.provider.replace(Some(Rc::clone(&provider)));
        Ok(provider)
    }

    /// Exchanges the issuer's answer for tokens.
    async fn complete(self: &Rc<Self>, pending: &Pending, answer: &str) -> Result<(), SignInError> {
        let provider = self.provider().await?;
        let tokens = provider.tokens_for(answer, pending).await?;
        self.window.take();
        self.set_tokens(tokens);
        Ok(())
    }

    fn set_tokens(self: &Rc<Self>, tokens: Tokens) {
        let renew_after = tokens.expires_in.map(|time| time - MARGIN.min(time / 4));
        let access_token = tokens.access_token.clone();
        self.tokens.replace(Some(tokens));
        self.undecided.set(0);
        self.is_dead.set(false);
        self.timer.replace(renew_after.map(|delay| self.renew_in(delay)));
        (self.on_access)(Access::Token(access_token));
    }

    fn access_token(&self) -> Option<String> {
        let tokens = self.tokens.borrow();
        tokens.as_ref().map(|tokens| tokens.access_token.clone())
    }

    fn renew_in(self: &Rc<Self>, delay: Duration) -> Timer {
        let inner = Rc::downgrade(self);
        Timer::after(delay, move || {
            if let Some(inner) = Weak::upgrade(&inner) {
                inner.renew();
            }
        })
    }

    fn renew(self: &Rc<Self>) {
        let before = self.access_token();
        if before.is_none() || self.is_renewing.replace(true) {
            return;
        }
        let inner = Rc::clone(self);
        spawn_local(async move {
            let renewed = inner.refresh_tokens().await;
            inner.is_renewing.set(false);
            // A user who has signed out or in meanwhile stays so.
            if inner.access_token() != before {
                return;
            }
            match renewed {
                Ok(tokens) => inner.set_tokens(tokens),
                Err(RenewalFailure::NoDecision) => inner.on_undecided(),
                Err(RenewalFailure::SessionEnded) => {
                    inner.tokens.take();
                    (inner.on_access)(Access::Ended);
                }
            }
        });
    }

    /// Asks the issuer again later. The user stays signed in for as long as the access token is good.
    fn on_undecided(self: &Rc<Self>) {
        let undecided = self.undecided.get();
        self.undecided.set(undecided + 1);
        let timer = self.renew_in(retry_delay(undecided, js_sys::Math::random()));
        self.timer.replace(Some(timer));
        self.report_dead();
    }

    fn report_dead(&self) {
        let has_expired = self.tokens.borrow().as_ref().is_some_and(Tokens::have_expired);
        if self.is_dead.get() || has_expired {
            (self.on_access)(Access::Awaited);
        }
    }

    async fn refresh_tokens(&self) -> Result<Tokens, RenewalFailure> {
        let tokens = self.tokens.borrow().clone();
        let tokens = tokens.ok_or(RenewalFailure::SessionEnded)?;
        // Without the issuer's metadata nobody has been asked.
        let provider = self.provider().await.map_err(|_| RenewalFailure::NoDecision)?;
        provider.refresh(&tokens).await
    }
}

/// How long to wait before a renewal is tried again after `earlier` waits. `jitter`, from 0 to 1, spreads what many
/// pages ask of an issuer that comes back.
fn retry_delay(earlier: u32, jitter: f64) -> Duration {
    let longest = LAST_RETRY.min(FIRST_RETRY * 2_u32.saturating_pow(earlier.min(16)));
    longest.mul_f64(0.5 + jitter / 2.0)
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn each_wait_for_the_issuer_is_longer_up_to_a_minute() {
        for (earlier, jitter, expected) in [
            (0, 0.0, 2.0),
            (0, 1.0, 4.0),
            (1, 1.0, 8.0),
            (3, 1.0, 32.0),
            (4, 1.0, 60.0),
            (4, 0.0, 30.0),
            (u32::MAX, 1.0, 60.0),
        ] {
            let delay = retry_delay(earlier, jitter);
            assert_eq!(delay.as_secs_f64(), expected, "after {earlier} waits");
        }
    }
}
