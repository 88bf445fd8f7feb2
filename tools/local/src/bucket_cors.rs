//! Cross-origin resource sharing as S3 does it (Amazon S3 User Guide, "Using cross-origin resource
//! sharing", and the Fetch standard, "CORS protocol").

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::Deserialize;
use wire::{EXPOSED_HEADERS, HttpMethod, SIGNED_HEADERS};

/// A bucket's CORS configuration in the JSON of `aws s3api put-bucket-cors`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct CorsConfiguration {
    /// The first rule that matches a request is the one that counts.
    #[serde(rename = "CORSRules")]
    pub(crate) rules: Vec<CorsRule>,
}

/// One rule of a [`CorsConfiguration`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct CorsRule {
    /// Origins, each with at most one `*`, which stands for any text.
    pub(crate) allowed_origins: Vec<String>,
    pub(crate) allowed_methods: Vec<String>,
    /// Names of headers that a request may have, each with at most one `*`.
    #[serde(default)]
    pub(crate) allowed_headers: Vec<String>,
    /// Names of headers that a script may read.
    #[serde(default)]
    pub(crate) expose_headers: Vec<String>,
    /// How long a browser may remember a preflight's answer, in seconds.
    #[serde(default)]
    pub(crate) max_age_seconds: Option<u32>,
}

/// Why a preflight is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PreflightRefusal {
    NoOrigin,
    /// S3 has no such method.
    UnknownMethod(String),
    /// No rule allows the request.
    NotAllowed {
        method: String,
    },
}

impl CorsConfiguration {
    /// What the page needs, for these origins.
    pub(crate) fn for_page(allowed_origins: Vec<String>) -> Self {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            rules: vec![CorsRule {
                allowed_origins,
                allowed_methods: owned(&HttpMethod::ALL.map(HttpMethod::as_str)),
                allowed_headers: owned(&SIGNED_HEADERS),
                expose_headers: owned(&EXPOSED_HEADERS),
                max_age_seconds: Some(3000),
            }],
        }
    }

    /// The headers of the answer to a preflight.
    ///
    /// # Errors
    /// If no rule allows the request, or if it is not a preflight.
    pub(crate) fn preflight(&self, headers: &HeaderMap) -> Result<HeaderMap, PreflightRefusal> {
        let origin = text(headers, header::ORIGIN).ok_or(PreflightRefusal::NoOrigin)?;
        let method = text(headers, header::ACCESS_CONTROL_REQUEST_METHOD).unwrap_or("null");
        if !["GET", "PUT", "HEAD", "POST", "DELETE"].contains(&method) {
            return Err(PreflightRefusal::UnknownMethod(method.to_owned()));
        }
        let requested = requested_headers(headers);
        let mut rules = self.rules.iter();
        let rule = rules.find(|rule| rule.allows(origin, method) && rule.allows_headers(&requested));
        let method = method.to_owned();
        let mut answer = rule
            .ok_or(PreflightRefusal::NotAllowed { method })?
            .answer(origin);
        if !requested.is_empty() {
            insert(
                &mut answer,
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                &requested.join(", "),
            );
        }
        Ok(answer)
    }

    /// The headers to add to the answer to a request that is not a preflight. If no rule matches, there
    /// are none, and the request is carried out all the same.
    pub(crate) fn headers_for(&self, method: &Method, headers: &HeaderMap) -> HeaderMap {
        let Some(origin) = text(headers, header::ORIGIN) else {
            return HeaderMap::new();
        };
        let mut rules = self.rules.iter();
        let rule = rules.find(|rule| rule.allows(origin, method.as_str()));
        rule.map(|rule| rule.answer(origin)).unwrap_or_default()
    }
}

impl CorsRule {
    fn allows(&self, origin: &str, method: &str) -> bool {
        let mut origins = self.allowed_origins.iter();
        self.allowed_methods.iter().any(|allowed| allowed == method)
            && origins.any(|pattern| matches(pattern, origin))
    }

    fn allows_headers(&self, names: &[String]) -> bool {
        let allows = |name: &String| {
            let patterns = &mut self.allowed_headers.iter();
            patterns.any(|pattern| matches(&pattern.to_lowercase(), name))
        };
        names.iter().all(allows)
    }

