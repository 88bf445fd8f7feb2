//! The settings of the sign-in, in the page's `config.json`.

use serde::Deserialize;

/// Origins on this machine, where an issuer without TLS is as safe as one with it.
const THIS_MACHINE: [&str; 2] = ["http://127.0.0.1", "http://localhost"];

/// `signIn` of `config.json`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SignInConfig {
    /// The issuer's URL, exactly as in its metadata.
    pub(crate) issuer: String,
    /// The page's client id at the issuer.
    pub(crate) client_id: String,
    /// The scopes to request; only `openid` if they are not set.
    #[serde(default = "openid")]
    pub(crate) scopes: Vec<String>,
    /// The `audience` to request, for an issuer that requires one.
    #[serde(default)]
    pub(crate) audience: Option<String>,
}

fn openid() -> Vec<String> {
    vec!["openid".to_owned()]
}

impl SignInConfig {
    /// Reads the settings.
    ///
    /// # Errors
    /// What is wrong with them, in English.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        let config: Self = serde_json::from_str(json).map_err(|error| format!("signIn: {error}"))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        if !self.issuer.starts_with("https://") && !self.is_on_this_machine() {
            return Err("signIn.issuer has to begin with https://".to_owned());
        }
        if self.client_id.is_empty() {
            return Err("signIn.clientId is empty".to_owned());
        }
        if !self.scopes.iter().any(|scope| scope == "openid") {
            return Err("signIn.scopes has no openid".to_owned());
        }
        Ok(())
    }

    /// Whether the issuer is reached without TLS, which is allowed on this machine only.
    pub(crate) fn is_on_this_machine(&self) -> bool {
        let has_end = |rest: &str| rest.is_empty() || rest.starts_with([':', '/']);
        THIS_MACHINE
            .iter()
            .any(|start| self.issuer.strip_prefix(start).is_some_and(has_end))
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    /// Checks what is wrong with settings.
    fn check(json: &str, expected: Result<(), &str>) {
        match (SignInConfig::parse(json), expected) {
            (Ok(_), Ok(())) => {}
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{json}: {reason}"),
            (parsed, _) => panic!("{json}: {parsed:?}"),
        }
    }

    #[wasm_bindgen_test]
    fn a_sign_in_needs_an_issuer_that_is_as_safe_as_the_page() {
        for (json, expected) in [
            (
                r#"{"issuer": "https://issuer.example", "clientId": "page"}"#,
                Ok(()),
            ),
            (
                r#"{"issuer": "http://127.0.0.1:9002", "clientId": "page"}"#,
                Ok(()),
            ),
            (
                r#"{"issuer": "https://a", "clientId": "b", "scopes": ["openid", "upload"], "audience": "c"}"#,
                Ok(()),
            ),
            (
                r#"{"issuer": "http://issuer.example", "clientId": "page"}"#,
                Err("https://"),
            ),
            (
                r#"{"issuer": "http://localhost.example", "clientId": "page"}"#,
                Err("https://"),
            ),
            (r#"{"issuer": "https://a", "clientId": ""}"#, Err("clientId")),
            (r#"{"issuer": "https://a"}"#, Err("clientId")),
            (
                r#"{"issuer": "https://a", "clientId": "b", "scopes": ["email"]}"#,
                Err("openid"),
            ),
            (
                r#"{"issuer": "https://a", "clientId": "b", "secret": "c"}"#,
                Err("secret"),
            ),
        ] {
            check(json, expected);
        }
    }
}
