//! The bucket, its endpoints, and the URLs of its objects.

use http::Uri;
use wire::Endpoint;

use crate::{encoding::percent_encode_path, partition::domain_of};

/// The bucket of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The bucket's URL without a slash at its end.
    url: String,
    /// The same at the second endpoint.
    second_url: Option<String>,
    /// The region that the signature names.
    region: String,
    name: String,
}

impl Bucket {
    /// The bucket `name` in `region`, at Amazon S3 or at the service with the URL `endpoint`, which may have a second one.
    /// Neither URL has a slash at its end.
    ///
    /// Amazon S3 is addressed in the virtual-hosted style, except for a name with a dot, which its TLS
    /// certificate would not match (Amazon S3 User Guide, "Virtual hosting of general purpose buckets").
    /// Another service is addressed in the path style, which works without a DNS name for each bucket. No document says
    /// that the alias of an access point can be used at the dual-stack endpoint.
    pub fn new(name: &str, region: &str, endpoint: Option<&str>, second_endpoint: Option<&str>) -> Self {
        Self::in_domain(domain_of(region), name, region, endpoint, second_endpoint)
    }

    /// As [`Self::new`], if Amazon's services are in this domain.
    pub(crate) fn in_domain(
        domain: &str,
        name: &str,
        region: &str,
        endpoint: Option<&str>,
        second_endpoint: Option<&str>,
    ) -> Self {
        let at_amazon = |service: &str| {
            if name.contains('.') {
                format!("https://{service}.{region}.{domain}/{name}")
            } else {
                format!("https://{name}.{service}.{region}.{domain}")
            }
        };
        let by_path = |endpoint: &str| format!("{endpoint}/{name}");
        let (url, second_url) = match endpoint {
            Some(endpoint) => (by_path(endpoint), second_endpoint.map(by_path)),
            None => {
                let is_alias = name.ends_with("-s3alias");
                (at_amazon("s3"), (!is_alias).then(|| at_amazon("s3.dualstack")))
            }
        };
        Self {
            url,
            second_url,
            region: region.to_owned(),
            name: name.to_owned(),
        }
    }

    /// The bucket's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The AWS region, which a signature names.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The URL of the object with this key at the first endpoint, percent-encoded once.
    pub fn object_url(&self, key: &str) -> String {
        object_url(&self.url, key)
    }

    /// The same at one of the bucket's endpoints; `None` if the bucket does not have that one.
    pub fn object_url_at(&self, endpoint: Endpoint, key: &str) -> Option<String> {
        let url = match endpoint {
            Endpoint::First => Some(&self.url),
            Endpoint::Second => self.second_url.as_ref(),
        };
        url.map(|url| object_url(url, key))
    }
}

fn object_url(bucket_url: &str, key: &str) -> String {
    format!("{bucket_url}/{}", percent_encode_path(key))
}

/// Checks a bucket's name (Amazon S3 User Guide, "General purpose bucket naming rules"). Names that are
/// reserved for access point aliases pass, because an alias can be used in place of a bucket's name.
pub(crate) fn check_bucket_name(name: &str) -> Result<(), &'static str> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    if !(3..=63).contains(&name.len()) {
        Err("is not 3 to 63 characters long")
    } else if !name.bytes().all(allowed) {
        Err("has a character that is no lower-case letter, digit, hyphen or dot")
    } else if name.starts_with(['-', '.']) || name.ends_with(['-', '.']) {
        Err("does not begin and end with a letter or digit")
    } else if name.contains("..") {
        Err("has two dots side by side")
    } else if name.parse::<std::net::Ipv4Addr>().is_ok() {
        Err("looks like an IP address")
    } else {
        Ok(())
    }
}

/// Checks the domain of Amazon's services.
pub(crate) fn check_domain(text: &str) -> Result<(), &'static str> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    let has_labels = text.contains('.') && text.split('.').all(|label| !label.is_empty());
    if has_labels && text.bytes().all(allowed) {
        Ok(())
    } else {
        Err("is not a domain name in lower case")
    }
}

