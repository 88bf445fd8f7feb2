//! The settings, from environment variables and from a parameter of SSM Parameter Store.

use std::{collections::BTreeMap, fmt::Display};

use thiserror::Error;
use wire::{MAX_PART_BYTES, MAX_PARTS};

use crate::{
    bucket::{Bucket, check_bucket_name, parse_endpoint},
    cors::AllowedOrigins,
    key::{check_key, folder},
    media_type::AllowedTypes,
    settings_parameter::{ParameterFault, SettingsParameter},
    storage_options::{StorageOptions, parse_kms_key_id, parse_tags},
};

/// Longest expiry of a presigned URL in seconds: seven days (Amazon S3 User Guide, "Download and upload
/// objects with presigned URLs").
const MAX_EXPIRATION_SECONDS: u32 = 604_800;

/// Longest key prefix in bytes, so that a principal and a file's name have room in a key.
const MAX_PREFIX_BYTES: usize = 128;

/// An environment variable and what it takes.
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it takes, in words.
    pub accepted: &'static str,
}

const BUCKET_NAME: Variable = Variable {
    name: "BUCKET_NAME",
    accepted: "the name of an S3 bucket: 3 to 63 lower-case letters, digits, hyphens and dots",
};
const REGION: Variable = Variable {
    name: "AWS_REGION_NAME",
    accepted: "the bucket's AWS region, such as eu-central-1 (AWS_REGION serves where it is not set)",
};
const ENDPOINT: Variable = Variable {
    name: "AWS_ENDPOINT_URL_S3",
    accepted: "the URL of another S3 service, such as http://127.0.0.1:9000",
};
const SECOND_ENDPOINT: Variable = Variable {
    name: "SECOND_ENDPOINT_URL_S3",
    accepted: "another URL of the S3 service that AWS_ENDPOINT_URL_S3 names, with another host or port",
};
const URL_EXPIRATION_SECONDS: Variable = Variable {
    name: "URL_EXPIRATION_SECONDS",
    accepted: "a whole number of seconds from 1 to 604800",
};
const KEY_PREFIX: Variable = Variable {
    name: "KEY_PREFIX",
    accepted: "a path such as uploads or team/inbox, of at most 128 bytes and without . and .. segments",
};
const MAX_UPLOAD_BYTES: Variable = Variable {
    name: "MAX_UPLOAD_BYTES",
    accepted: "a whole number of bytes from 1 to 53687091200000",
};
const ALLOWED_TYPES: Variable = Variable {
    name: "ALLOWED_TYPES",
    accepted: "media types parted by commas, such as image/*,application/pdf",
};
const ALLOWED_ORIGINS: Variable = Variable {
    name: "ALLOWED_ORIGINS",
    accepted: "origins parted by commas, such as https://example.com, or *",
};
const ALLOW_PLAIN_PRESIGN: Variable = Variable {
    name: "ALLOW_PLAIN_PRESIGN",
    accepted: "true or false",
};
const SSE_KMS_KEY_ID: Variable = Variable {
    name: "SSE_KMS_KEY_ID",
    accepted: "the id, alias or ARN of a KMS key",
};
const OBJECT_TAGS: Variable = Variable {
    name: "OBJECT_TAGS",
    accepted: "at most 10 tags parted by commas, such as source=upload,team=web",
};
const SETTINGS_PARAMETER: Variable = Variable {
    name: "SETTINGS_PARAMETER",
    accepted: "the name of a parameter of SSM Parameter Store whose value is a JSON object of settings",
};

/// The variable that names the function (AWS Lambda Developer Guide, "Defined runtime environment
/// variables").
const FUNCTION_NAME: &str = "AWS_LAMBDA_FUNCTION_NAME";

/// The settings that a parameter may hold.
const SETTINGS: [&Variable; 12] = [
    &BUCKET_NAME,
    &REGION,
    &ENDPOINT,
    &SECOND_ENDPOINT,
    &URL_EXPIRATION_SECONDS,
    &KEY_PREFIX,
    &MAX_UPLOAD_BYTES,
    &ALLOWED_TYPES,
    &ALLOWED_ORIGINS,
    &ALLOW_PLAIN_PRESIGN,
    &SSE_KMS_KEY_ID,
    &OBJECT_TAGS,
];

