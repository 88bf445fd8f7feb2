//! The parameters: their descriptions, and the values that they accept.

use infra::Template;
use regex::Regex;
use serde_json::Value;

fn template() -> Template {
    Template::read().expect("the template is read")
}

#[test]
fn every_parameter_is_described_and_constrained() {
    for (name, parameter) in template().parameters() {
        for text in ["Description", "ConstraintDescription"] {
            assert!(parameter[text].is_string(), "{name} has no {text}");
        }
        let is_bounded = parameter["MinValue"].is_number() && parameter["MaxValue"].is_number();
        let is_listed = parameter["AllowedValues"].is_array();
        let is_patterned = parameter["AllowedPattern"].is_string() && parameter["MaxLength"].is_number();
        assert!(
            is_bounded || is_listed || is_patterned,
            "{name} is not constrained"
        );
        if let Some(default) = parameter.get("Default") {
            let default = default
                .as_str()
                .map_or_else(|| default.to_string(), str::to_owned);
            assert!(
                accepts(parameter, &default),
                "{name} does not accept its default {default:?}"
            );
        }
    }
}

/// Whether a parameter accepts a value, as CloudFormation checks it (AWS CloudFormation User Guide,
/// "Parameters").
fn accepts(parameter: &Value, value: &str) -> bool {
    let number = |name: &str| parameter[name].as_i64();
    let length = i64::try_from(value.chars().count()).expect("a short text");
    let fits_pattern = parameter["AllowedPattern"].as_str().is_none_or(|pattern| {
        let pattern = Regex::new(&format!("^(?:{pattern})$"));
        pattern.expect("a regular expression").is_match(value)
    });
    let fits_list = parameter["AllowedValues"].as_array().is_none_or(|allowed| {
        allowed.iter().any(|allowed| {
            allowed
                .as_str()
                .map_or_else(|| allowed.to_string(), str::to_owned)
                == value
        })
    });
    let fits_bounds = parameter["Type"] != "Number"
        || value.parse::<i64>().is_ok_and(|value| {
            number("MinValue").is_none_or(|least| value >= least)
                && number("MaxValue").is_none_or(|most| value <= most)
        });
    fits_pattern
        && fits_list
        && fits_bounds
        && number("MaxLength").is_none_or(|most| length <= most)
        && number("MinLength").is_none_or(|least| length >= least)
}

fn check(name: &str, accepted: &[&str], refused: &[&str]) {
    let template = template();
    let parameter = &template.parameters()[name];
    for value in accepted {
        assert!(accepts(parameter, value), "{name} refuses {value:?}");
    }
    for value in refused {
        assert!(!accepts(parameter, value), "{name} accepts {value:?}");
    }
}

#[test]
fn lists_of_types_are_those_that_the_functions_read() {
    let template = template();
    for list in [
        "image/*",
        "*/*",
        "image/png, application/pdf",
        "application/vnd.ms-excel.sheet.macroEnabled.12",
        "image/svg+xml",
        "png",
        "image/",
        "/png",
        "*",
        "*/png",
        "image/p*",
        "image/*/x",
        "image/*;q=1",
        "a b/c",
        "image/png,png",
    ] {
        let is_read = lambda_api::AllowedTypes::parse(list).is_ok();
        for name in ["AllowedTypes", "ForbiddenTypes"] {
            let parameter = &template.parameters()[name];
            assert_eq!(accepts(parameter, list), is_read, "{name}: {list}");
        }
    }
}

#[test]
fn parameters_accept_valid_values_and_refuse_others() {
    check(
        "KeyPrefix",
        &["uploads", "team/inbox"],
        &["", "/a", "a/", "a//b", "a/../b", "a*", "a b"],
    );
    check(
        "MaxUploadBytes",
        &["1", "53687091200000"],
        &["0", "53687091200001", "1 GiB"],
    );
    check(
        "AllowedTypes",
        &["", "image/*,application/pdf"],
        &["image/*;text/plain", ",", "png"],
    );
    check(
        "ForbiddenTypes",
        &["", "none", "application/java, text/html"],
        &[",", "a;b"],
    );
    check("UrlExpirationSeconds", &["60", "43200"], &["59", "43201"]);
    check("AbortIncompleteUploadDays", &["7"], &["6"]);
    check("ResumeUploads", &["true", "false"], &["", "no"]);
    check(
        "ObjectTags",
        &["", "a=b", "a=b,c=", "a=,b=,c=,d=,e=,f=,g=,h="],
        &["a", "=b", "a=b,", "a=b&c=d", "a=,b=,c=,d=,e=,f=,g=,h=,i="],
    );
    check(
        "KmsKeyArn",
        &[
            "",
            "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        ],
        &[
            "alias/uploads",
            "arn:aws:kms:eu-central-1:123456789012:alias/uploads",
        ],
    );
    check(
        "PageDomainName",
        &["", "upload.example.com"],
        &["https://upload.example.com", "upload", "-a.com"],
    );
    check(
        "PageCertificateArn",
        &["", "arn:aws:acm:us-east-1:123456789012:certificate/1234abcd"],
        &["arn:aws:acm:eu-central-1:123456789012:certificate/1234abcd"],
    );
    check(
        "OtherOrigins",
        &["", "https://a.example,https://127.0.0.1:8080"],
        &[
            "*",
            "http://a.example",
            "https://a.example/",
            "https://a.example,",
            "a.example",
        ],
    );
    check(
        "OidcIssuer",
        &["", "https://id.example/realms/one"],
        &["http://id.example", "https://id.example?x"],
    );
    check(
        "OidcAudience",
        &["", "api", "https://api.example,other"],
        &["a,", "a b"],
    );
    check(
        "OidcScopes",
        &["openid", "openid email https://api.example/upload"],
        &["", "email"],
    );
    check("OidcApiScopes", &["", "upload read"], &["a,b", " a"]);
    check(
        "OidcOrigins",
        &["", "https://a.example https://b.example"],
        &["a.example", "https://a.example,"],
    );
    for email in ["AlarmEmail", "NotifyEmail"] {
        check(email, &["", "a@example.com"], &["a", "a@b", "a b@example.com"]);
    }
    check(
        "WebAclArn",
        &[
            "",
            "arn:aws:wafv2:us-east-1:123456789012:global/webacl/uploads/1a2b3c4d",
        ],
        &["arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/uploads/1a2b3c4d"],
    );
    check(
        "LinkMakers",
        &["", "*", "staff,sales"],
        &["*,staff", "the staff", "a,"],
    );
    check(
        "RevokedLinks",
        &[
            "",
            "01a3185c-5000-7000-8000-000000000000",
            "01a3185c-5000-7000-8000-000000000000,01a3185c-5000-7000-8000-000000000001",
        ],
        &[
            "acme",
            "01a3185c-5000-4000-8000-000000000000",
            "01a3185c-5000-7000-8000-000000000000,",
        ],
    );
    check("LinkGeneration", &["1", "2"], &["0", "a"]);
    check("VerdictConcurrency", &["0", "100"], &["-1", "1001"]);
    check("Architecture", &["arm64", "x86_64"], &["aarch64"]);
}
