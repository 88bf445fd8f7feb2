//! The page's Content-Security-Policy (W3C Content Security Policy Level 3).

use std::{collections::BTreeMap, fs, path::Path};

use crate::rendering::render;

fn directives_of_the_file() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("content-security-policy.txt");
    let text = fs::read_to_string(path).expect("the file is there");
    text.lines().map(str::to_owned).collect()
}

/// The directives that a browser receives if the file's policy is passed as a deployment does.
fn directives(parameters: &[(&str, &str)]) -> BTreeMap<String, String> {
    let policy = directives_of_the_file().join("; ");
    let mut all = vec![("PageContentSecurityPolicy", policy.as_str())];
    all.extend(parameters);
    let rendering = infra::Template::read()
        .and_then(|template| template.render(&all))
        .expect("the template is rendered");
    let headers = rendering.properties("PageHeaders").expect("the headers");
    let policy = &headers["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]["ContentSecurityPolicy"];
    let policy = policy["ContentSecurityPolicy"].as_str().expect("a policy");
    let directives = policy.split("; ").map(|directive| {
        let (name, value) = directive.split_once(' ').expect("a name and a value");
        (name.to_owned(), value.to_owned())
    });
    directives.collect()
}

#[test]
fn the_page_may_connect_to_itself_and_the_bucket_only() {
    let rendering = render(&[]);
    let bucket = rendering.properties("UploadBucket").expect("the bucket");
    let bucket = bucket["BucketName"].as_str().expect("a name");
    let directives = directives(&[]);
    assert_eq!(directives["default-src"], "'none'");
    assert_eq!(
        directives["connect-src"],
        format!(
            "'self' https://{bucket}.s3.eu-central-1.amazonaws.com \
             https://{bucket}.s3.dualstack.eu-central-1.amazonaws.com"
        )
    );
    assert_eq!(
        directives.len(),
        directives_of_the_file().len() + 1,
        "no directive is there twice"
    );
}

#[test]
fn the_page_may_connect_to_where_its_users_sign_in() {
    let sources = |parameters: &[(&str, &str)]| {
        let directives = directives(parameters);
        let sources = directives["connect-src"].split(' ').skip(3);
        sources.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        sources(&[("CreateUserPool", "true")]),
        [
            "https://cognito-idp.eu-central-1.amazonaws.com",
            "https://slipway-6f1b2c3d-0a1b-4c5d-8e9f-001122334455.auth.eu-central-1.amazoncognito.com",
        ]
    );
    assert_eq!(
        sources(&[
            ("OidcIssuer", "https://id.example/realms/one"),
            ("OidcOrigins", "https://token.example")
        ]),
        ["https://id.example", "https://token.example"]
    );
}

#[test]
fn no_script_or_style_may_be_inline() {
    for directive in directives_of_the_file() {
        for forbidden in ["unsafe-inline", "'unsafe-eval'", "http:", "https:", "*"] {
            assert!(!directive.contains(forbidden), "{directive}");
        }
    }
}
