//! The bucket and the URLs of its objects.

use http::Uri;

use crate::encoding::percent_encode_path;

/// The bucket that the backend signs for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The bucket's URL without a slash at its end.
    url: String,
    /// The region that the signature names.
    region: String,
    name: String,
}

impl Bucket {
    /// The bucket `name` in `region`, at Amazon S3 or at the service with the URL `endpoint`.
    ///
    /// Amazon S3 is addressed in the virtual-hosted style, except for a name with a dot, which its TLS
    /// certificate would not match (Amazon S3 User Guide, "Virtual hosting of general purpose buckets").
    /// Another service is addressed in the path style, which works without a DNS name for each bucket.
    pub(crate) fn new(name: &str, region: &str, endpoint: Option<&str>) -> Self {
        let domain = if region.starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        let url = match endpoint {
            Some(endpoint) => format!("{endpoint}/{name}"),
            None if name.contains('.') => format!("https://s3.{region}.{domain}/{name}"),
            None => format!("https://{name}.s3.{region}.{domain}"),
        };
        Self {
            url,
            region: region.to_owned(),
            name: name.to_owned(),
        }
    }

    /// The bucket's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The region that the signature names.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The URL of the object with this key, percent-encoded once.
    pub fn object_url(&self, key: &str) -> String {
        format!("{}/{}", self.url, percent_encode_path(key))
    }
}

/// Checks a bucket's name (Amazon S3 User Guide, "General purpose bucket naming rules"). Names that are
/// reserved for access point aliases pass, because an alias stands where a bucket's name does.
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
        assert_eq!(Bucket::new(name, region, endpoint).object_url("a/b c"), expected);
    }

    #[test]
    fn amazon_s3_is_addressed_by_virtual_host_where_its_certificate_matches() {
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
