//! The tokens of one page, and how they are renewed.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    time::Duration,
};

use wasm_bindgen_futures::spawn_local;

use browser::Timer;

use crate::{
    config::SignInConfig,
    error::SignInError,
    pending::Pending,
    provider::{Provider, Tokens},
    window,
};

/// How long before its end a token is renewed, at most.
const MARGIN: Duration = Duration::from_secs(60);

/// How long until renewing is tried again where the issuer did not answer.
const RETRY: Duration = Duration::from_secs(10);

/// What the page begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// Nobody is signed in.
    SignedOut,
    /// Somebody came back from the issuer and is signed in.
    SignedIn,
    /// This window was only for signing in, and the page that opened it has been told.
    Window,
}

/// The sign-in of one page.
#[derive(Clone)]
pub(crate) struct Session {
    inner: Rc<Inner>,
}

struct Inner {
    config: SignInConfig,
    token_changed: Box<dyn Fn(Option<String>)>,
    provider: RefCell<Option<Rc<Provider>>>,
    tokens: RefCell<Option<Tokens>>,
    timer: RefCell<Option<Timer>>,
    is_renewing: Cell<bool>,
    window: RefCell<Option<window::Answers>>,
}

impl Session {
    /// A sign-in by these settings. `token_changed` is called with each new access token, and with nothing
    /// once there is none: after a sign-out, or where a person has to sign in again.
    pub(crate) fn new(config: SignInConfig, token_changed: impl Fn(Option<String>) + 'static) -> Self {
        Self {
            inner: Rc::new(Inner {
                config,
                token_changed: Box::new(token_changed),
                provider: RefCell::default(),
                tokens: RefCell::default(),
                timer: RefCell::default(),
                is_renewing: Cell::new(false),
                window: RefCell::default(),
            }),
        }
    }

    /// Ends a sign-in that the page's address says has come back from the issuer, if it has.
    ///
    /// # Errors
    /// Where it was denied or does not hold.
    pub(crate) async fn begin(&self) -> Result<Begun, SignInError> {
        let Some(answer) = window::take_answer()? else {
            return Ok(Begun::SignedOut);
        };
        if window::is_for_opener(&answer) {
            window::tell_opener(&answer)?;
            return Ok(Begun::Window);
        }
        let pending = Pending::take()?.ok_or(SignInError::Unexpected)?;
        self.inner.finish(&pending, &answer).await?;
        Ok(Begun::SignedIn)
    }

    /// Leaves the page for the issuer, which comes back to it.
    ///
    /// # Errors
    /// Where the issuer cannot be asked, or the browser keeps nothing for the way back.
    pub(crate) async fn sign_in(&self) -> Result<(), SignInError> {
        let provider = self.inner.provider().await?;
        let pending = Pending::new(&provider, "");
        let url = provider.authorization_url(&self.inner.config, &pending).await?;
        pending.keep()?;
        window::leave_for(&url)
    }

    /// Signs in again in a window of its own, and leaves the page as it is. To be called while the browser
    /// handles a person's click, or it lets no window open.
    ///
    /// # Errors
    /// Where no window opens, or the issuer cannot be asked. What comes of it is told by `token_changed`.
    pub(crate) async fn sign_in_again(&self) -> Result<(), SignInError> {
        let opened = window::open()?;
        let provider = self.inner.provider().await?;
        let pending = Pending::new(&provider, window::STATE_PREFIX);
        let url = provider.authorization_url(&self.inner.config, &pending).await?;
        let inner = Rc::downgrade(&self.inner);
        let answers = window::Answers::listen(move |answer| {
            let (inner, pending) = (inner.clone(), pending.clone());
            spawn_local(async move {
                if let Some(inner) = Weak::upgrade(&inner) {
                    // An answer to an older window is not this one's, and a denial changes nothing.
                    let _ = inner.finish(&pending, &answer).await;
                }
            });
        })?;
        self.inner.window.replace(Some(answers));
        window::send(&opened, &url)
    }

    /// Renews the access token by the refresh token, unless that is being done. Without one that works, the
    /// page is told that there is no token any more.
    pub(crate) fn renew(&self) {
        self.inner.renew();
    }

    /// Forgets every token, here and at the issuer, and leaves the page for the issuer's sign-out, which
    /// comes back to it. Where the issuer has none, the page begins anew.
    ///
    /// # Errors
    /// Where the issuer's metadata cannot be read.
    pub(crate) async fn sign_out(&self) -> Result<(), SignInError> {
        self.inner.timer.take();
        let tokens = self.inner.tokens.take();
        let provider = self.inner.provider().await?;
        if let Some(token) = tokens.as_ref().and_then(|tokens| tokens.refresh_token.as_ref()) {
            // The session at the issuer ends in any case.
            let _ = provider.revoke(token).await;
        }
        (self.inner.token_changed)(None);
        let id_token = tokens.as_ref().map(|tokens| tokens.id_token.as_str());
        let url = provider.sign_out_url(id_token.unwrap_or_default())?;
        window::leave_for(&url.map_or_else(window::own_address, Ok)?)
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

    /// Makes tokens of the issuer's answer in the page's address.
    async fn finish(self: &Rc<Self>, pending: &Pending, answer: &str) -> Result<(), SignInError> {
        let provider = self.provider().await?;
        let tokens = provider.tokens_for(answer, pending).await?;
        self.window.take();
        self.keep(tokens);
        Ok(())
    }

    fn keep(self: &Rc<Self>, tokens: Tokens) {
        let renew_after = tokens.expires_in.map(|time| time - MARGIN.min(time / 4));
        let access_token = tokens.access_token.clone();
        self.tokens.replace(Some(tokens));
        self.timer.replace(renew_after.map(|delay| self.renew_in(delay)));
        (self.token_changed)(Some(access_token));
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
        let has_token = self.tokens.borrow().is_some();
        if !has_token || self.is_renewing.replace(true) {
            return;
        }
        let inner = Rc::clone(self);
        spawn_local(async move {
            let renewed = inner.renewed().await;
            inner.is_renewing.set(false);
            // Somebody who signed out meanwhile stays signed out.
            if inner.tokens.borrow().is_none() {
                return;
            }
            match renewed {
                Ok(tokens) => inner.keep(tokens),
                Err(SignInError::Unreachable(_)) => {
                    let timer = inner.renew_in(RETRY);
                    inner.timer.replace(Some(timer));
                }
                Err(_) => {
                    inner.tokens.take();
                    (inner.token_changed)(None);
                }
            }
        });
    }

    async fn renewed(&self) -> Result<Tokens, SignInError> {
        let tokens = self.tokens.borrow().clone().ok_or(SignInError::Unexpected)?;
        let provider = self.provider().await?;
        provider.refreshed(&tokens).await
    }
}
