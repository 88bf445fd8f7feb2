//! Settings: environment variables, and those of them that every function of a deployment is given alike.

use std::fmt::Display;

use thiserror::Error;
use wire::{ApiError, LINKS_FOLDER, Link};

use crate::{
    Request,
    bucket::{Bucket, check_bucket_name, check_domain, parse_endpoint},
    caller::Principal,
    cors::AllowedOrigins,
    key::{check_key, folder},
    link::{LinkSecret, Links, parse_revoked},
    media_type::AllowedTypes,
    origin_secret::OriginSecret,
};

/// The longest key prefix in bytes, so that a principal and a file's name have room in a key.
const MAX_PREFIX_BYTES: usize = 128;

/// Returns the value of a setting by its name, if it has one.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A setting: an environment variable and what it takes.
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it takes, in words that complete "it takes …".
    pub accepted: &'static str,
}

/// A setting that is missing or not accepted: its name, the problem, and what it takes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the setting {name} {problem}; it takes {accepted}")]
pub struct SettingError {
    name: &'static str,
    problem: String,
    accepted: &'static str,
}

impl SettingError {
    /// The name of the environment variable.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl Variable {
    /// The value, or else what `default` stands for; `parse` reads either.
    ///
    /// # Errors
    ///
    /// If `parse` does not accept it. Its sentence completes "the setting NAME is VALUE, which …".
    pub fn optional<T, E: Display>(
        &self,
        lookup: Lookup<'_>,
        default: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, SettingError> {
        let value = lookup(self.name);
        self.parse(value.as_deref().unwrap_or(default), parse)
    }

    /// The value, if there is one.
    ///
    /// # Errors
    ///
    /// As [`Self::optional`].
    pub fn given<T, E: Display>(
        &self,
        lookup: Lookup<'_>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, SettingError> {
        let value = lookup(self.name);
        value.map(|value| self.parse(&value, parse)).transpose()
    }

    /// The error of this setting; `problem` completes "the setting NAME …".
    pub fn error(&self, problem: impl Into<String>) -> SettingError {
        SettingError {
            name: self.name,
            problem: problem.into(),
            accepted: self.accepted,
        }
    }

    fn parse<T, E: Display>(
        &self,
        value: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, SettingError> {
        parse(value).map_err(|problem| self.error(format!("is {value:?}, which {problem}")))
    }
}

/// Returns the entries of a comma-separated list without the spaces around them, and without those that are empty.
pub fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

/// The settings that say something: an empty value is the same as none, except that an empty `KEY_PREFIX` means no
/// prefix.
pub fn without_empty(lookup: impl Fn(&str) -> Option<String>) -> impl Fn(&str) -> Option<String> {
    move |name| lookup(name).filter(|value| !value.is_empty() || name == KEY_PREFIX.name)
}

const BUCKET_NAME: Variable = Variable {
    name: "BUCKET_NAME",
    accepted: "the name of an S3 bucket: 3 to 63 lower-case letters, digits, hyphens and dots",
};
const REGION: Variable = Variable {
    name: "AWS_REGION_NAME",
    accepted: "the bucket's AWS region, such as eu-central-1 (AWS_REGION serves where it is not set)",
};
const URL_SUFFIX: Variable = Variable {
    name: "AWS_URL_SUFFIX",
    accepted: "the domain of AWS's services in the region's partition, such as amazonaws.com",
};
const ENDPOINT: Variable = Variable {
    name: "AWS_ENDPOINT_URL_S3",
    accepted: "the URL of another S3 service, such as http://127.0.0.1:9000",
};
const SECOND_ENDPOINT: Variable = Variable {
    name: "SECOND_ENDPOINT_URL_S3",
    accepted: "another URL of the S3 service that AWS_ENDPOINT_URL_S3 names, with another host or port",
};
const KEY_PREFIX: Variable = Variable {
    name: "KEY_PREFIX",
    accepted: "a path such as uploads or team/inbox, of at most 128 bytes and without . and .. segments",
};
const ALLOWED_TYPES: Variable = Variable {
    name: "ALLOWED_TYPES",
    accepted: "comma-separated media types, such as image/*,application/pdf",
};
const ALLOWED_ORIGINS: Variable = Variable {
    name: "ALLOWED_ORIGINS",
    accepted: "comma-separated origins, such as https://example.com, or *",
};
const ORIGIN_SECRET: Variable = Variable {
    name: "ORIGIN_SECRET",
    accepted: "what the distribution sends in the header x-slipway-origin",
};
const LINK_SECRET: Variable = Variable {
    name: "LINK_SECRET",
    accepted: "32 to 64 random bytes in base64",
};
const REVOKED_LINKS: Variable = Variable {
    name: "REVOKED_LINKS",
    accepted: "the comma-separated ids (jti) of upload links",
};

/// What every function of a deployment is given alike, so that all of them mean the same bucket, keys, types and pages.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// The bucket that files go to.
    pub bucket: Bucket,
    /// The folder of the bucket in which every key lies, without a slash at either end; empty for the whole bucket.
    pub key_prefix: String,
    /// The media types that are accepted.
    pub allowed_types: AllowedTypes,
    /// The origins whose pages may call the API.
    pub allowed_origins: AllowedOrigins,
    /// What requests must have that came through the distribution; `None` if anybody may call the API beside it.
    pub origin_secret: Option<OriginSecret>,
    /// What makes and verifies upload links; `None` if there are none.
    pub links: Option<Links>,
}

impl Deployment {
    /// The variables that it is read from.
    pub const VARIABLES: [&'static Variable; 11] = [
        &BUCKET_NAME,
        &REGION,
        &URL_SUFFIX,
        &ENDPOINT,
        &SECOND_ENDPOINT,
        &KEY_PREFIX,
        &ALLOWED_TYPES,
        &ALLOWED_ORIGINS,
        &ORIGIN_SECRET,
        &LINK_SECRET,
        &REVOKED_LINKS,
    ];

