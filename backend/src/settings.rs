//! The settings, from environment variables and from a parameter of SSM Parameter Store.

use std::collections::BTreeMap;

use lambda_api::{
    Deployment, SettingError,
    parameter::check_names,
    settings::{Lookup, Variable, entries, without_empty},
};
use wire::{MAX_PART_BYTES, MAX_PARTS, PartSizes};

use crate::{
    s3_request::MAX_PUT_BYTES,
    service::Service,
    storage_options::{StorageOptions, parse_kms_key_id, parse_tags},
};

/// The longest expiry of a presigned URL in seconds: seven days (Amazon S3 User Guide, "Download and upload
/// objects with presigned URLs").
const MAX_EXPIRATION_SECONDS: u32 = 604_800;

const URL_EXPIRATION_SECONDS: Variable = Variable {
    name: "URL_EXPIRATION_SECONDS",
    accepted: "a whole number of seconds from 1 to 604800",
};
const MAX_UPLOAD_BYTES: Variable = Variable {
    name: "MAX_UPLOAD_BYTES",
    accepted: "a whole number of bytes from 1 to 53687091200000",
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
    accepted: "at most 10 comma-separated tags, such as source=upload,team=web",
};
const LINK_MAKERS: Variable = Variable {
    name: "LINK_MAKERS",
    accepted: "comma-separated groups, or * for everybody who is signed in",
};
const LINKS_ONLY: Variable = Variable {
    name: "LINKS_ONLY",
    accepted: "true or false",
};
const PART_SIZES: Variable = Variable {
    name: "PART_SIZES",
    accepted: "growing or constant",
};
const CONDITIONAL_WRITES: Variable = Variable {
    name: "CONDITIONAL_WRITES",
    accepted: "on or off",
};
const CHECKSUMS: Variable = Variable {
    name: "CHECKSUMS",
    accepted: "on or off",
};
/// The variable that names the function (AWS Lambda Developer Guide, "Defined runtime environment
/// variables").
const FUNCTION_NAME: &str = "AWS_LAMBDA_FUNCTION_NAME";

/// The settings besides those of the [`Deployment`].
const VARIABLES: [&Variable; 10] = [
    &URL_EXPIRATION_SECONDS,
    &MAX_UPLOAD_BYTES,
    &ALLOW_PLAIN_PRESIGN,
    &SSE_KMS_KEY_ID,
    &OBJECT_TAGS,
    &LINK_MAKERS,
    &LINKS_ONLY,
    &PART_SIZES,
    &CONDITIONAL_WRITES,
    &CHECKSUMS,
];

/// Who of those who are signed in may make upload links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LinkMakers {
    Everybody,
    /// Who is in one of these groups; nobody if there are none.
    Groups(Vec<String>),
}

impl LinkMakers {
    /// Whether somebody in these groups may.
    pub(crate) fn include(&self, groups: &[String]) -> bool {
        match self {
            Self::Everybody => true,
            Self::Groups(makers) => makers.iter().any(|maker| groups.contains(maker)),
        }
    }
}

/// How the function is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) deployment: Deployment,
    pub(crate) expiration_seconds: u32,
    pub(crate) max_upload_bytes: u64,
    pub(crate) allow_plain_presign: bool,
    pub(crate) storage: StorageOptions,
    pub(crate) link_makers: LinkMakers,
    pub(crate) links_only: bool,
    pub(crate) service: Service,
    pub(crate) function_name: String,
}

impl Settings {
    /// Reads the settings; `lookup` returns a variable's value. An empty value is the same as none, except
    /// that an empty `KEY_PREFIX` means no prefix.
    ///
    /// They are those of [`Deployment::from_variables`] and of this function alone; `docs/settings.md` says what each
    /// means, and its default. A plain PUT has no header, so it can have neither encryption nor tags: with
    /// `SSE_KMS_KEY_ID` or `OBJECT_TAGS`, `GET /presign` is turned off and cannot be turned on.
    ///
    /// # Errors
    ///
    /// The first setting that is missing or not accepted, with its problem and what it takes.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let lookup = &without_empty(lookup);
        let storage = StorageOptions {
            kms_key_id: SSE_KMS_KEY_ID.given(lookup, parse_kms_key_id)?,
            tags: OBJECT_TAGS.optional(lookup, "", parse_tags)?,
        };
        Ok(Self {
            deployment: Deployment::from_variables(lookup)?,
            expiration_seconds: URL_EXPIRATION_SECONDS.optional(lookup, "900", parse_expiration)?,
            max_upload_bytes: MAX_UPLOAD_BYTES.optional(lookup, "5368709120", parse_max_upload)?,
            allow_plain_presign: read_plain_presign(lookup, &storage)?,
            storage,
            link_makers: LINK_MAKERS.optional(lookup, "", parse_link_makers)?,
            links_only: LINKS_ONLY.optional(lookup, "false", parse_switch)?,
            service: Service {
                part_sizes: PART_SIZES.optional(lookup, "growing", parse_part_sizes)?,
                has_conditional_writes: CONDITIONAL_WRITES.optional(lookup, "on", parse_on_off)?,
                has_checksums: CHECKSUMS.optional(lookup, "on", parse_on_off)?,
            },
            function_name: lookup(FUNCTION_NAME).unwrap_or_default(),
        })
    }

    /// Whether some file that one PutObject could store is not accepted, for its type or its size.
    pub(crate) fn limit_a_put(&self) -> bool {
        !self.deployment.allowed_types.patterns().is_empty() || self.max_upload_bytes < MAX_PUT_BYTES
    }

    /// Reads the settings, some of which may be in a parameter; a variable takes precedence over it.
    pub(crate) fn from_variables_and_parameter(
        lookup: impl Fn(&str) -> Option<String>,
        parameter: &BTreeMap<String, String>,
    ) -> Result<Self, SettingError> {
        check_names(parameter, Deployment::VARIABLES.into_iter().chain(VARIABLES))?;
        let lookup = without_empty(lookup);
        Self::from_variables(|name| lookup(name).or_else(|| parameter.get(name).cloned()))
    }

    /// Checks the variables that are set while the others are still to be read.
    pub(crate) fn check_variables(lookup: impl Fn(&str) -> Option<String>) -> Result<(), SettingError> {
        let placeholders = Deployment::NEEDED.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self::from_variables_and_parameter(lookup, &placeholders.into()).map(drop)
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

fn parse_max_upload(value: &str) -> Result<u64, &'static str> {
    match value.parse::<u64>() {
        Ok(0) => Err("lets no file pass"),
        Ok(bytes) if bytes > MAX_PARTS * MAX_PART_BYTES => Err("is more than S3 stores as one object"),
        Ok(bytes) => Ok(bytes),
        Err(_) => Err("is not a whole number of bytes"),
    }
}

