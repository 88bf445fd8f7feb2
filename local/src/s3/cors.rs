//! Cross-origin resource sharing as S3 does it (Amazon S3 User Guide, "Using cross-origin resource
//! sharing", and the Fetch standard, "CORS protocol").

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;

use super::failure::Failure;

/// A bucket's CORS configuration in the JSON of `aws s3api put-bucket-cors`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct CorsConfiguration {
    /// The first rule that fits a request is the one that counts.
    #[serde(rename = "CORSRules")]
    pub(crate) rules: Vec<CorsRule>,
}

/// One rule of a [`CorsConfiguration`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct CorsRule {
    /// Origins, each with at most one `*`, which stands for any text.
    pub(crate) allowed_origins: Vec<String>,
    /// Methods.
    pub(crate) allowed_methods: Vec<String>,
    /// Names of headers that a request may carry, each with at most one `*`.
    #[serde(default)]
    pub(crate) allowed_headers: Vec<String>,
    /// Names of headers that a script may read.
    #[serde(default)]
    pub(crate) expose_headers: Vec<String>,
    /// How long a preflight's answer counts, in seconds.
    #[serde(default)]
    pub(crate) max_age_seconds: Option<u32>,
}

impl CorsConfiguration {
    /// What the page needs, for these origins.
    pub(crate) fn for_page(allowed_origins: Vec<String>) -> Self {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            rules: vec![CorsRule {
                allowed_origins,
                allowed_methods: owned(&["PUT", "POST", "GET", "DELETE"]),
                allowed_headers: owned(&[
                    "content-type",
                    "content-disposition",
                    "if-none-match",
                    "x-amz-checksum-sha256",
                    "x-amz-checksum-algorithm",
                    "x-amz-checksum-type",
                    "x-amz-mp-object-size",
                    "x-amz-meta-original-name",
                ]),
                expose_headers: owned(&[
                    "ETag",
                    "x-amz-checksum-sha256",
                    "x-amz-request-id",
                    "x-amz-id-2",
                    "Date",
                ]),
                max_age_seconds: Some(3000),
            }],
        }
    }

    /// The headers of the answer to a preflight.
    ///
    /// # Errors
    /// 403 AccessForbidden where no rule allows the request; 400 BadRequest where it is no preflight.
    pub(crate) fn preflight(&self, headers: &HeaderMap) -> Result<HeaderMap, Failure> {
        let Some(origin) = text(headers, header::ORIGIN) else {
            return Err(Failure::bad_request(
                "BadRequest",
                "Insufficient information. Origin request header needed.",
            ));
        };
        let method = text(headers, header::ACCESS_CONTROL_REQUEST_METHOD).unwrap_or("null");
        if !["GET", "PUT", "HEAD", "POST", "DELETE"].contains(&method) {
            return Err(Failure::bad_request(
                "BadRequest",
                format!("Invalid Access-Control-Request-Method: {method}"),
            ));
        }
        let requested = requested_headers(headers);
        let rule = self
            .rules
            .iter()
            .find(|rule| rule.allows(origin, method) && rule.allows_headers(&requested));
        let Some(rule) = rule else {
            return Err(refusal(method));
        };
        let mut answer = rule.answer(origin);
        if !requested.is_empty() {
            insert(
                &mut answer,
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                &requested.join(", "),
            );
        }
        Ok(answer)
    }

    /// The headers to add to the answer to a request that is no preflight. Where no rule fits there
    /// are none, and the request is carried out all the same.
    pub(crate) fn actual(&self, method: &Method, headers: &HeaderMap) -> HeaderMap {
        let Some(origin) = text(headers, header::ORIGIN) else {
            return HeaderMap::new();
        };
        let rule = self
            .rules
            .iter()
            .find(|rule| rule.allows(origin, method.as_str()));
        rule.map(|rule| rule.answer(origin)).unwrap_or_default()
    }
}

impl CorsRule {
    fn allows(&self, origin: &str, method: &str) -> bool {
        self.allowed_methods.iter().any(|allowed| allowed == method)
            && self
                .allowed_origins
                .iter()
                .any(|pattern| matches(pattern, origin))
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

fn refusal(method: &str) -> Failure {
    Failure::new(
        StatusCode::FORBIDDEN,
        "AccessForbidden",
        "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
    )
    .with("Method", method)
    .with("ResourceType", "OBJECT")
}

fn requested_headers(headers: &HeaderMap) -> Vec<String> {
    let names = text(headers, header::ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
    let names = names.split(',').map(|name| name.trim().to_lowercase());
    names.filter(|name| !name.is_empty()).collect()
}

/// Whether `text` is what `pattern` says; a `*` in the pattern stands for any text.
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

    /// Sends a preflight from `origin` and checks the refusal's code, or the allowed headers.
    fn check_preflight(origin: &str, method: &str, names: &str, expected: Result<&str, &str>) {
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
        let answer = outcome.as_ref().map_err(|failure| failure.code.as_ref());
        let allowed =
            answer.map(|answer| text(answer, header::ACCESS_CONTROL_ALLOW_HEADERS).unwrap_or_default());
        assert_eq!(allowed, expected, "{origin} {method} {names}");
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
        check_preflight(page, "PUT", "content-type, x-amz-acl", Err("AccessForbidden"));
        check_preflight(page, "HEAD", "", Err("AccessForbidden"));
        check_preflight(page, "PATCH", "", Err("BadRequest"));
        check_preflight(page, "", "", Err("BadRequest"));
        check_preflight("https://other.example", "PUT", "", Err("AccessForbidden"));
        check_preflight("", "PUT", "", Err("BadRequest"));
    }

    #[test]
    fn the_configuration_is_read_from_s3s_own_json() {
        let json = r#"{"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["PUT"], "AllowedHeaders": ["*"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 5}]}"#;
        let configuration: CorsConfiguration = serde_json::from_str(json).expect("a configuration");
        let mut headers = HeaderMap::new();
        insert(&mut headers, header::ORIGIN, "https://anywhere.example");
        let answer = configuration.actual(&Method::PUT, &headers);
        assert_eq!(answer[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert_eq!(answer[header::ACCESS_CONTROL_EXPOSE_HEADERS], "ETag");
        assert!(configuration.actual(&Method::DELETE, &headers).is_empty());
    }
}
