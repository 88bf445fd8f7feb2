//! Cross-origin resource sharing (Fetch Standard, "HTTP extensions").

use http::{
    HeaderMap, HeaderValue, Uri,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_MAX_AGE, VARY,
    },
};

use crate::settings::entries;

/// The origins whose pages may call the API (RFC 6454, section 6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// Every page. Safe as far as it goes: no answer depends on a cookie.
    Any,
    /// The pages of these origins; none at all if the list is empty.
    Listed(Vec<String>),
}

impl AllowedOrigins {
    /// Reads comma-separated origins, or `*`.
    ///
    /// # Errors
    ///
    /// A sentence on the first entry that is not an origin.
    pub fn parse(list: &str) -> Result<Self, String> {
        let entries: Vec<_> = entries(list).collect();
        if entries == ["*"] {
            return Ok(Self::Any);
        }
        match entries.iter().find(|entry| !is_origin(entry)) {
            Some(entry) => Err(format!("has the entry {entry:?}, which is no origin")),
            None => Ok(Self::Listed(
                entries.iter().map(|entry| entry.to_ascii_lowercase()).collect(),
            )),
        }
    }

    /// Adds to an answer the headers that let the page of `origin` read it, if it may.
    pub fn share(&self, origin: Option<&str>, headers: &mut HeaderMap) {
        headers.insert(VARY, HeaderValue::from_static("Origin"));
        let allowed = match (self, origin) {
            (_, None) => None,
            (Self::Any, Some(_)) => Some(HeaderValue::from_static("*")),
            (Self::Listed(list), Some(origin)) => list
                .iter()
                .any(|entry| entry == origin)
                .then(|| HeaderValue::from_str(origin).ok())
                .flatten(),
        };
        if let Some(allowed) = allowed {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        }
    }
}

/// Adds the headers of an answer to a preflight. They mean nothing to a page whose origin is not allowed.
pub(crate) fn add_preflight_headers(methods: &'static str, headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization, content-type"),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
}

/// Whether a text is `scheme://host` or `scheme://host:port` (RFC 6454, section 6.2).
fn is_origin(text: &str) -> bool {
    text.parse::<Uri>().is_ok_and(|uri| {
        uri.scheme().is_some()
            && uri
                .authority()
                .is_some_and(|authority| !authority.as_str().contains('@'))
            && uri.query().is_none()
            && !text.ends_with('/')
            && uri.path() == "/"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(list: &str, origin: Option<&str>, expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        AllowedOrigins::parse(list)
            .expect("origins")
            .share(origin, &mut headers);
        let allowed = headers
            .get(ACCESS_CONTROL_ALLOW_ORIGIN)
            .map(|value| value.to_str().expect("text"));
        assert_eq!(allowed, expected, "{origin:?} by {list:?}");
        assert_eq!(headers[VARY], "Origin");
    }

    #[test]
    fn an_origin_is_allowed_only_as_a_whole() {
        let list = "https://a.example, http://127.0.0.1:8080";
        check(list, Some("https://a.example"), Some("https://a.example"));
        check(list, Some("http://127.0.0.1:8080"), Some("http://127.0.0.1:8080"));
        check(list, Some("http://a.example"), None);
        check(list, Some("https://a.example.evil"), None);
        check(list, Some("https://a.example:8443"), None);
        check(list, Some("null"), None);
        check(list, None, None);
    }

    #[test]
    fn none_or_all_may_be_allowed() {
        check("", Some("https://a.example"), None);
        check("*", Some("https://a.example"), Some("*"));
        check("*", None, None);
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for list in [
            "a.example",
            "https://a.example/",
            "https://a.example/x",
            "https://u@a.example",
            "*, https://a",
        ] {
            assert!(AllowedOrigins::parse(list).is_err(), "{list:?}");
        }
    }
}
