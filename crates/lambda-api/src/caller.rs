//! Who calls, as API Gateway reports it.

use wire::{ApiError, ErrorCode, LINKS_FOLDER};

/// The principal of a request that did not pass an authorizer.
const ANONYMOUS: &str = "anonymous";

/// The longest `sub` claim in bytes; OpenID Connect Core 1.0, section 2, allows 255 ASCII characters.
const MAX_SUBJECT_BYTES: usize = 255;

/// The facts about the sender of a request that the audit names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// API Gateway's id of the request, which the client sees too, as `apigw-requestid`; else Lambda's.
    pub request_id: String,
    /// The sender's IP address as API Gateway saw it: CloudFront's, if the request came through a distribution.
    pub source_ip: String,
    /// The user's IP address as CloudFront saw it; else the sender's. Who calls the API directly and pretends to be
    /// CloudFront can choose it, but not [`Self::source_ip`].
    pub visitor_ip: String,
    /// Who is signed in; `None` if an authorizer names nobody that is understood here.
    pub principal: Option<Principal>,
    /// The groups that the token names.
    pub groups: Vec<String>,
}

/// A caller with a folder of their own, written as one segment of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal(String);

impl Caller {
    /// The sender of bytes that are no event, of whom nothing else is known.
    pub fn unknown(request_id: &str) -> Self {
        Self {
            request_id: request_id.to_owned(),
            ..Self::default()
        }
    }

    /// Who is signed in, which is `anonymous` if the request did not pass an authorizer.
    ///
    /// # Errors
    ///
    /// `NotSignedIn` if an authorizer names nobody that is understood here.
    pub fn signed_in(&self) -> Result<&Principal, ApiError> {
        self.principal.as_ref().ok_or_else(|| {
            let message = "the authorizer has no token with a sub claim of 1 to 255 bytes";
            ApiError::new(ErrorCode::NotSignedIn, message)
        })
    }
}

impl Principal {
    /// The principal of a request that did not pass an authorizer.
    pub fn anonymous() -> Self {
        Self(ANONYMOUS.to_owned())
    }

    /// The principal of a `sub` claim; `None` if it is empty or has more than 255 bytes.
    ///
    /// Different subjects have different segments, and none has `anonymous` or `links`: letters, digits, `-` and
    /// `_` stay, and any other byte becomes `!` and two hexadecimal digits. That is percent-encoding with
    /// `!`, because Amazon S3 advises against `%` in keys ("Naming Amazon S3 objects").
    pub fn of_subject(subject: &str) -> Option<Self> {
        if !(1..=MAX_SUBJECT_BYTES).contains(&subject.len()) {
            return None;
        }
        let is_taken = [ANONYMOUS, LINKS_FOLDER].contains(&subject);
        let mut segment = String::with_capacity(subject.len());
        for (index, byte) in subject.bytes().enumerate() {
            let plain = byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            if plain && !(index == 0 && is_taken) {
                segment.push(char::from(byte));
            } else {
                segment.push_str(&format!("!{byte:02X}"));
            }
        }
        Some(Self(segment))
    }

    /// The principal as a segment of a key.
    pub fn as_segment(&self) -> &str {
        &self.0
    }

    /// Whether the request did not pass an authorizer.
    pub fn is_anonymous(&self) -> bool {
        self.0 == ANONYMOUS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(subject: &str, expected: Option<&str>) {
        let principal = Principal::of_subject(subject);
        assert_eq!(
            principal.as_ref().map(Principal::as_segment),
            expected,
            "{subject:?}"
        );
    }

    #[test]
    fn a_subject_becomes_one_safe_segment() {
        check(
            "5f0c3a1e-9b7d-4c55-8f5e-1c2d3e4f5a6b",
            Some("5f0c3a1e-9b7d-4c55-8f5e-1c2d3e4f5a6b"),
        );
        check("auth0|123", Some("auth0!7C123"));
        check("a/b", Some("a!2Fb"));
        check("..", Some("!2E!2E"));
        check("é!", Some("!C3!A9!21"));
    }

    #[test]
    fn nobody_can_be_called_anonymous_or_links() {
        check("anonymous", Some("!61nonymous"));
        check("links", Some("!6Cinks"));
        check("!61nonymous", Some("!2161nonymous"));
    }

    #[test]
    fn a_subject_that_is_empty_or_too_long_is_nobody() {
        check("", None);
        check(&"s".repeat(256), None);
    }
}
