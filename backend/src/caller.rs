//! Who calls, as API Gateway says.

/// The principal of a request that no authorizer looked at.
const ANONYMOUS: &str = "anonymous";

/// Longest `sub` claim in bytes; OpenID Connect Core 1.0, section 2, allows 255 ASCII characters.
const MAX_SUBJECT_BYTES: usize = 255;

/// The facts about a request's sender that the audit names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// API Gateway's id of the request, which the client sees too, as `apigw-requestid`; else Lambda's.
    pub request_id: String,
    /// The sender's IP address as API Gateway saw it.
    pub source_ip: String,
    /// Who is signed in; nobody where a token came without a usable `sub` claim.
    pub principal: Option<Principal>,
}

/// Somebody with a folder of their own, written as a segment of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal(String);

impl Caller {
    /// Nobody known: what is left to say of bytes that are no event.
    pub(crate) fn unknown(request_id: &str) -> Self {
        Self {
            request_id: request_id.to_owned(),
            ..Self::default()
        }
    }
}

impl Principal {
    /// The principal of a request that no authorizer looked at.
    pub(crate) fn anonymous() -> Self {
        Self(ANONYMOUS.to_owned())
    }

    /// The principal of a `sub` claim, unless it is empty or too long.
    ///
    /// Different subjects give different segments, and none gives `anonymous`: letters, digits, `-` and
    /// `_` stay, and any other byte becomes `!` and two hexadecimal digits. That is percent-encoding with
    /// `!`, because Amazon S3 advises against `%` in keys ("Naming Amazon S3 objects").
    pub(crate) fn of_subject(subject: &str) -> Option<Self> {
        if !(1..=MAX_SUBJECT_BYTES).contains(&subject.len()) {
            return None;
        }
        let mut segment = String::with_capacity(subject.len());
        for (index, byte) in subject.bytes().enumerate() {
            let plain = byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            if plain && !(index == 0 && subject == ANONYMOUS) {
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

    /// Whether nobody is signed in.
    pub(crate) fn is_anonymous(&self) -> bool {
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
    fn nobody_can_be_called_anonymous() {
        check("anonymous", Some("!61nonymous"));
        check("!61nonymous", Some("!2161nonymous"));
    }

    #[test]
    fn a_subject_that_is_empty_or_too_long_is_nobody() {
        check("", None);
        check(&"s".repeat(256), None);
    }
}