    /// The variables that have no default, each with a value that is accepted in its place as long as it is not known.
    pub const NEEDED: [(&'static str, &'static str); 2] =
        [(BUCKET_NAME.name, "bucket"), (REGION.name, "region")];

    /// Checks that a request came by a way that it may come.
    ///
    /// # Errors
    ///
    /// `Forbidden` if it has to come through the distribution, and did not.
    pub fn check_way(&self, request: &Request) -> Result<(), ApiError> {
        let secret = self.origin_secret.as_ref();
        secret.map_or(Ok(()), |secret| secret.check(request))
    }

    /// Reads the settings; `docs/settings.md` says what each means, and its default.
    ///
    /// # Errors
    ///
    /// The first setting that is missing or not accepted.
    pub fn from_variables(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        let lookup = &without_empty(lookup);
        Ok(Self {
            bucket: read_bucket(lookup)?,
            key_prefix: KEY_PREFIX.optional(lookup, "uploads", parse_prefix)?,
            allowed_types: ALLOWED_TYPES.optional(lookup, "", AllowedTypes::parse)?,
            allowed_origins: ALLOWED_ORIGINS.optional(lookup, "", AllowedOrigins::parse)?,
            origin_secret: lookup(ORIGIN_SECRET.name).map(OriginSecret::new),
            links: read_links(lookup)?,
        })
    }

    /// The folder of a caller's own keys: `<prefix>/<principal>/`.
    pub fn own_folder(&self, principal: &Principal) -> String {
        folder(&[&self.key_prefix, principal.as_segment()])
    }

    /// The folder in which all keys of upload links lie: `<prefix>/links/`.
    pub fn links_folder(&self) -> String {
        folder(&[&self.key_prefix, LINKS_FOLDER])
    }

    /// The folder of one link's keys: `<prefix>/links/<folder>/<jti>/`.
    pub fn link_folder(&self, link: &Link) -> String {
        folder(&[
            &self.key_prefix,
            LINKS_FOLDER,
            &link.folder,
            &link.jti.to_string(),
        ])
    }
}

fn read_bucket(lookup: Lookup<'_>) -> Result<Bucket, SettingError> {
    let missing = |variable: &Variable| variable.error("is not set");
    let name = lookup(BUCKET_NAME.name).ok_or_else(|| missing(&BUCKET_NAME))?;
    BUCKET_NAME.parse(&name, check_bucket_name)?;
    let region = lookup(REGION.name)
        .or_else(|| lookup("AWS_REGION"))
        .ok_or_else(|| missing(&REGION))?;
    REGION.parse(&region, check_region)?;
    let endpoint = ENDPOINT.given(lookup, parse_endpoint)?;
    let second = SECOND_ENDPOINT.given(lookup, parse_endpoint)?;
    let domain = URL_SUFFIX.given(lookup, |text| check_domain(text).map(|()| text.to_owned()))?;
    let (endpoint, second) = (endpoint.as_deref(), second.as_deref());
    Ok(match domain {
        Some(domain) => Bucket::in_domain(&domain, &name, &region, endpoint, second),
        None => Bucket::new(&name, &region, endpoint, second),
    })
}

fn read_links(lookup: Lookup<'_>) -> Result<Option<Links>, SettingError> {
    let revoked = REVOKED_LINKS.optional(lookup, "", parse_revoked)?;
    let secret = lookup(LINK_SECRET.name).map(|secret| LinkSecret::parse(&secret));
    // The value is a secret, so that no error quotes it.
    let secret = secret.transpose().map_err(|problem| LINK_SECRET.error(problem))?;
    Ok(secret.map(|secret| Links::new(secret, revoked)))
}

fn check_region(value: &str) -> Result<(), &'static str> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if value.bytes().all(allowed) {
        Ok(())
    } else {
        Err("has a character that is no lower-case letter, digit or hyphen")
    }
}