/// How the backend is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) bucket: Bucket,
    pub(crate) expiration_seconds: u32,
    pub(crate) key_prefix: String,
    pub(crate) max_upload_bytes: u64,
    pub(crate) allowed_types: AllowedTypes,
    pub(crate) allowed_origins: AllowedOrigins,
    pub(crate) allow_plain_presign: bool,
    pub(crate) storage: StorageOptions,
    pub(crate) function_name: String,
}

/// A setting that is missing or not accepted.
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

    /// The error of a parameter that gave no settings.
    pub(crate) fn of_parameter(fault: ParameterFault) -> Self {
        SETTINGS_PARAMETER.error(fault.to_string())
    }
}

impl Settings {
    /// Reads the settings; `lookup` gives a variable's value. An empty value is the same as none, except
    /// that an empty `KEY_PREFIX` means no prefix.
    ///
    /// | variable | default | meaning |
    /// |---|---|---|
    /// | `BUCKET_NAME` | needed | the bucket that files go to |
    /// | `AWS_REGION_NAME`, else `AWS_REGION` | needed | the bucket's region; Lambda sets the second to the function's |
    /// | `AWS_ENDPOINT_URL_S3` | Amazon S3 | another S3 service, addressed as `<endpoint>/<bucket>/<key>` |
    /// | `SECOND_ENDPOINT_URL_S3` | none; of Amazon S3 its dual-stack endpoint | another URL of that service, to which a page may open connections of its own |
    /// | `URL_EXPIRATION_SECONDS` | 900 | seconds during which an upload may begin, at most 604,800 |
    /// | `KEY_PREFIX` | `uploads` | where in the bucket every key lies |
    /// | `MAX_UPLOAD_BYTES` | 5 GiB | largest file in bytes, at most 10,000 parts of 5 GiB |
    /// | `ALLOWED_TYPES` | every type | accepted media types |
    /// | `ALLOWED_ORIGINS` | none | origins whose pages may call the API, or `*` |
    /// | `ALLOW_PLAIN_PRESIGN` | `true` | whether `GET /presign` answers |
    /// | `SSE_KMS_KEY_ID` | the bucket's encryption | the KMS key that encrypts every object |
    /// | `OBJECT_TAGS` | none | the tags of every object |
    ///
    /// A plain PUT carries no header, so it can carry neither encryption nor tags: with `SSE_KMS_KEY_ID`
    /// or `OBJECT_TAGS`, `GET /presign` is turned off and cannot be turned on. The role then also needs
    /// `kms:GenerateDataKey` and `kms:Decrypt` for that key, or `s3:PutObjectTagging`.
    ///
    /// # Errors
    ///
    /// The first setting that is missing or not accepted, with its problem and what it takes.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let lookup = |name: &str| lookup(name).filter(|value| is_given(name, value));
        let storage = StorageOptions {
            kms_key_id: SSE_KMS_KEY_ID.given(&lookup, parse_kms_key_id)?,
            tags: OBJECT_TAGS.optional(&lookup, "", parse_tags)?,
        };
        Ok(Self {
            bucket: read_bucket(&lookup)?,
            expiration_seconds: URL_EXPIRATION_SECONDS.optional(&lookup, "900", parse_expiration)?,
            key_prefix: KEY_PREFIX.optional(&lookup, "uploads", parse_prefix)?,
            max_upload_bytes: MAX_UPLOAD_BYTES.optional(&lookup, "5368709120", parse_max_upload)?,
            allowed_types: ALLOWED_TYPES.optional(&lookup, "", AllowedTypes::parse)?,
            allowed_origins: ALLOWED_ORIGINS.optional(&lookup, "", AllowedOrigins::parse)?,
            allow_plain_presign: read_plain_presign(&lookup, &storage)?,
            storage,
            function_name: lookup(FUNCTION_NAME).unwrap_or_default(),
        })
    }

    /// The bucket that files go to.
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// Where in the bucket every key lies, without a slash at either end; empty where anywhere.
    pub fn key_prefix(&self) -> &str {
        &self.key_prefix
    }

    /// The media types that are accepted.
    pub fn allowed_types(&self) -> &AllowedTypes {
        &self.allowed_types
    }

    /// The origins whose pages may call the API.
    pub fn allowed_origins(&self) -> &AllowedOrigins {
        &self.allowed_origins
    }

    /// Where settings are besides the variables, if `SETTINGS_PARAMETER` says so.
    pub(crate) fn parameter(lookup: impl Fn(&str) -> Option<String>) -> Option<SettingsParameter> {
        let name = lookup(SETTINGS_PARAMETER.name).filter(|name| !name.is_empty())?;
        Some(SettingsParameter::new(name, lookup))
    }

    /// Reads the settings of which some may be in a parameter; a variable goes before it.
    pub(crate) fn from_variables_and_parameter(
        lookup: impl Fn(&str) -> Option<String>,
        parameter: &BTreeMap<String, String>,
    ) -> Result<Self, SettingError> {
        let unknown = |name: &&String| SETTINGS.iter().all(|setting| setting.name != name.as_str());
        if let Some(name) = parameter.keys().find(unknown) {
            let problem = format!("names a parameter with {name:?}, which is no setting");
            return Err(SETTINGS_PARAMETER.error(problem));
        }
        Self::from_variables(|name| {
            lookup(name)
                .filter(|value| is_given(name, value))
                .or_else(|| parameter.get(name).cloned())
        })
    }

    /// Checks the variables that are set, where the others are still to be read.
    pub(crate) fn check_variables(lookup: impl Fn(&str) -> Option<String>) -> Result<(), SettingError> {
        let needed = [(BUCKET_NAME.name, "bucket"), (REGION.name, "region")];
        let placeholders = needed.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self::from_variables_and_parameter(lookup, &placeholders.into()).map(drop)
    }
}

