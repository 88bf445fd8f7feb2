//! The JWT authorizer of an HTTP API (Amazon API Gateway Developer Guide, "Control access to HTTP APIs with
//! JWT authorizers in API Gateway").

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use jsonwebtoken::{AlgorithmFamily, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::issuer_keys::IssuerKeys;
use crate::controls::Controls;

/// The claims of a token, by name.
type Claims = Map<String, Value>;

/// How the API's authorizer is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizerOptions {
    /// The issuer that every token has to name, as its own metadata has it.
    pub issuer: String,
    /// The audiences of which a token has to name one, in `aud` or, if it has no `aud`, in `client_id`.
    pub audiences: Vec<String>,
    /// The scopes of which a token has to have one; any token will do if the list is empty.
    pub scopes: Vec<String>,
}

/// An authorizer with the keys of its issuer.
pub(crate) struct Authorizer {
    options: AuthorizerOptions,
    keys: IssuerKeys,
    controls: Arc<Controls>,
}

/// Why a request is denied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Denial {
    #[error("there is no token")]
    NoToken,
    #[error("{0}")]
    InvalidToken(String),
    #[error("the token has none of the scopes {0}")]
    InsufficientScope(String),
}

impl Authorizer {
    pub(crate) fn new(options: AuthorizerOptions, controls: Arc<Controls>) -> Self {
        Self {
            keys: IssuerKeys::new(&options.issuer),
            options,
            controls,
        }
    }

    /// Checks the token of a request, and returns `requestContext.authorizer` of its event.
    pub(super) async fn authorize(&self, headers: &HeaderMap) -> Result<Value, Denial> {
        let token = bearer_token(headers).ok_or(Denial::NoToken)?;
        let claims = self.verified_claims(token).await?;
        let offset = time::Duration::seconds(self.controls.state().gateway_clock_offset_seconds);
        let now = OffsetDateTime::now_utc() + offset;
        check_claims(&claims, &self.options, now.unix_timestamp() as f64)?;
        let scopes = scopes(&claims);
        let needed = &self.options.scopes;
        if !needed.is_empty() && !needed.iter().any(|scope| scopes.contains(&scope.as_str())) {
            return Err(Denial::InsufficientScope(needed.join(" ")));
        }
        // The event names the scopes only if the route asks for some.
        let scopes = (!needed.is_empty()).then_some(scopes);
        Ok(json!({"jwt": {"claims": claims_of_event(&claims), "scopes": scopes}}))
    }

    /// The claims of a token that the issuer has signed. API Gateway takes signatures by RSA only.
    async fn verified_claims(&self, token: &str) -> Result<Claims, Denial> {
        let header = decode_header(token).map_err(invalid)?;
        let key_id = header.kid.ok_or_else(|| invalid("the token names no key"))?;
        if !AlgorithmFamily::Rsa.algorithms().contains(&header.alg) {
            return Err(invalid(format!("signing method {:?} is invalid", header.alg)));
        }
        let key = self.keys.find(&key_id).await.map_err(invalid)?;
        let key = DecodingKey::from_jwk(&key).map_err(invalid)?;
        // The claims are checked afterwards, because the library knows neither client_id nor iat.
        let mut validation = Validation::new(header.alg);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let token = decode::<Claims>(token, &key, &validation).map_err(invalid)?;
        Ok(token.claims)
    }
}

impl Denial {
    /// The status that API Gateway answers with.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NoToken | Self::InvalidToken(_) => StatusCode::UNAUTHORIZED,
            Self::InsufficientScope(_) => StatusCode::FORBIDDEN,
        }
    }

    /// The `WWW-Authenticate` header of the answer (RFC 6750, section 3).
    pub(super) fn challenge(&self) -> HeaderValue {
        let challenge = match self {
            Self::NoToken => "Bearer".to_owned(),
            Self::InvalidToken(reason) => {
                let reason = reason.replace(['"', '\\'], "'");
                format!("Bearer error=\"invalid_token\", error_description=\"{reason}\"")
            }
            Self::InsufficientScope(scopes) => {
                format!("Bearer error=\"insufficient_scope\", scope=\"{scopes}\"")
            }
        };
        HeaderValue::from_str(&challenge).unwrap_or(HeaderValue::from_static("Bearer"))
    }
}

fn invalid(reason: impl ToString) -> Denial {
    Denial::InvalidToken(reason.to_string())
}

/// The token of the `Authorization` header, with or without `Bearer` before it.
fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim();
    let token = match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => token.trim(),
        Some(_) => return None,
        None => value,
    };
    Some(token).filter(|token| !token.is_empty())
}

