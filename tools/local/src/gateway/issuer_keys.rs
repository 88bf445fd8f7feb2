//! The public keys of an issuer, found as in OpenID Connect Discovery 1.0, section 4, and RFC 7517.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jsonwebtoken::jwk::{Jwk, JwkSet};
use serde::{Deserialize, de::DeserializeOwned};
use ureq::{
    Agent,
    tls::{RootCerts, TlsConfig},
};

/// How long the issuer may take for one answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The keys that were last seen, and where to look for others.
pub(super) struct IssuerKeys {
    metadata_url: String,
    agent: Agent,
    known: Arc<Mutex<JwkSet>>,
}

/// Why a key was not found.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeyError {
    #[error("the issuer cannot be asked: {0}")]
    Issuer(#[from] ureq::Error),
    #[error("the issuer has no such key")]
    Unknown,
    #[error("the search for the key failed")]
    Failed,
}

/// What is needed of an issuer's metadata.
#[derive(Deserialize)]
struct Metadata {
    jwks_uri: String,
}

impl IssuerKeys {
    pub(super) fn new(issuer: &str) -> Self {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::WebPki)
            .unversioned_rustls_crypto_provider(Arc::new(rustls_graviola::default_provider()));
        let agent = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .tls_config(tls.build());
        Self {
            metadata_url: format!(
                "{}/.well-known/openid-configuration",
                issuer.trim_end_matches('/')
            ),
            agent: agent.build().into(),
            known: Arc::default(),
        }
    }

    /// The key with this id. The issuer is asked only for one that is not known yet.
    pub(super) async fn find(&self, key_id: &str) -> Result<Jwk, KeyError> {
        if let Some(key) = find(&self.known, key_id) {
            return Ok(key);
        }
        let (agent, url) = (self.agent.clone(), self.metadata_url.clone());
        let fetched = tokio::task::spawn_blocking(move || fetch(&agent, &url)).await;
        let keys = fetched.map_err(|_| KeyError::Failed)??;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = keys;
        find(&self.known, key_id).ok_or(KeyError::Unknown)
    }
}

fn find(known: &Mutex<JwkSet>, key_id: &str) -> Option<Jwk> {
    let known = known.lock().unwrap_or_else(PoisonError::into_inner);
    known.find(key_id).cloned()
}

fn fetch(agent: &Agent, metadata_url: &str) -> Result<JwkSet, ureq::Error> {
    let metadata: Metadata = get(agent, metadata_url)?;
    get(agent, &metadata.jwks_uri)
}

fn get<T: DeserializeOwned>(agent: &Agent, url: &str) -> Result<T, ureq::Error> {
    agent.get(url).call()?.body_mut().read_json()
}
