//! The page's URL and other windows: how the user gets to the issuer and back.

use std::time::Duration;

use browser::{Listener, Timer};
use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{BroadcastChannel, MessageEvent, Url, UrlSearchParams, Window};

use crate::error::SignInError;

/// The prefix of the state of a sign-in in a separate window.
pub(crate) const STATE_PREFIX: &str = "window-";

/// The channel on which such a window sends the issuer's answer. There is no other way: the issuer may have
/// separated it from the window that opened it (WHATWG HTML, "Cross-origin opener policies").
const CHANNEL: &str = "slipway.sign-in";

/// The features of such a window.
const FEATURES: &str = "popup,width=480,height=720";

/// How long a sign-out waits for what is kept of the user to be removed.
const FORGETTING: Duration = Duration::from_secs(4);

/// Receives the answers of windows that were opened, until it is dropped.
pub(crate) struct Answers {
    channel: BroadcastChannel,
    _listener: Listener,
}

impl Answers {
    pub(crate) fn listen(on_answer: impl Fn(String) + 'static) -> Result<Self, SignInError> {
        let channel = BroadcastChannel::new(CHANNEL).map_err(browser)?;
        let listener = Listener::new(&channel, "message", move |event| {
            let message = event.dyn_ref::<MessageEvent>().map(MessageEvent::data);
            if let Some(answer) = message.and_then(|message| message.as_string()) {
                on_answer(answer);
            }
        });
        Ok(Self {
            channel,
            _listener: listener,
        })
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.channel.close();
    }
}

/// Takes the issuer's answer out of the page's URL.
pub(crate) fn take_answer() -> Result<Option<String>, SignInError> {
    let window = own_window()?;
    let query = window.location().search().map_err(browser)?;
    let parameters = UrlSearchParams::new_with_str(&query).map_err(browser)?;
    let is_answer = parameters.has("state") && (parameters.has("code") || parameters.has("error"));
    if !is_answer {
        return Ok(None);
    }
    // Neither a reload nor a bookmark may use the code again.
    let history = window.history().map_err(browser)?;
    history
        .replace_state_with_url(&JsValue::NULL, "", Some(&own_url()?))
        .map_err(browser)?;
    Ok(Some(query))
}

/// Whether an answer is for the window that opened this one.
pub(crate) fn is_for_opener(answer: &str) -> bool {
    let parameters = UrlSearchParams::new_with_str(answer);
    let state = parameters.ok().and_then(|parameters| parameters.get("state"));
    state.is_some_and(|state| state.starts_with(STATE_PREFIX))
}

/// Sends an answer to the window that opened this one, and closes this one.
pub(crate) fn send_to_opener(answer: &str) -> Result<(), SignInError> {
    let channel = BroadcastChannel::new(CHANNEL).map_err(browser)?;
    channel.post_message(&answer.into()).map_err(browser)?;
    channel.close();
    // If the browser does not let a page close its window, the page asks the user to.
    let _ = own_window()?.close();
    Ok(())
}

/// Asks the worker to forget the user, and waits until it has, but not longer than [`FORGETTING`].
pub(crate) async fn until_forgotten(tell: impl FnOnce()) {
    let mut guards = None;
    let channel = BroadcastChannel::new(browser::SIGNED_OUT_CHANNEL).ok();
    let forgotten = Promise::new(&mut |resolve, _| {
        let resolve_late = resolve.clone();
        let listener = channel
            .as_ref()
            .map(|channel| Listener::new(channel, "message", move |_| call(&resolve)));
        let timer = Timer::after(FORGETTING, move || call(&resolve_late));
        guards = Some((listener, timer));
    });
    tell();
    let _ = JsFuture::from(forgotten).await;
    drop(guards);
    if let Some(channel) = channel {
        channel.close();
    }
}

fn call(resolve: &Function) {
    let _ = resolve.call0(&JsValue::UNDEFINED);
}

/// Opens an empty window, which browsers allow only while they handle a click.
pub(crate) fn open() -> Result<Window, SignInError> {
    let opened =
        own_window()?.open_with_url_and_target_and_features("about:blank", "slipway-sign-in", FEATURES);
    opened.map_err(browser)?.ok_or(SignInError::Browser)
}

/// Navigates a window that was opened to a URL.
pub(crate) fn navigate(window: &Window, url: &str) -> Result<(), SignInError> {
    window.location().set_href(url).map_err(browser)
}

/// Leaves the page for a URL.
pub(crate) fn leave_for(url: &str) -> Result<(), SignInError> {
    own_window()?.location().assign(url).map_err(browser)
}

/// The page's URL without query and fragment, to which the issuer returns.
pub(crate) fn own_url() -> Result<String, SignInError> {
    let location = own_window()?.location();
    let origin = location.origin().map_err(browser)?;
    Ok(origin + &location.pathname().map_err(browser)?)
}

/// The URL of a file beside the page.
pub(crate) fn url_beside_page(file: &str) -> Result<String, SignInError> {
    let url = Url::new_with_base(file, &own_url()?).map_err(browser)?;
    Ok(url.href())
}

fn own_window() -> Result<Window, SignInError> {
    web_sys::window().ok_or(SignInError::Browser)
}

fn browser(_: JsValue) -> SignInError {
    SignInError::Browser
}
