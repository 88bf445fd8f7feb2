//! The parameters as the signing function gets them.

use backend::Settings;
use serde_json::{Value, json};

use crate::{
    rendering::{EVERYTHING, render},
    signing::{SigningFunction, variables},
};

fn function(parameters: &[(&str, &str)]) -> SigningFunction {
    SigningFunction::new(&render(parameters))
}

fn presign(parameters: &[(&str, &str)]) -> (u64, Value) {
    function(parameters).call("GET", "/presign", "key=a.txt", &json!({}))
}

#[test]
fn each_parameter_reaches_the_function() {
    let plan =
        function(&[("KeyPrefix", "team/inbox"), ("UrlExpirationSeconds", "300")]).plan(1, "text/plain");
    let url = plan["put"]["url"].as_str().expect("a URL");
    assert!(url.contains("/team/inbox/anonymous/"), "{url}");
    assert!(url.contains("X-Amz-Expires=300&"), "{url}");
    assert!(url.starts_with("https://slipway-uploads-"), "{url}");

    let code = |parameters: &[(&str, &str)]| {
        let plan = function(parameters).plan(11, "text/plain");
        plan["error"]["code"].as_str().map(str::to_owned)
    };
    assert_eq!(code(&[]), None);
    assert_eq!(code(&[("MaxUploadBytes", "10")]).as_deref(), Some("FileTooLarge"));
    assert_eq!(
        code(&[("AllowedTypes", "image/*")]).as_deref(),
        Some("TypeNotAllowed")
    );

    let plan = function(&[("ObjectTags", "team=web")]).plan(1, "text/plain");
    assert_eq!(plan["put"]["headers"]["x-amz-tagging"], "team=web");
}

#[test]
fn the_plain_contract_can_be_turned_off_and_is_off_with_tags() {
    assert_eq!(presign(&[]).0, 200);
    for off in [("AllowPlainPresign", "false"), ("ObjectTags", "team=web")] {
        let (status, answer) = presign(&[off]);
        assert_eq!(
            (status, &answer["error"]["code"]),
            (403, &json!("PresignDisabled")),
            "{off:?}"
        );
    }
}

#[test]
fn the_function_starts_with_every_option_and_at_every_limit() {
    function(&EVERYTHING);
    for limit in [
        ("MaxUploadBytes", "1"),
        ("MaxUploadBytes", "53687091200000"),
        ("UrlExpirationSeconds", "60"),
        ("UrlExpirationSeconds", "43200"),
        ("AllowedTypes", "image/*,application/pdf"),
    ] {
        let variables = variables(&render(&[limit]));
        let settings = Settings::from_variables(|name| variables.get(name).cloned());
        settings.unwrap_or_else(|error| panic!("{limit:?}: {error}"));
    }
}
