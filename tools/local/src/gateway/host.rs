//! The names by which the stack may be called. A page of somebody else can have its own name resolve to this machine; the
//! browser then takes the stack's answers for that page's own (DNS rebinding).

use std::net::IpAddr;

use http::{HeaderMap, header};

/// The header in which a development server names the host that the browser asked for.
const FORWARDED_HOST: &str = "x-forwarded-host";

/// Whether every host that a request names is this machine by a name that nobody else can have, or its public one.
pub(super) fn is_own(headers: &HeaderMap, public: Option<&str>) -> bool {
    let names = [header::HOST.as_str(), FORWARDED_HOST];
    let mut hosts = names.iter().flat_map(|name| headers.get_all(*name));
    let is_known =
        |host: &str| is_own_name(host) || public.is_some_and(|public| host.eq_ignore_ascii_case(public));
    hosts.all(|host| host.to_str().is_ok_and(is_known))
}

/// An address needs no name to be resolved, and `localhost` is never asked for (RFC 6761, section 6.3).
fn is_own_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let is_address = address.unwrap_or(name).parse::<IpAddr>().is_ok();
    let name = name.to_ascii_lowercase();
    is_address || name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn check(name: &'static str, host: &'static str, expected: bool) {
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static(name),
            HeaderValue::from_static(host),
        )]);
        assert_eq!(is_own(&headers, None), expected, "{name}: {host}");
    }

    #[test]
    fn a_public_name_is_one_of_its_own() {
        let headers = |host| HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
        let public = Some("upload.example:8443");
        assert!(is_own(&headers("Upload.example:8443"), public));
        assert!(!is_own(&headers("evil.example"), public));
    }

    #[test]
    fn only_addresses_and_localhost_are_own_names() {
        for name in ["host", FORWARDED_HOST] {
            for host in [
                "127.0.0.1",
                "127.0.0.1:9001",
                "[::1]:9001",
                "localhost:8080",
                "a.localhost",
                "10.0.2.2:80",
            ] {
                check(name, host, true);
            }
            for host in [
                "a",
                "evil.example:9001",
                "127.0.0.1.evil.example",
                "localhost.evil.example",
                "notlocalhost",
                "",
            ] {
                check(name, host, false);
            }
        }
        assert!(is_own(&HeaderMap::new(), None));
    }
}
