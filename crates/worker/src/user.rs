//! Whose uploads the page has, as far as its access token says.
//!
//! The token is read without trusting it: what follows from it is only which records of this browser are shown. The API
//! alone decides what the token is good for.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use wire::Sha256Digest;

/// Whose uploads the page has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum User {
    /// No token has arrived: there is no sign-in.
    Nobody,
    /// The user whom the token names: the SHA-256 of its issuer and its subject, so that neither is stored; or of the id
    /// of an upload link.
    Known(Sha256Digest),
    /// Somebody whom the token does not name. As nobody can tell later whose they were, no records are kept.
    Unknown,
}

/// What a token says of its user (RFC 7519, sections 4.1.1 and 4.1.2).
#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    iss: String,
    sub: String,
}

/// What an upload link says of itself (`wire::Link`).
#[derive(Deserialize)]
struct LinkClaims {
    jti: String,
}

impl User {
    /// The user of a page that was opened with this upload link: whoever else opens it with the same one is the same.
    pub(crate) fn of_link(token: &str) -> Self {
        claims(token).map_or(Self::Unknown, |LinkClaims { jti }| Self::known(&[&jti]))
    }

    /// The user of this token, which need not be a JWT.
    pub(crate) fn of_token(token: &str) -> Self {
        claims(token).map_or(Self::Unknown, |Claims { iss, sub }| Self::known(&[&iss, &sub]))
    }

    /// As JSON no two lists are one text.
    fn known(names: &[&str]) -> Self {
        let names = serde_json::json!(names).to_string();
        Self::Known(Sha256Digest::new(Sha256::digest(names).into()))
    }

    /// Whether a record is theirs in which this user stands.
    pub(crate) fn owns(self, user: Option<Sha256Digest>) -> bool {
        self != Self::Unknown && user == self.id()
    }

    /// What stands in the records of this user; `None` if nobody has to sign in.
    pub(crate) const fn id(self) -> Option<Sha256Digest> {
        match self {
            Self::Known(id) => Some(id),
            Self::Nobody | Self::Unknown => None,
        }
    }
}

/// The claims of a signed JWT: the middle one of three parts (RFC 7515, section 7.1).
fn claims<T: DeserializeOwned>(token: &str) -> Option<T> {
    let parts: Vec<&str> = token.split('.').collect();
    let [_, payload, _] = parts[..] else {
        return None;
    };
    let payload = Base64UrlUnpadded::decode_vec(payload).ok()?;
    serde_json::from_slice(&payload).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn token(claims: &str) -> String {
        let payload = Base64UrlUnpadded::encode_string(claims.as_bytes());
        format!("e30.{payload}.c2lnbmF0dXJl")
    }

    /// A token of one issuer with this subject.
    pub(crate) fn token_of(subject: &str) -> String {
        token(&serde_json::json!({ "iss": "https://a.example", "sub": subject }).to_string())
    }

    fn user(claims: &str) -> User {
        User::of_token(&token(claims))
    }

    #[wasm_bindgen_test]
    fn a_renewed_token_has_the_same_user_and_another_subject_has_not() {
        let alice = user(r#"{"iss": "https://a.example", "sub": "alice", "exp": 1}"#);
        assert!(alice.id().is_some());
        for (claims, is_alice) in [
            (
                r#"{"sub": "alice", "iss": "https://a.example", "exp": 2, "scope": "upload"}"#,
                true,
            ),
            (r#"{"iss": "https://a.example", "sub": "bob"}"#, false),
            (r#"{"iss": "https://b.example", "sub": "alice"}"#, false),
            (r#"{"iss": "https://a.example\",\"", "sub": "alice"}"#, false),
            (r#"{"sub": "alice"}"#, false),
            (r#"{"iss": "https://a.example", "sub": "alicé 🎉"}"#, false),
        ] {
            let user = user(claims);
            assert!(user.id().is_some(), "{claims}");
            assert_eq!(user == alice, is_alice, "{claims}");
        }
    }

    #[wasm_bindgen_test]
    fn a_link_is_a_user_of_its_own_for_as_long_as_it_has_its_id() {
        let link = |claims: &str| User::of_link(&token(claims));
        let one = link(r#"{"jti": "1", "exp": 1}"#);
        assert!(one.id().is_some());
        assert_eq!(one, link(r#"{"exp": 2, "jti": "1"}"#));
        assert_ne!(one, link(r#"{"jti": "2"}"#));
        assert_ne!(one, user(r#"{"sub": "1"}"#));
        assert_eq!(link(r#"{"sub": "1"}"#), User::Unknown);
        assert_eq!(User::of_link("no token"), User::Unknown);
    }

    #[wasm_bindgen_test]
    fn a_token_that_names_nobody_is_of_an_unknown_user() {
        let five_parts = token(r#"{"sub": "alice"}"#) + ".more.parts";
        for token in [
            "opaque",
            "a.b",
            "a.%.c",
            "..",
            &five_parts,
            &token("{}"),
            &token("[1]"),
        ] {
            assert_eq!(User::of_token(token), User::Unknown, "{token}");
        }
    }
}
