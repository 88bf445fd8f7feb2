//! The page's settings for a stack.

use serde_json::{Map, Value, json};

use super::command_line::Outputs;

/// The path of the API on the page's own origin, which the distribution forwards.
const API_PATH: &str = "/api";

/// The settings that a page was built with, changed for this stack: its API, the bucket's second endpoint, which the
/// page's policy permits, manifests, verdicts, sign-in and the making of upload links if the stack has them, and that
/// nothing is kept to resume uploads by if its bucket does not keep their parts either.
pub(crate) fn for_stack(base: &Map<String, Value>, outputs: &Outputs) -> Value {
    let mut config = base.clone();
    config.insert("apiUrl".to_owned(), json!(API_PATH));
    config.insert("secondEndpoint".to_owned(), json!(true));
    config.insert("manifests".to_owned(), json!(true));
    if outputs.contains_key("VerdictsRoute") {
        config.insert("verdicts".to_owned(), json!(true));
    } else {
        config.remove("verdicts");
    }
    if outputs.contains_key("LinksRoute") {
        config.insert("links".to_owned(), json!(true));
    } else {
        config.remove("links");
    }
    if outputs
        .get("ResumeUploads")
        .is_some_and(|resume| resume == "false")
    {
        config.insert("resume".to_owned(), json!(false));
    }
    config.remove("signIn");
    if let (Some(issuer), Some(client_id)) = (outputs.get("SignInIssuer"), outputs.get("SignInClientId")) {
        let scopes = outputs.get("SignInScopes").map(String::as_str);
        let scopes: Vec<_> = scopes.unwrap_or("openid").split_whitespace().collect();
        let sign_in = json!({"issuer": issuer, "clientId": client_id, "scopes": scopes});
        config.insert("signIn".to_owned(), sign_in);
    }
    Value::Object(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(base: Value, outputs: &[(&str, &str)], expected: Value) {
        let pairs = outputs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let base = base.as_object().expect("an object");
        assert_eq!(for_stack(base, &pairs.collect()), expected);
    }

    #[test]
    fn the_api_is_on_the_pages_origin_and_other_settings_stay() {
        check(
            json!({"apiUrl": "http://127.0.0.1:9001", "parallelRequests": 8}),
            &[],
            json!({"apiUrl": "/api", "parallelRequests": 8, "secondEndpoint": true, "manifests": true}),
        );
    }

    #[test]
    fn a_stack_with_sign_in_sets_it() {
        check(
            json!({"apiUrl": "/api"}),
            &[
                ("SignInIssuer", "https://id.example"),
                ("SignInClientId", "page"),
                ("SignInScopes", "openid email"),
            ],
            json!({
                "apiUrl": "/api",
                "secondEndpoint": true, "manifests": true,
                "signIn": {"issuer": "https://id.example", "clientId": "page", "scopes": ["openid", "email"]},
            }),
        );
    }

    #[test]
    fn a_stack_that_inspects_uploads_turns_verdicts_on() {
        check(
            json!({"apiUrl": "/api"}),
            &[("VerdictsRoute", "POST /verdicts")],
            json!({"apiUrl": "/api", "secondEndpoint": true, "manifests": true, "verdicts": true}),
        );
    }

    #[test]
    fn a_stack_that_keeps_parts_for_a_day_turns_resuming_off() {
        for (resume, expected) in [
            (
                "true",
                json!({"apiUrl": "/api", "secondEndpoint": true, "manifests": true}),
            ),
            (
                "false",
                json!({"apiUrl": "/api", "secondEndpoint": true, "manifests": true, "resume": false}),
            ),
        ] {
            check(json!({"apiUrl": "/api"}), &[("ResumeUploads", resume)], expected);
        }
    }

    #[test]
    fn a_stack_whose_users_make_links_turns_them_on() {
        check(
            json!({"apiUrl": "/api"}),
            &[("LinksRoute", "POST /links")],
            json!({"apiUrl": "/api", "secondEndpoint": true, "manifests": true, "links": true}),
        );
        check(
            json!({"apiUrl": "/api", "links": true}),
            &[],
            json!({"apiUrl": "/api", "secondEndpoint": true, "manifests": true}),
        );
    }

    #[test]
    fn sign_in_and_verdicts_without_the_stack_are_dropped() {
        check(
            json!({"apiUrl": "/api", "verdicts": true, "signIn": {"issuer": "https://old.example"}}),
            &[],
            json!({"apiUrl": "/api", "secondEndpoint": true, "manifests": true}),
        );
    }
}