fn parse_prefix(value: &str) -> Result<String, String> {
    let prefix = value.trim_matches('/');
    if prefix.len() > MAX_PREFIX_BYTES {
        return Err("is too long".to_owned());
    }
    if !prefix.is_empty() {
        check_key(prefix).map_err(|_| "is not a path of plain segments".to_owned())?;
    }
    Ok(folder(&[prefix]).trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The needed variables and one more.
    fn read(name: &str, value: &str) -> Result<Deployment, SettingError> {
        Deployment::from_variables(&|asked| match asked {
            _ if asked == name => Some(value.to_owned()),
            "BUCKET_NAME" => Some("photos".to_owned()),
            "AWS_REGION" => Some("eu-west-1".to_owned()),
            _ => None,
        })
    }

    fn check_refused(name: &str, value: &str) {
        let error = read(name, value).expect_err(value);
        assert_eq!(error.name(), name, "{value:?}");
        let message = error.to_string();
        assert!(
            message.contains(name) && message.contains("it takes"),
            "{message}"
        );
    }

    #[test]
    fn only_the_bucket_and_the_region_are_needed() {
        let deployment = read("", "").expect("settings");
        assert_eq!(deployment.bucket, Bucket::new("photos", "eu-west-1", None, None));
        assert_eq!(deployment.key_prefix, "uploads");
    }

    #[test]
    fn a_needed_setting_that_is_missing_or_empty_is_named() {
        let error = Deployment::from_variables(&|_| None).expect_err("no bucket");
        assert_eq!(error.name(), "BUCKET_NAME");
        assert!(
            error
                .to_string()
                .starts_with("the setting BUCKET_NAME is not set")
        );
        check_refused("BUCKET_NAME", "");
        let bucket = |name: &str| (name == "BUCKET_NAME").then(|| "photos".to_owned());
        let error = Deployment::from_variables(&bucket).expect_err("no region");
        assert_eq!(error.name(), "AWS_REGION_NAME");
    }

    #[test]
    fn the_region_name_goes_before_the_functions_region() {
        let deployment = read("AWS_REGION_NAME", "us-east-2").expect("settings");
        assert_eq!(deployment.bucket.region(), "us-east-2");
    }

    #[test]
    fn the_bucket_is_in_the_domain_of_its_partition() {
        let deployment = read("AWS_URL_SUFFIX", "amazonaws.eu").expect("settings");
        let url = deployment.bucket.object_url("k");
        assert_eq!(url, "https://photos.s3.eu-west-1.amazonaws.eu/k");
    }

    #[test]
    fn a_bad_value_is_refused_by_name() {
        for (name, value) in [
            ("BUCKET_NAME", "Photos"),
            ("AWS_REGION_NAME", "eu west"),
            ("AWS_ENDPOINT_URL_S3", "localhost:9000"),
            ("AWS_URL_SUFFIX", "https://amazonaws.com"),
            ("AWS_URL_SUFFIX", "amazonaws"),
            ("AWS_URL_SUFFIX", "amazonaws..com"),
            ("KEY_PREFIX", "a/../b"),
            ("KEY_PREFIX", "a//b"),
            ("KEY_PREFIX", "a\\b"),
            ("ALLOWED_TYPES", "png"),
            ("ALLOWED_ORIGINS", "example.com"),
            ("LINK_SECRET", "c2hvcnQ="),
            ("REVOKED_LINKS", "acme"),
        ] {
            check_refused(name, value);
        }
        check_refused("KEY_PREFIX", &"k".repeat(129));
    }

    #[test]
    fn a_secret_that_is_refused_is_not_quoted() {
        let error = read("LINK_SECRET", "c2hvcnQ=")
            .expect_err("too short")
            .to_string();
        assert!(!error.contains("c2hvcnQ="), "{error}");
    }

    #[test]
    fn there_are_links_only_with_a_secret() {
        assert!(read("", "").expect("settings").links.is_none());
        assert!(read("LINK_SECRET", "").expect("settings").links.is_none());
        let secret = "Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFy";
        assert!(read("LINK_SECRET", secret).expect("settings").links.is_some());
    }

    #[test]
    fn a_prefix_loses_its_outer_slashes_and_may_be_empty() {
        for (value, expected) in [("/a/b/", "a/b"), ("", ""), ("/", "")] {
            assert_eq!(read("KEY_PREFIX", value).expect("settings").key_prefix, expected);
        }
    }
}
