//! The settings of the sign-in, in the page's `config.json`.

use serde::Deserialize;

/// Addresses that are this machine's, where an issuer without TLS is as safe as one with it.
const THIS_MACHINE: [&str; 2] = ["http://127.0.0.1", "http://localhost"];

/// `signIn` of `config.json`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignInConfig {
    /// The issuer, as its metadata names it.
    pub issuer: String,
    /// The page's client id at the issuer.
    pub client_id: String,
    /// The scopes to ask for; `openid` alone where they are not set.
    #[serde(default = "openid")]
    pub scopes: Vec<String>,
    /// The `audience` to ask for, for an issuer that wants one.
    #[serde(default)]
    pub audience: Option<String>,
}

fn openid() -> Vec<String> {
    vec!["openid".to_owned()]
}

impl SignInConfig {
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn check(&self) -> Result<(), String> {
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
