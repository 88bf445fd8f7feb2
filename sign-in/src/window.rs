//! The page's address and other windows: how a person gets to the issuer and back.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BroadcastChannel, MessageEvent, Url, UrlSearchParams, Window};

use crate::error::SignInError;
use browser::Listener;

/// What the state of a sign-in in a window of its own begins with.
pub(crate) const STATE_PREFIX: &str = "window-";

/// Where such a window tells of the issuer's answer. It has no other way: the issuer may have parted it
/// from the window that opened it (WHATWG HTML, "Cross-origin opener policies").
const CHANNEL: &str = "slipway.sign-in";

/// The size of such a window.
const FEATURES: &str = "popup,width=480,height=720";

/// Listens to the answers of windows that were opened, until it is dropped.
pub(crate) struct Answers {
    channel: BroadcastChannel,
    _listener: Listener,
}

impl Answers {
    /// # Errors
    /// Where the browser has no channels.
    pub(crate) fn listen(heard: impl Fn(String) + 'static) -> Result<Self, SignInError> {
        let channel = BroadcastChannel::new(CHANNEL).map_err(browser)?;
        let listener = Listener::new(&channel, "message", move |event| {
            let message = event.dyn_ref::<MessageEvent>().map(MessageEvent::data);
            if let Some(answer) = message.and_then(|message| message.as_string()) {
                heard(answer);
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

/// The issuer's answer in the page's address, which then has none any more.
///
/// # Errors
/// Where the browser does not tell the address.
pub(crate) fn take_answer() -> Result<Option<String>, SignInError> {
    let window = own_window()?;
    let query = window.location().search().map_err(browser)?;
    let parameters = UrlSearchParams::new_with_str(&query).map_err(browser)?;
    let is_answer = parameters.has("state") && (parameters.has("code") || parameters.has("error"));
    if !is_answer {
        return Ok(None);
    }
    // Neither a reload nor a bookmark shall use the code again.
    let history = window.history().map_err(browser)?;
    history
        .replace_state_with_url(&JsValue::NULL, "", Some(&own_address()?))
        .map_err(browser)?;
    Ok(Some(query))
}

/// Whether an answer belongs to the window that opened this one.
pub(crate) fn is_for_opener(answer: &str) -> bool {
    let parameters = UrlSearchParams::new_with_str(answer);
    let state = parameters.ok().and_then(|parameters| parameters.get("state"));
    state.is_some_and(|state| state.starts_with(STATE_PREFIX))
}

/// Hands an answer to the window that opened this one, and closes this one.
///
/// # Errors
/// Where the browser has no channels.
pub(crate) fn tell_opener(answer: &str) -> Result<(), SignInError> {
    let channel = BroadcastChannel::new(CHANNEL).map_err(browser)?;
    channel.post_message(&answer.into()).map_err(browser)?;
    channel.close();
    // A browser that does not let a page close its window leaves it with a word of what to do.
    let _ = own_window()?.close();
    Ok(())
}

/// Opens an empty window, while a person's click allows it.
///
/// # Errors
/// Where the browser does not allow it.
pub(crate) fn open() -> Result<Window, SignInError> {
    let opened =
        own_window()?.open_with_url_and_target_and_features("about:blank", "slipway-sign-in", FEATURES);
    opened.map_err(browser)?.ok_or(SignInError::Browser)
}

/// Sends a window that was opened to an address.
///
/// # Errors
/// Where it is closed.
pub(crate) fn send(window: &Window, url: &str) -> Result<(), SignInError> {
    window.location().set_href(url).map_err(browser)
}

/// Leaves the page.
///
/// # Errors
/// Where the browser does not go there.
pub(crate) fn leave_for(url: &str) -> Result<(), SignInError> {
    own_window()?.location().assign(url).map_err(browser)
}

/// The page's address without query and fragment, which is where the issuer comes back to.
///
/// # Errors
/// Where the browser does not tell it.
pub(crate) fn own_address() -> Result<String, SignInError> {
    let location = own_window()?.location();
    let origin = location.origin().map_err(browser)?;
    Ok(origin + &location.pathname().map_err(browser)?)
}

/// The address of a file beside the page.
///
/// # Errors
/// Where the page has no address.
pub(crate) fn beside_the_page(file: &str) -> Result<String, SignInError> {
    let url = Url::new_with_base(file, &own_address()?).map_err(browser)?;
    Ok(url.href())
}

fn own_window() -> Result<Window, SignInError> {
    web_sys::window().ok_or(SignInError::Browser)
}

fn browser(_: JsValue) -> SignInError {
    SignInError::Browser
}
