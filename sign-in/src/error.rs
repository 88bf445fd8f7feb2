//! Why nobody is signed in.

use js_sys::{Array, Reflect};
use wasm_bindgen::{JsCast, JsValue};

/// Why a sign-in did not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignInError {
    /// The issuer, or the library that talks to it, cannot be reached; the text is the browser's.
    Unreachable(String),
    /// The person, or the issuer, does not want it (RFC 6749, section 4.1.2.1, `access_denied`).
    Denied,
    /// The issuer answered with another error, which the text names.
    Refused(String),
    /// An answer came that this tab has not asked for, or not lately.
    Unexpected,
    /// The browser keeps nothing for the way to the issuer and back, or opens no window.
    Browser,
    /// The settings cannot be worked with; the text says why.
    Settings(String),
}

/// As the page is told: the name of its words, and what the browser or the issuer said.
impl From<SignInError> for JsValue {
    fn from(error: SignInError) -> Self {
        let (name, reason) = match error {
            SignInError::Unreachable(reason) => ("signInUnreachable", reason),
            SignInError::Denied => ("signInDenied", String::new()),
            SignInError::Refused(reason) => ("signInRefused", reason),
            SignInError::Unexpected => ("signInUnexpected", String::new()),
            SignInError::Browser => ("signInBrowser", String::new()),
            SignInError::Settings(reason) => ("configError", reason),
        };
        Array::of2(&name.into(), &reason.into()).into()
    }
}

impl SignInError {
    /// The error that the library threw.
    pub(crate) fn of_library(error: &JsValue) -> Self {
        let field = |name: &str| Reflect::get(error, &name.into()).ok()?.as_string();
        if let Some(code) = field("error") {
            return match (code.as_str(), field("error_description")) {
                ("access_denied", _) => Self::Denied,
                (_, Some(description)) => Self::Refused(format!("{code}: {description}")),
                (_, None) => Self::Refused(code),
            };
        }
        let message = field("message").unwrap_or_else(|| format!("{error:?}"));
        // `fetch` throws a TypeError where there was no answer (WHATWG Fetch, section 5.6).
        if error.is_instance_of::<js_sys::TypeError>() {
            Self::Unreachable(message)
        } else {
            Self::Refused(message)
        }
    }
}