/// Checks the URL of an S3 service and takes the slash from its end.
pub(crate) fn parse_endpoint(text: &str) -> Result<String, &'static str> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let uri: Uri = text.parse().map_err(|_| "is not a URL")?;
    match (uri.scheme_str(), uri.authority()) {
        (Some("http" | "https"), Some(authority)) if !authority.as_str().contains('@') => {
            if uri.path_and_query().is_some_and(|rest| rest.as_str() != "/") {
                return Err("has a path or a query");
            }
            Ok(text.to_owned())
        }
        _ => Err("is not an http:// or https:// URL of a host"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_url(name: &str, region: &str, endpoint: Option<&str>, expected: &str) {
        assert_eq!(
            Bucket::new(name, region, endpoint, None).object_url("a/b c"),
            expected
        );
    }

    fn check_second(name: &str, region: &str, endpoints: [Option<&str>; 2], expected: Option<&str>) {
        let bucket = Bucket::new(name, region, endpoints[0], endpoints[1]);
        assert_eq!(bucket.object_url_at(Endpoint::Second, "k").as_deref(), expected);
    }

    #[test]
    fn the_second_endpoint_of_amazon_s3_is_the_dual_stack_one() {
        let amazon = [None, None];
        check_second(
            "photos",
            "eu-west-1",
            amazon,
            Some("https://photos.s3.dualstack.eu-west-1.amazonaws.com/k"),
        );
        check_second(
            "my.photos",
            "eu-west-1",
            amazon,
            Some("https://s3.dualstack.eu-west-1.amazonaws.com/my.photos/k"),
        );
        check_second(
            "photos",
            "cn-north-1",
            amazon,
            Some("https://photos.s3.dualstack.cn-north-1.amazonaws.com.cn/k"),
        );
        check_second("photos-abc-s3alias", "eu-west-1", amazon, None);
    }

    #[test]
    fn another_service_has_the_second_endpoint_that_it_was_given() {
        let first = Some("http://127.0.0.1:9000");
        check_second("photos", "r", [first, None], None);
        let both = [first, Some("http://127.0.0.1:9001")];
        check_second("photos", "r", both, Some("http://127.0.0.1:9001/photos/k"));
    }

    #[test]
    fn amazon_s3_is_addressed_by_host_if_its_certificate_matches() {
        check_url(
            "photos",
            "eu-west-1",
            None,
            "https://photos.s3.eu-west-1.amazonaws.com/a/b%20c",
        );
        check_url(
            "my.photos",
            "eu-west-1",
            None,
            "https://s3.eu-west-1.amazonaws.com/my.photos/a/b%20c",
        );
        check_url(
            "photos",
            "cn-north-1",
            None,
            "https://photos.s3.cn-north-1.amazonaws.com.cn/a/b%20c",
        );
    }

    #[test]
    fn another_service_is_addressed_by_path() {
        check_url(
            "photos",
            "r",
            Some("http://127.0.0.1:9000"),
            "http://127.0.0.1:9000/photos/a/b%20c",
        );
    }

    #[test]
    fn names_that_s3_takes_pass() {
        for name in [
            "abc",
            "my-bucket.2024",
            "1-2",
            "a23456789012345678901234567890123456789012345678901234567890123",
        ] {
            assert_eq!(check_bucket_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn names_that_s3_does_not_take_are_refused() {
        for name in [
            "",
            "ab",
            "Abc",
            "a_b",
            "-abc",
            "abc.",
            "a..b",
            "192.168.5.4",
            "a/b",
            &"a".repeat(64),
        ] {
            assert!(check_bucket_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn an_endpoint_is_the_url_of_a_host() {
        assert_eq!(
            parse_endpoint("http://127.0.0.1:9000/"),
            Ok("http://127.0.0.1:9000".to_owned())
        );
        assert_eq!(
            parse_endpoint("https://s3.example.com"),
            Ok("https://s3.example.com".to_owned())
        );
        for text in [
            "",
            "s3.example.com",
            "ftp://a",
            "http://a/b",
            "http://a?b",
            "http://u@a",
            "http://a b",
        ] {
            assert!(parse_endpoint(text).is_err(), "{text}");
        }
    }
}
