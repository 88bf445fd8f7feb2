//! A secret that the distribution sends along, so that nobody calls the API beside it and its firewall.

use std::fmt;

use wire::{ApiError, ErrorCode};

use crate::Request;

/// The header in which the distribution sends it. CloudFront replaces what a user sends under this name.
const HEADER: &str = "x-slipway-origin";

/// The secret. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct OriginSecret(String);

impl OriginSecret {
    pub(crate) fn new(secret: String) -> Self {
        Self(secret)
    }

    /// Checks that a request came through the distribution.
    ///
    /// # Errors
    ///
    /// `Forbidden` if it does not have the secret.
    pub fn check(&self, request: &Request) -> Result<(), ApiError> {
        let sent = request.header(HEADER).unwrap_or_default();
        if are_equal(sent.as_bytes(), self.0.as_bytes()) {
            return Ok(());
        }
        let message = "the API is called through its distribution here";
        Err(ApiError::new(ErrorCode::Forbidden, message))
    }
}

impl fmt::Debug for OriginSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OriginSecret")
    }
}

/// Compares in a time that does not depend on where two texts differ.
fn are_equal(one: &[u8], other: &[u8]) -> bool {
    let pairs = one.iter().zip(other);
    let difference = pairs.fold(0, |difference, (one, other)| difference | (one ^ other));
    one.len() == other.len() && difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: Option<&str>, expected: Result<(), ErrorCode>) {
        let mut event = serde_json::json!({
            "rawPath": "/sign",
            "requestContext": {"http": {"method": "POST"}},
            "headers": {},
        });
        if let Some(value) = header {
            event["headers"][HEADER] = value.into();
        }
        let request = Request::read(event.to_string().as_bytes(), "").expect("a request");
        let secret = OriginSecret::new("secret".to_owned());
        let checked = secret.check(&request).map_err(|error| error.code);
        assert_eq!(checked, expected, "{header:?}");
    }

    #[test]
    fn only_the_whole_secret_opens_the_api() {
        check(Some("secret"), Ok(()));
        for header in [None, Some(""), Some("secre"), Some("secret1"), Some("Secret")] {
            check(header, Err(ErrorCode::Forbidden));
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let shown = format!("{:?}", OriginSecret::new("secret".to_owned()));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