fn parse_link_makers(list: &str) -> Result<LinkMakers, String> {
    let groups: Vec<_> = entries(list).map(str::to_owned).collect();
    if groups == ["*"] {
        return Ok(LinkMakers::Everybody);
    }
    // API Gateway hands on a token's groups with spaces between them, so that a name with one would be two.
    match groups.iter().find(|group| group.contains(['*', ' '])) {
        Some(group) => Err(format!("has the entry {group:?}, which is no group's name")),
        None => Ok(LinkMakers::Groups(groups)),
    }
}

/// Whether `GET /presign` answers, which it cannot if every object needs headers.
fn read_plain_presign(lookup: Lookup<'_>, storage: &StorageOptions) -> Result<bool, SettingError> {
    let given = ALLOW_PLAIN_PRESIGN.given(lookup, parse_switch)?;
    match given {
        Some(true) if !storage.are_defaults() => {
            let problem = "is true, but a plain PUT can have neither SSE_KMS_KEY_ID nor OBJECT_TAGS";
            Err(ALLOW_PLAIN_PRESIGN.error(problem))
        }
        given => Ok(given.unwrap_or(storage.are_defaults())),
    }
}

fn parse_part_sizes(value: &str) -> Result<PartSizes, &'static str> {
    match value {
        "growing" => Ok(PartSizes::Growing),
        "constant" => Ok(PartSizes::Constant),
        _ => Err("is neither growing nor constant"),
    }
}

fn parse_on_off(value: &str) -> Result<bool, &'static str> {
    match value {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("is neither on nor off"),
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
        assert_eq!(settings.expiration_seconds, 900);
        assert_eq!(settings.max_upload_bytes, 5 * 1024 * 1024 * 1024);
        assert!(settings.allow_plain_presign);
    }

    #[test]
    fn an_empty_value_is_the_same_as_none() {
        let settings = read("URL_EXPIRATION_SECONDS", "").expect("settings");
        assert_eq!(settings.expiration_seconds, 900);
    }

    #[test]
    fn a_bad_value_is_refused_by_name() {
        for (name, value) in [
            ("URL_EXPIRATION_SECONDS", "0"),
            ("URL_EXPIRATION_SECONDS", "604801"),
            ("URL_EXPIRATION_SECONDS", "15m"),
            ("URL_EXPIRATION_SECONDS", "-1"),
            ("MAX_UPLOAD_BYTES", "0"),
            ("MAX_UPLOAD_BYTES", "5GB"),
            ("MAX_UPLOAD_BYTES", "53687091200001"),
            ("ALLOWED_TYPES", "png"),
            ("ALLOW_PLAIN_PRESIGN", "yes"),
            ("SSE_KMS_KEY_ID", "a key"),
            ("OBJECT_TAGS", "team"),
            ("LINK_MAKERS", "*, staff"),
            ("LINK_MAKERS", "the staff"),
            ("LINKS_ONLY", "yes"),
            ("PART_SIZES", "equal"),
            ("CONDITIONAL_WRITES", "false"),
            ("CHECKSUMS", "none"),
        ] {
            check_refused(name, value);
        }
    }

    #[test]
    fn nobody_makes_links_unless_a_group_or_everybody_may() {
        let may = |makers: &str, groups: &[&str]| {
            let groups: Vec<_> = groups.iter().map(|group| (*group).to_owned()).collect();
            read("LINK_MAKERS", makers)
                .expect("settings")
                .link_makers
                .include(&groups)
        };
        assert!(!may("", &["staff"]));
        assert!(may("*", &[]));
        assert!(may("sales, staff", &["guests", "staff"]));
        assert!(!may("sales, staff", &["staf", "Staff"]));
        assert!(!may("staff", &[]));
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

    /// Reads settings from variables and a parameter, and compares the bucket's URL or the setting at fault.
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
        let url = settings
            .as_ref()
            .map(|settings| settings.deployment.bucket.object_url("k"));
        let expected = expected.map(|bucket| format!("https://{bucket}.s3.eu-west-1.amazonaws.com/k"));
        let name = settings.as_ref().map_err(SettingError::name);
        assert_eq!(
            url.map_err(|_| name.expect_err("an error")),
            expected,
            "{variables:?}"
        );
    }

    #[test]
    fn a_variable_takes_precedence_over_the_parameter() {
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
    fn a_value_that_is_not_a_setting_is_not_quoted() {
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
