//! A real OpenID Connect provider for the tests: `oidc-provider` in Node.js, which `cargo xtask test`
//! installs. Each test starts its own, on a port that the system chooses.

use std::{
    env,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The audience of the tokens, unless the options name another.
pub const AUDIENCE: &str = "slipway-api";

/// The client id of a page whose users sign in.
pub const PAGE_CLIENT: &str = "page";

/// How a provider is set up.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderOptions {
    /// What the tokens name as their issuer; the provider's own address by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The private keys to sign with, as a JWK set; a new one by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<Value>,
    /// The audience of the access tokens.
    pub audience: String,
    /// How long an access token is valid, in seconds.
    pub access_token_seconds: u32,
    /// Whether a user who signs in gets a refresh token.
    pub refresh_tokens: bool,
    /// The addresses of the page [`PAGE_CLIENT`] to which a user may return.
    pub redirect_uris: Vec<String>,
}

impl Default for ProviderOptions {
    fn default() -> Self {
        Self {
            issuer: None,
            keys: None,
            audience: AUDIENCE.to_owned(),
            access_token_seconds: 3600,
            refresh_tokens: true,
            redirect_uris: vec!["http://127.0.0.1:8080/".to_owned()],
        }
    }
}

/// A running provider, which ends when it is dropped.
pub struct OidcProvider {
    process: Child,
    start: Start,
    grants: Arc<Mutex<Vec<String>>>,
}

/// What a provider prints first.
#[derive(Deserialize)]
struct Start {
    issuer: String,
    url: String,
    keys: Value,
}

/// What it prints for each token that it issues.
#[derive(Deserialize)]
struct Granted {
    grant: String,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
}

impl OidcProvider {
    /// Starts a provider and waits until it answers.
    ///
    /// # Errors
    /// If the tests were not started by `cargo xtask test`, or the provider does not start.
    pub fn start(options: &ProviderOptions) -> Result<Self> {
        let folder = env::var_os("SLIPWAY_OIDC_PROVIDER").map(PathBuf::from).context(
            "SLIPWAY_OIDC_PROVIDER is not set: run `cargo xtask test --only native` or `--only end-to-end`",
        )?;
        let mut process = Command::new("node")
            .current_dir(folder)
            .arg("provider.mjs")
            .arg(serde_json::to_string(options)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("node does not run")?;
        let output = process.stdout.take().context("the provider has no output")?;
        let mut lines = BufReader::new(output);
        let mut first = String::new();
        lines.read_line(&mut first)?;
        let start = serde_json::from_str(&first).context("the provider does not start")?;
        let grants = Arc::default();
        thread::spawn({
            let grants = Arc::clone(&grants);
            move || follow(lines, &grants)
        });
        Ok(Self {
            process,
            start,
            grants,
        })
    }

    /// What its tokens name as their issuer.
    pub fn issuer(&self) -> &str {
        &self.start.issuer
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.start.url
    }

    /// Its private keys, as a JWK set.
    pub fn keys(&self) -> &Value {
        &self.start.keys
    }

    /// The grant type of each token issued so far (RFC 6749, section 4), in order.
    pub fn grants(&self) -> Vec<String> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An access token for the client `tool-a` or `tool-b`, by the client credentials grant (RFC 6749,
    /// section 4.4). Its subject is the client.
    pub fn token_for(&self, client: &str, scope: &str) -> Result<String> {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_secret", client),
            ("scope", scope),
        ];
        let mut answer = ureq::post(format!("{}/token", self.start.url)).send_form(form)?;
        Ok(answer.body_mut().read_json::<TokenAnswer>()?.access_token)
    }
}

impl Drop for OidcProvider {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn follow(lines: BufReader<ChildStdout>, grants: &Mutex<Vec<String>>) {
    for line in lines.lines().map_while(Result::ok) {
        if let Ok(Granted { grant }) = serde_json::from_str(&line) {
            grants.lock().unwrap_or_else(PoisonError::into_inner).push(grant);
        }
    }
}
