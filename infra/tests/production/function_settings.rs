//! The parameters as the signing function receives them.

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

fn check_presign(parameters: &[(&str, &str)], is_on: bool) {
    let (status, answer) = presign(parameters);
    let code = answer["error"]["code"].as_str();
    let expected = if is_on { None } else { Some("PresignDisabled") };
    assert_eq!(code, expected, "{parameters:?}");
    assert_eq!(status, if is_on { 200 } else { 403 }, "{parameters:?}");
}

#[test]
fn plain_presign_has_to_be_asked_for_where_everybody_may_call() {
    let sign_in = ("CreateUserPool", "true");
    let own_issuer = ("OidcIssuer", "https://id.example");
    check_presign(&[], false);
    check_presign(&[("AllowPlainPresign", "true")], true);
    check_presign(&[sign_in], true);
    check_presign(&[own_issuer], true);
    check_presign(&[sign_in, ("AllowPlainPresign", "false")], false);
    let tags = ("ObjectTags", "team=web");
    check_presign(&[sign_in, tags], false);
    check_presign(&[("AllowPlainPresign", "true"), tags], false);
}

#[test]
fn plain_presign_keeps_the_limits_of_the_template() {
    for limit in [("AllowedTypes", "image/*"), ("MaxUploadBytes", "10")] {
        let (status, answer) = presign(&[("AllowPlainPresign", "true"), limit]);
        assert_eq!(
            (status, &answer["error"]["code"]),
            (400, &json!("InvalidType")),
            "{limit:?}"
        );
    }
}

#[test]
fn links_are_for_a_deployment_that_asks_for_them() {
    let code = |parameters: &[(&str, &str)], path: &str| {
        let (_, answer) = function(parameters).call("POST", path, "", &json!({"files": []}));
        answer["error"]["code"].as_str().map(str::to_owned)
    };
    let links = ("UploadLinks", "true");
    assert_eq!(code(&[], "/link/uploads").as_deref(), Some("NotFound"));
    assert_eq!(code(&[links], "/link/uploads").as_deref(), Some("InvalidLink"));
    assert_eq!(code(&[links], "/uploads").as_deref(), Some("InvalidBatchSize"));
    let only = [links, ("LinksOnly", "true")];
    assert_eq!(code(&only, "/uploads").as_deref(), Some("NotSignedIn"));
}

#[test]
fn the_function_starts_with_every_option_and_limit() {
    function(&EVERYTHING);
    for limit in [
        ("MaxUploadBytes", "1"),
        ("MaxUploadBytes", "53687091200000"),
        ("UrlExpirationSeconds", "60"),
        ("UrlExpirationSeconds", "43200"),
        ("AllowedTypes", "image/*,application/pdf"),
        ("LinkMakers", "staff,sales"),
        ("RevokedLinks", "01a3185c-5000-7000-8000-000000000000"),
    ] {
        let variables = variables(&render(&[limit]));
        let settings = Settings::from_variables(|name| variables.get(name).cloned());
        settings.unwrap_or_else(|error| panic!("{limit:?}: {error}"));
    }
}