/// Whether a variable says anything: an empty value does so for the prefix alone.
fn is_given(name: &str, value: &str) -> bool {
    !value.is_empty() || name == KEY_PREFIX.name
}

type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Variable {
    fn parse<T, E: Display>(
        &self,
        value: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, SettingError> {
        parse(value).map_err(|problem| self.error(format!("is {value:?}, which {problem}")))
    }

    /// The value, or the one that `default` stands for.
    ///
    /// # Errors
    ///
    /// Where `parse` does not accept it: its name, the problem, and what it takes.
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
    fn given<T, E: Display>(
        &self,
        lookup: Lookup<'_>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, SettingError> {
        let value = lookup(self.name);
        value.map(|value| self.parse(&value, parse)).transpose()
    }

    fn error(&self, problem: String) -> SettingError {
        SettingError {
            name: self.name,
            problem,
            accepted: self.accepted,
        }
    }
}

fn read_bucket(lookup: Lookup<'_>) -> Result<Bucket, SettingError> {
    let missing = |variable: &Variable| variable.error("is not set".to_owned());
    let name = lookup(BUCKET_NAME.name).ok_or_else(|| missing(&BUCKET_NAME))?;
    BUCKET_NAME.parse(&name, check_bucket_name)?;
    let region = lookup(REGION.name)
        .or_else(|| lookup("AWS_REGION"))
        .ok_or_else(|| missing(&REGION))?;
    REGION.parse(&region, check_region)?;
    let endpoint = ENDPOINT.given(lookup, parse_endpoint)?;
    let second = SECOND_ENDPOINT.given(lookup, parse_endpoint)?;
    Ok(Bucket::new(
        &name,
        &region,
        endpoint.as_deref(),
        second.as_deref(),
    ))
}

fn check_region(value: &str) -> Result<(), &'static str> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if value.bytes().all(allowed) {
        Ok(())
    } else {
        Err("has a character that is no lower-case letter, digit or hyphen")
    }
}

fn parse_expiration(value: &str) -> Result<u32, &'static str> {
    match value.parse() {
        Ok(0) => Err("lets every URL expire at once"),
        Ok(seconds @ 1..=MAX_EXPIRATION_SECONDS) => Ok(seconds),
        Ok(_) => Err("is more than seven days"),
        Err(_) => Err("is not a whole number of seconds"),
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

fn parse_max_upload(value: &str) -> Result<u64, &'static str> {
    match value.parse::<u64>() {
        Ok(0) => Err("lets no file pass"),
        Ok(bytes) if bytes > MAX_PARTS * MAX_PART_BYTES => Err("is more than S3 stores as one object"),
        Ok(bytes) => Ok(bytes),
        Err(_) => Err("is not a whole number of bytes"),
    }
}

