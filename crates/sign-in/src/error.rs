//! Why a sign-in or its renewal failed.

use js_sys::{Array, Reflect};
use wasm_bindgen::{JsCast, JsValue};

/// Why a sign-in failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignInError {
    /// The issuer or the library cannot be reached; with the browser's message.
    Unreachable(String),
    /// The user or the issuer refused (RFC 6749, section 4.1.2.1, `access_denied`).
    Denied,
    /// The issuer answered with another error, which the text names.
    Refused(String),
    /// An answer arrived that this tab has not asked for.
    Unexpected,
    /// The browser stores nothing while the user is at the issuer, or opens no window.
    Browser,
    /// The settings are invalid; the text says why.
    Settings(String),
}

/// What the page receives: the key of its words, and the message of the browser or the issuer.
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

/// What a renewal that failed means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RenewalFailure {
    /// The refresh token is good for nothing any more: the user has to sign in again.
    SessionEnded,
    /// The issuer did not decide, so it is asked again.
    NoDecision,
}

impl RenewalFailure {
    /// What an error that the library threw means. Only `invalid_grant` says that a refresh token is invalid,
    /// expired or revoked (RFC 6749, section 5.2). All else comes from a busy issuer, or from something between it
    /// and the page.
    pub(crate) fn of_library(error: &JsValue) -> Self {
        match field(error, "error").as_deref() {
            Some("invalid_grant") => Self::SessionEnded,
            _ => Self::NoDecision,
        }
    }
}

fn field(error: &JsValue, name: &str) -> Option<String> {
    Reflect::get(error, &name.into()).ok()?.as_string()
}

impl SignInError {
    /// The error that the library threw.
    pub(crate) fn of_library(error: &JsValue) -> Self {
        if let Some(code) = field(error, "error") {
            return match (code.as_str(), field(error, "error_description")) {
                ("access_denied", _) => Self::Denied,
                (_, Some(description)) => Self::Refused(format!("{code}: {description}")),
                (_, None) => Self::Refused(code),
            };
        }
        let message = field(error, "message").unwrap_or_else(|| format!("{error:?}"));
        // `fetch` throws a TypeError if there was no answer (WHATWG Fetch, section 5.6).
        if error.is_instance_of::<js_sys::TypeError>() {
            Self::Unreachable(message)
        } else {
            Self::Refused(message)
        }
    }
}

#[cfg(test)]
mod tests {
    use js_sys::{Error, JSON, TypeError};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    /// What the library throws for a 4xx answer with this body (`ResponseBodyError`).
    fn answered(body: &str) -> JsValue {
        JSON::parse(body).expect("JSON")
    }

    #[wasm_bindgen_test]
    fn only_an_invalid_grant_ends_a_session() {
        use RenewalFailure::{NoDecision, SessionEnded};
        // What is not an OAuth error of a 4xx answer is thrown without a field `error`.
        let no_conform_answer = || Error::new("unexpected HTTP status code").into();
        for (answer, error, expected) in [
            ("400", answered(r#"{"error": "invalid_grant"}"#), SessionEnded),
            (
                "400, described",
                answered(r#"{"error": "invalid_grant", "error_description": "expired"}"#),
                SessionEnded,
            ),
            (
                "400, busy",
                answered(r#"{"error": "temporarily_unavailable"}"#),
                NoDecision,
            ),
            (
                "400, failed",
                answered(r#"{"error": "server_error"}"#),
                NoDecision,
            ),
            ("401", answered(r#"{"error": "invalid_client"}"#), NoDecision),
            ("429", answered(r#"{"error": "slow_down"}"#), NoDecision),
            ("another shape", answered(r#"{"error": {"code": 7}}"#), NoDecision),
            ("503, HTML, JSON without a token", no_conform_answer(), NoDecision),
            ("no answer", TypeError::new("Failed to fetch").into(), NoDecision),
            ("nothing", JsValue::UNDEFINED, NoDecision),
        ] {
            assert_eq!(RenewalFailure::of_library(&error), expected, "{answer}");
        }
    }
}