/// Checks issuer, audience and times; `now` is in seconds since 1970-01-01T00:00:00Z.
fn check_claims(claims: &Claims, options: &AuthorizerOptions, now: f64) -> Result<(), Denial> {
    if text(claims, "iss") != Some(&options.issuer) {
        return Err(invalid("the token has another issuer"));
    }
    if !audiences(claims)
        .iter()
        .any(|audience| options.audiences.iter().any(|allowed| allowed == audience))
    {
        return Err(invalid("the token does not have a valid audience"));
    }
    let time = |name: &str| claims.get(name).map(|value| value.as_f64().unwrap_or(f64::NAN));
    // NaN compares false with everything, so a claim that is not a number fails every check.
    if !time("exp").is_some_and(|expiry| expiry > now) {
        return Err(invalid("the token has expired"));
    }
    for name in ["nbf", "iat"] {
        if !time(name).is_none_or(|begin| begin <= now) {
            return Err(invalid(format!("the token's {name} is not in the past")));
        }
    }
    Ok(())
}

/// `aud`, which may be one text or a list; `client_id` counts only if there is no `aud`.
fn audiences(claims: &Claims) -> Vec<&str> {
    match claims.get("aud") {
        Some(Value::Array(audiences)) => audiences.iter().filter_map(Value::as_str).collect(),
        Some(audience) => audience.as_str().into_iter().collect(),
        None => text(claims, "client_id").into_iter().collect(),
    }
}

/// The scopes of `scope` (RFC 8693, section 4.2) or of `scp`, which may be a list.
fn scopes(claims: &Claims) -> Vec<&str> {
    match claims.get("scope").or_else(|| claims.get("scp")) {
        Some(Value::Array(scopes)) => scopes.iter().filter_map(Value::as_str).collect(),
        Some(scopes) => scopes.as_str().unwrap_or_default().split_whitespace().collect(),
        None => Vec::new(),
    }
}

fn text<'a>(claims: &'a Claims, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str()
}

/// The claims as an event has them: every value is a text, lists in brackets.
fn claims_of_event(claims: &Claims) -> Claims {
    let as_text = |value: &Value| match value {
        Value::Array(values) => {
            let texts: Vec<String> = values.iter().map(plain).collect();
            format!("[{}]", texts.join(" "))
        }
        other => plain(other),
    };
    let claims = claims.iter();
    claims
        .map(|(name, value)| (name.clone(), as_text(value).into()))
        .collect()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> AuthorizerOptions {
        AuthorizerOptions {
            issuer: "https://issuer".to_owned(),
            audiences: vec!["page".to_owned(), "tool".to_owned()],
            scopes: Vec::new(),
        }
    }

    /// Checks the claims of a good token with some replaced, or removed where they are null.
    fn check(changes: Value, expected: Result<(), &str>) {
        let mut claims = json!({"iss": "https://issuer", "aud": "page", "exp": 101, "iat": 100, "nbf": 100});
        for (name, value) in changes.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        let mut claims = claims.as_object().expect("an object").clone();
        claims.retain(|_, value| !value.is_null());
        let checked = check_claims(&claims, &options(), 100.0);
        match expected {
            Ok(()) => assert_eq!(checked, Ok(()), "{changes}"),
            Err(reason) => {
                let denial = checked.expect_err(reason).to_string();
                assert!(denial.contains(reason), "{changes}: {denial}");
            }
        }
    }

    #[test]
    fn one_audience_is_enough_and_client_id_counts_without_aud() {
        check(json!({"aud": "tool"}), Ok(()));
        check(json!({"aud": ["other", "page"]}), Ok(()));
        check(json!({"aud": null, "client_id": "page"}), Ok(()));
        check(json!({"aud": "other", "client_id": "page"}), Err("audience"));
        check(json!({"aud": []}), Err("audience"));
        check(json!({"aud": 1}), Err("audience"));
        check(json!({"aud": null}), Err("audience"));
    }

    #[test]
    fn the_issuer_is_the_whole_of_it() {
        for issuer in [
            json!("https://issuer/"),
            json!("https://issue"),
            json!(1),
            json!(null),
        ] {
            check(json!({ "iss": issuer }), Err("issuer"));
        }
    }

    #[test]
    fn a_token_is_good_between_its_times() {
        check(json!({"iat": null, "nbf": null}), Ok(()));
        check(json!({"exp": 100}), Err("expired"));
        check(json!({"exp": 100.5}), Ok(()));
        check(json!({"exp": null}), Err("expired"));
        check(json!({"exp": "101"}), Err("expired"));
        check(json!({"nbf": 101}), Err("nbf"));
        check(json!({"iat": 101}), Err("iat"));
        check(json!({"iat": "100"}), Err("iat"));
    }

    #[test]
    fn the_claims_of_an_event_are_texts() {
        let claims =
            json!({"sub": "me", "exp": 1764011600, "email_verified": true, "cognito:groups": ["a", "b"]});
        assert_eq!(
            Value::from(claims_of_event(claims.as_object().expect("an object"))),
            json!({"sub": "me", "exp": "1764011600", "email_verified": "true", "cognito:groups": "[a b]"})
        );
    }

    fn check_token(value: &str, expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().expect("a value"));
        assert_eq!(bearer_token(&headers), expected, "{value}");
    }

    #[test]
    fn a_token_comes_with_or_without_its_scheme() {
        check_token("Bearer a.b.c", Some("a.b.c"));
        check_token("bearer  a.b.c", Some("a.b.c"));
        check_token("a.b.c", Some("a.b.c"));
        check_token("Basic a", None);
        check_token("", None);
    }
}
