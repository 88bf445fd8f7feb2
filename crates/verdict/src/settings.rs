//! The settings: those that every function of the deployment is given, and one more.

use lambda_api::{
    AllowedTypes, Bucket, Deployment, SettingError,
    settings::{Variable, without_empty},
};

use crate::judge::Rules;

const FORBIDDEN_TYPES: Variable = Variable {
    name: "FORBIDDEN_TYPES",
    accepted: "comma-separated media types, such as application/x-executable, or none",
};

/// Programs that a machine runs as they are, installs, or hands to an interpreter.
const PROGRAMS: &str = "application/vnd.microsoft.portable-executable, application/x-msdownload, \
    application/x-msi, application/hta, text/x-msdos-batch, \
    application/x-executable, application/x-mach-binary, text/x-shellscript, \
    application/java, application/java-archive, \
    application/vnd.android.dex, application/vnd.android.package-archive";

/// How the function is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) deployment: Deployment,
    pub(crate) rules: Rules,
}

impl Settings {
    /// Reads the settings; `lookup` returns a variable's value, and an empty one is the same as none.
    ///
    /// They are those of [`Deployment::from_variables`], with the values that the signing Lambda has, so that both mean
    /// the same bucket, prefix and accepted types; and `FORBIDDEN_TYPES`: the media types that are put under quarantine.
    /// If it is not set those are programs; `none` forbids nothing.
    ///
    /// # Errors
    ///
    /// The first setting that is missing or not accepted.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let lookup = &without_empty(lookup);
        let deployment = Deployment::from_variables(lookup)?;
        let rules = Rules {
            allowed: deployment.allowed_types.clone(),
            forbidden: FORBIDDEN_TYPES.optional(lookup, PROGRAMS, parse_forbidden)?,
        };
        Ok(Self { deployment, rules })
    }

    /// The bucket whose objects are judged.
    pub fn bucket(&self) -> &Bucket {
        &self.deployment.bucket
    }
}

fn parse_forbidden(list: &str) -> Result<Option<AllowedTypes>, String> {
    if list.trim() == "none" {
        return Ok(None);
    }
    let types = AllowedTypes::parse(list)?;
    if types.patterns().is_empty() {
        return Err("names no type".to_owned());
    }
    Ok(Some(types))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(forbidden: &str) -> Result<Settings, SettingError> {
        Settings::from_variables(|name| match name {
            "BUCKET_NAME" => Some("photos".to_owned()),
            "AWS_REGION" => Some("eu-west-1".to_owned()),
            "FORBIDDEN_TYPES" => Some(forbidden.to_owned()),
            _ => None,
        })
    }

    #[test]
    fn programs_are_forbidden_unless_other_types_or_none_are() {
        let patterns = |forbidden: &str| {
            let rules = read(forbidden).expect("settings").rules;
            rules.forbidden.map(|types| types.patterns().len())
        };
        assert_eq!(patterns(""), Some(12));
        assert_eq!(patterns("video/*, text/html"), Some(2));
        assert_eq!(patterns("none"), None);
    }

    #[test]
    fn a_list_that_is_none_is_refused_by_name() {
        for list in ["exe", ",", " "] {
            let error = read(list).expect_err(list);
            assert_eq!(error.name(), "FORBIDDEN_TYPES", "{list:?}");
        }
    }

    #[test]
    fn what_every_function_needs_is_needed() {
        let error = Settings::from_variables(|_| None).expect_err("no bucket");
        assert_eq!(error.name(), "BUCKET_NAME");
    }
}
