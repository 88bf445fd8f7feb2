//! The upload bucket's CORS configuration beside what the function signs.

use std::collections::BTreeSet;

use infra::Rendering;
use serde_json::Value;

use crate::{rendering::render, signing::SigningFunction};

fn rule(rendering: &Rendering) -> Value {
    let bucket = rendering.properties("UploadBucket").expect("the bucket");
    let rules = bucket["CorsConfiguration"]["CorsRules"]
        .as_array()
        .expect("rules");
    assert_eq!(rules.len(), 1);
    rules[0].clone()
}

fn texts(list: &Value) -> BTreeSet<String> {
    let items = list.as_array().expect("a list").iter();
    items
        .map(|item| item.as_str().expect("a text").to_owned())
        .collect()
}

/// CORS permits neither a header nor a method that the page does not send.
fn check(parameters: &[(&str, &str)]) {
    let rendering = render(parameters);
    let mut headers = BTreeSet::new();
    let mut methods = BTreeSet::new();
    for (_, signed) in SigningFunction::new(&rendering).requests_of_the_page() {
        methods.insert(signed.method.as_str().to_owned());
        headers.extend(signed.headers.into_keys());
    }
    let rule = rule(&rendering);
    assert!(
        wire::SIGNED_HEADERS.iter().all(|name| headers.contains(*name)),
        "{headers:?}"
    );
    assert_eq!(texts(&rule["AllowedHeaders"]), headers, "{parameters:?}");
    assert_eq!(texts(&rule["AllowedMethods"]), methods, "{parameters:?}");
}

#[test]
fn exactly_the_signed_headers_and_methods_are_allowed() {
    check(&[]);
    check(&[("ObjectTags", "team=web")]);
    check(&[("CreateKmsKey", "true")]);
}

#[test]
fn exactly_what_the_page_reads_of_an_answer_is_exposed() {
    let exposed = texts(&rule(&render(&[]))["ExposedHeaders"]);
    assert_eq!(exposed, wire::EXPOSED_HEADERS.map(str::to_owned).into());
}

#[test]
fn the_pages_origin_and_the_other_origins_are_allowed() {
    let origins = |parameters: &[(&str, &str)]| texts(&rule(&render(parameters))["AllowedOrigins"]);
    let set = |origins: &[&str]| origins.iter().map(|origin| (*origin).to_owned()).collect();
    let distribution = "https://distribution.cloudfront.net";
    assert_eq!(origins(&[]), set(&[distribution]));
    assert_eq!(
        origins(&[("OtherOrigins", "https://a.example,https://127.0.0.1:8080")]),
        set(&[distribution, "https://a.example", "https://127.0.0.1:8080"])
    );
    assert_eq!(
        origins(&[("PageDomainName", "up.example.com")]),
        set(&["https://up.example.com"])
    );
}

#[test]
fn only_pages_of_other_origins_may_load_the_uploader() {
    let cors = |parameters: &[(&str, &str)]| {
        let headers = render(parameters);
        let headers = headers.properties("PageHeaders").expect("the headers");
        headers["ResponseHeadersPolicyConfig"]["CorsConfig"].clone()
    };
    assert_eq!(cors(&[]), Value::Null);
    let with_others = cors(&[("OtherOrigins", "https://a.example,https://127.0.0.1:8080")]);
    let origins = texts(&with_others["AccessControlAllowOrigins"]["Items"]);
    assert_eq!(
        origins.iter().collect::<Vec<_>>(),
        ["https://127.0.0.1:8080", "https://a.example"]
    );
    assert_eq!(with_others["OriginOverride"], false);
}