/// Whether `GET /presign` answers, which it cannot where every object needs headers.
fn read_plain_presign(lookup: Lookup<'_>, storage: &StorageOptions) -> Result<bool, SettingError> {
    let given = ALLOW_PLAIN_PRESIGN.given(lookup, parse_switch)?;
    match given {
        Some(true) if !storage.are_defaults() => {
            let problem = "is true, but a plain PUT can carry neither SSE_KMS_KEY_ID nor OBJECT_TAGS";
            Err(ALLOW_PLAIN_PRESIGN.error(problem.to_owned()))
        }
        given => Ok(given.unwrap_or(storage.are_defaults())),
    }
}

fn parse_switch(value: &str) -> Result<bool, &'static str> {
    value.parse().map_err(|_| "is neither true nor false")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The needed variables and one more.
    fn read(name: &str, value: &str) -> Result<Settings, SettingError> {
        Settings::from_variables(|asked| match asked {
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
        let settings = read("", "").expect("settings");
        assert_eq!(settings.bucket, Bucket::new("photos", "eu-west-1", None, None));
        assert_eq!(settings.expiration_seconds, 900);
        assert_eq!(settings.key_prefix, "uploads");
        assert_eq!(settings.max_upload_bytes, 5 * 1024 * 1024 * 1024);
        assert!(settings.allow_plain_presign);
    }

    #[test]
    fn a_needed_setting_that_is_missing_or_empty_is_named() {
        let error = Settings::from_variables(|_| None).expect_err("no bucket");
        assert_eq!(error.name(), "BUCKET_NAME");
        assert!(
            error
                .to_string()
                .starts_with("the setting BUCKET_NAME is not set")
        );
        check_refused("BUCKET_NAME", "");
        let error = Settings::from_variables(|name| (name == "BUCKET_NAME").then(|| "photos".to_owned()))
            .expect_err("no region");
        assert_eq!(error.name(), "AWS_REGION_NAME");
    }

    #[test]
    fn an_empty_value_is_the_same_as_none() {
        let settings = read("URL_EXPIRATION_SECONDS", "").expect("settings");
        assert_eq!(settings.expiration_seconds, 900);
    }

    #[test]
    fn the_region_name_goes_before_the_functions_region() {
        let settings = read("AWS_REGION_NAME", "us-east-2").expect("settings");
        assert_eq!(settings.bucket.region(), "us-east-2");
    }

    #[test]
    fn a_bad_value_is_refused_by_name() {
        for (name, value) in [
            ("BUCKET_NAME", "Photos"),
            ("AWS_REGION_NAME", "eu west"),
            ("AWS_ENDPOINT_URL_S3", "localhost:9000"),
            ("URL_EXPIRATION_SECONDS", "0"),
            ("URL_EXPIRATION_SECONDS", "604801"),
            ("URL_EXPIRATION_SECONDS", "15m"),
            ("URL_EXPIRATION_SECONDS", "-1"),
            ("KEY_PREFIX", "a/../b"),
            ("KEY_PREFIX", "a//b"),
            ("KEY_PREFIX", "a\\b"),
            ("MAX_UPLOAD_BYTES", "0"),
            ("MAX_UPLOAD_BYTES", "5GB"),
            ("MAX_UPLOAD_BYTES", "53687091200001"),
            ("ALLOWED_TYPES", "png"),
            ("ALLOWED_ORIGINS", "example.com"),
            ("ALLOW_PLAIN_PRESIGN", "yes"),
            ("SSE_KMS_KEY_ID", "a key"),
            ("OBJECT_TAGS", "team"),
        ] {
            check_refused(name, value);
        }
        check_refused("KEY_PREFIX", &"k".repeat(129));
    }

    #[test]
    fn the_limits_themselves_are_accepted() {
        let expiration = read("URL_EXPIRATION_SECONDS", "604800")
            .expect("settings")
            .expiration_seconds;
        assert_eq!(expiration, 604_800);
        let bytes = read("MAX_UPLOAD_BYTES", "53687091200000")
            .expect("settings")
            .max_upload_bytes;
        assert_eq!(bytes, 53_687_091_200_000);
    }

    #[test]
    fn a_prefix_loses_its_outer_slashes_and_may_be_empty() {
        for (value, expected) in [("/a/b/", "a/b"), ("", ""), ("/", "")] {
            assert_eq!(read("KEY_PREFIX", value).expect("settings").key_prefix, expected);
        }
    }

    #[test]
    fn with_encryption_or_tags_no_plain_put_is_signed() {
        for (name, value) in [("SSE_KMS_KEY_ID", "alias/uploads"), ("OBJECT_TAGS", "team=web")] {
            let settings = read(name, value).expect("settings");
            assert!(!settings.allow_plain_presign, "{name}");
            let variables = BTreeMap::from([
                (name.to_owned(), value.to_owned()),
                ("ALLOW_PLAIN_PRESIGN".to_owned(), "true".to_owned()),
                ("BUCKET_NAME".to_owned(), "photos".to_owned()),
                ("AWS_REGION".to_owned(), "eu-west-1".to_owned()),
            ]);
            let error = Settings::from_variables(|name| variables.get(name).cloned()).expect_err(name);
            assert_eq!(error.name(), "ALLOW_PLAIN_PRESIGN");
        }
    }

    /// Reads settings from variables and a parameter, and tells the bucket's URL or the setting at fault.
    fn check_parameter(variables: &[(&str, &str)], parameter: &[(&str, &str)], expected: Result<&str, &str>) {
        let owned = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect::<BTreeMap<_, _>>()
        };
        let variables = owned(variables);
        let lookup = |name: &str| variables.get(name).cloned();
        let settings = Settings::from_variables_and_parameter(lookup, &owned(parameter));
        let url = settings.as_ref().map(|settings| settings.bucket.object_url("k"));
        let expected = expected.map(|bucket| format!("https://{bucket}.s3.eu-west-1.amazonaws.com/k"));
        let name = settings.as_ref().map_err(SettingError::name);
        assert_eq!(
            url.map_err(|_| name.expect_err("an error")),
            expected,
            "{variables:?}"
        );
    }

    #[test]
    fn a_variable_goes_before_the_parameter() {
        let region = ("AWS_REGION", "eu-west-1");
        let parameter = [("BUCKET_NAME", "stored")];
        check_parameter(&[region], &parameter, Ok("stored"));
        check_parameter(&[region, ("BUCKET_NAME", "")], &parameter, Ok("stored"));
        check_parameter(&[region, ("BUCKET_NAME", "set")], &parameter, Ok("set"));
    }

    #[test]
    fn a_fault_in_the_parameter_is_named() {
        let region = ("AWS_REGION", "eu-west-1");
        check_parameter(&[region], &[], Err("BUCKET_NAME"));
        check_parameter(
            &[region],
            &[("BUCKET_NAME", "stored"), ("MAX_UPLOAD_BYTES", "5GB")],
            Err("MAX_UPLOAD_BYTES"),
        );
        check_parameter(
            &[region],
            &[("BUCKET_NAME", "stored"), ("PASSWORD", "secret")],
            Err("SETTINGS_PARAMETER"),
        );
    }

    #[test]
    fn what_a_parameter_holds_is_not_told_where_it_is_no_setting() {
        let parameter = BTreeMap::from([("PASSWORD".to_owned(), "secret".to_owned())]);
        let error = Settings::from_variables_and_parameter(|_| None, &parameter).expect_err("no setting");
        assert!(error.to_string().contains("PASSWORD"), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn the_variables_are_checked_before_the_parameter_is_read() {
        assert_eq!(Settings::check_variables(|_| None), Ok(()));
        let error = Settings::check_variables(|name| (name == "KEY_PREFIX").then(|| "..".to_owned()));
        assert_eq!(error.expect_err("a bad prefix").name(), "KEY_PREFIX");
    }
}
