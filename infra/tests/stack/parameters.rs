//! The parameters: what each says of itself, and what it takes.

use infra::Template;
use regex::Regex;
use serde_json::Value;

fn template() -> Template {
    Template::read().expect("the template is read")
}

#[test]
fn every_parameter_is_described_constrained_and_has_a_default_that_it_takes() {
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
                takes(parameter, &default),
                "{name} does not take its default {default:?}"
            );
        }
    }
}

/// Whether a parameter takes a value, as CloudFormation checks it (AWS CloudFormation User Guide,
/// "Parameters").
fn takes(parameter: &Value, value: &str) -> bool {
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

fn check(name: &str, taken: &[&str], refused: &[&str]) {
    let template = template();
    let parameter = &template.parameters()[name];
    for value in taken {
        assert!(takes(parameter, value), "{name} refuses {value:?}");
    }
    for value in refused {
        assert!(!takes(parameter, value), "{name} takes {value:?}");
    }
}

#[test]
fn parameters_take_what_they_are_for_and_refuse_the_rest() {
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
        &["image/*;text/plain", ","],
    );
    check(
        "ForbiddenTypes",
        &["", "none", "application/java, text/html"],
        &[",", "a;b"],
    );
    check("UrlExpirationSeconds", &["60", "43200"], &["59", "43201"]);
    check("AbortIncompleteUploadDays", &["7"], &["6"]);
    check(
        "ObjectTags",
        &["", "a=b", "a=b,c="],
        &["a", "=b", "a=b,", "a=b&c=d"],
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
        &["", "https://a.example,http://127.0.0.1:8080"],
        &["*", "https://a.example/", "https://a.example,", "a.example"],
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
    check(
        "OidcOrigins",
        &["", "https://a.example https://b.example"],
        &["a.example", "https://a.example,"],
    );
    check(
        "AlarmEmail",
        &["", "a@example.com"],
        &["a", "a@b", "a b@example.com"],
    );
    check("Architecture", &["arm64", "x86_64"], &["aarch64"]);
}
