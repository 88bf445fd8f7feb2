//! Renderings of the template for the tests.

use std::sync::LazyLock;

use infra::{Rendering, Template};

/// The only parameter without a default.
pub(crate) const PAGE_POLICY: (&str, &str) = (
    "PageContentSecurityPolicy",
    "default-src 'none'; script-src 'self'",
);

/// Parameters that create every optional resource, with one way to sign in and one kind of key.
pub(crate) const EVERYTHING: [(&str, &str); 14] = [
    ("AlarmEmail", "operations@example.com"),
    ("CreateKmsKey", "true"),
    ("CreateUserPool", "true"),
    ("DistributionLogs", "true"),
    ("InspectUploads", "true"),
    ("LinkMakers", "*"),
    ("MalwareProtection", "true"),
    ("NotifyEmail", "inbox@example.com"),
    ("ObjectTags", "source=upload,team=web"),
    ("OtherOrigins", "https://app.example.com,https://127.0.0.1:8080"),
    ("PageDomainName", "upload.example.com"),
    ("UploadLinks", "true"),
    ("VerdictConcurrency", "10"),
    (
        "WebAclArn",
        "arn:aws:wafv2:us-east-1:123456789012:global/webacl/uploads/1a2b3c4d",
    ),
];

/// The template with these parameters and the defaults of the others.
pub(crate) fn render(parameters: &[(&str, &str)]) -> Rendering {
    static TEMPLATE: LazyLock<Template> = LazyLock::new(|| Template::read().expect("the template is read"));
    let parameters: Vec<_> = parameters.iter().copied().chain([PAGE_POLICY]).collect();
    TEMPLATE.render(&parameters).expect("the template is rendered")
}
