//! The template as it is rendered for the tests.

use infra::{Rendering, Template};

/// The one parameter that has no default.
pub(crate) const PAGE_POLICY: (&str, &str) = (
    "PageContentSecurityPolicy",
    "default-src 'none'; script-src 'self'",
);

/// Parameters that bring in every optional resource there is, one way of sign-in and one kind of key.
pub(crate) const EVERYTHING: [(&str, &str); 8] = [
    ("AlarmEmail", "operations@example.com"),
    ("CreateKmsKey", "true"),
    ("CreateUserPool", "true"),
    ("InspectUploads", "true"),
    ("MalwareProtection", "true"),
    ("ObjectTags", "source=upload,team=web"),
    ("OtherOrigins", "https://app.example.com,http://127.0.0.1:8080"),
    ("PageDomainName", "upload.example.com"),
];

/// The template with the defaults but for these parameters.
pub(crate) fn render(parameters: &[(&str, &str)]) -> Rendering {
    let template = Template::read().expect("the template is read");
    let parameters: Vec<_> = parameters.iter().copied().chain([PAGE_POLICY]).collect();
    template.render(&parameters).expect("the template is rendered")
}