    fn answer(&self, origin: &str) -> HeaderMap {
        let mut answer = HeaderMap::new();
        if self.allowed_origins.iter().any(|allowed| allowed == "*") {
            insert(&mut answer, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        } else {
            insert(&mut answer, header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            insert(&mut answer, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        }
        insert(
            &mut answer,
            header::ACCESS_CONTROL_ALLOW_METHODS,
            &self.allowed_methods.join(", "),
        );
        if !self.expose_headers.is_empty() {
            insert(
                &mut answer,
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                &self.expose_headers.join(", "),
            );
        }
        if let Some(seconds) = self.max_age_seconds {
            insert(&mut answer, header::ACCESS_CONTROL_MAX_AGE, &seconds.to_string());
        }
        let vary = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";
        insert(&mut answer, header::VARY, vary);
        answer
    }
}

fn requested_headers(headers: &HeaderMap) -> Vec<String> {
    let names = text(headers, header::ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
    let names = names.split(',').map(|name| name.trim().to_lowercase());
    names.filter(|name| !name.is_empty()).collect()
}

/// Whether `text` matches `pattern`, in which a `*` stands for any text.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        }
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_match(pattern: &str, text: &str, expected: bool) {
        assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
    }

    #[test]
    fn one_star_stands_for_any_text() {
        check_match("*", "http://a", true);
        check_match("http://127.0.0.1:*", "http://127.0.0.1:8080", true);
        check_match("http://127.0.0.1:*", "http://127.0.0.2:8080", false);
        check_match("https://*.example.com", "https://a.example.com", true);
        check_match("https://*.example.com", "https://example.com", false);
        check_match("https://a*a", "https://a", false);
        check_match("http://a", "http://A", false);
    }

    /// Sends a preflight from `origin` and checks the allowed headers, or the refusal.
    fn check_preflight(origin: &str, method: &str, names: &str, expected: Result<&str, PreflightRefusal>) {
        let configuration = CorsConfiguration::for_page(vec!["https://page.example".to_owned()]);
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (header::ORIGIN, origin),
            (header::ACCESS_CONTROL_REQUEST_METHOD, method),
            (header::ACCESS_CONTROL_REQUEST_HEADERS, names),
        ] {
            if !value.is_empty() {
                insert(&mut headers, name, value);
            }
        }
        let outcome = configuration.preflight(&headers);
        let allowed = outcome
            .as_ref()
            .map(|answer| text(answer, header::ACCESS_CONTROL_ALLOW_HEADERS).unwrap_or_default());
        assert_eq!(allowed, expected.as_ref().copied(), "{origin} {method} {names}");
    }

    #[test]
    fn a_preflight_is_judged_by_origin_method_and_headers() {
        let page = "https://page.example";
        check_preflight(page, "PUT", "", Ok(""));
        check_preflight(
            page,
            "PUT",
            "Content-Type,if-none-match",
            Ok("content-type, if-none-match"),
        );
        let not_allowed = |method: &str| {
            let method = method.to_owned();
            Err(PreflightRefusal::NotAllowed { method })
        };
        let unknown = |method: &str| Err(PreflightRefusal::UnknownMethod(method.to_owned()));
        check_preflight(page, "PUT", "content-type, x-amz-acl", not_allowed("PUT"));
        check_preflight(page, "HEAD", "", not_allowed("HEAD"));
        check_preflight(page, "PATCH", "", unknown("PATCH"));
        check_preflight(page, "", "", unknown("null"));
        check_preflight("https://other.example", "PUT", "", not_allowed("PUT"));
        check_preflight("", "PUT", "", Err(PreflightRefusal::NoOrigin));
    }

    #[test]
    fn the_configuration_is_read_from_the_json_of_s3() {
        let json = r#"{"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["PUT"], "AllowedHeaders": ["*"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 5}]}"#;
        let configuration: CorsConfiguration = serde_json::from_str(json).expect("a configuration");
        let mut headers = HeaderMap::new();
        insert(&mut headers, header::ORIGIN, "https://anywhere.example");
        let answer = configuration.headers_for(&Method::PUT, &headers);
        assert_eq!(answer[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert_eq!(answer[header::ACCESS_CONTROL_EXPOSE_HEADERS], "ETag");
        assert!(configuration.headers_for(&Method::DELETE, &headers).is_empty());
    }
}
