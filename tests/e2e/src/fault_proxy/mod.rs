//! A proxy between the browser and S3 and the API that does to requests what networks and servers do.
//!
//! S3's signatures cover the `Host` header. The Lambda gets the proxy's address as that of S3, and the proxy
//! passes `Host` on unchanged, so that what reaches S3 is signed as it should be.

mod carry;
mod connection;
mod fault;
mod phase;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result};
use tokio::{net::TcpListener, task::JoinSet};

pub use fault::{Answer, Fault, Rule};
pub use phase::Phase;

use connection::{Upstream, accept};
use phase::Service;

/// The proxy's ports, before it knows where to pass requests.
pub struct ProxyListeners {
    s3: TcpListener,
    api: TcpListener,
    issuer: TcpListener,
    /// Where the OpenID Connect provider is, if there is one.
    provider: Option<String>,
}

/// A running proxy, stopped with everything in it when it is dropped.
pub struct FaultProxy {
    s3_url: String,
    api_url: String,
    faults: Arc<Faults>,
    _servers: JoinSet<()>,
}

/// Which faults the requests meet, and how many have met one.
#[derive(Default)]
pub struct Faults {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    choose: Option<Box<dyn FnMut(Phase) -> Option<Fault> + Send>>,
    requests: HashMap<Phase, usize>,
    hits: HashMap<Phase, usize>,
}

impl ProxyListeners {
    /// Takes three ports of 127.0.0.1 that the system chooses.
    pub async fn bind() -> Result<Self> {
        Ok(Self {
            s3: TcpListener::bind("127.0.0.1:0").await?,
            api: TcpListener::bind("127.0.0.1:0").await?,
            issuer: TcpListener::bind("127.0.0.1:0").await?,
            provider: None,
        })
    }

    /// `http://127.0.0.1:PORT`, where browsers find S3.
    pub fn s3_url(&self) -> Result<String> {
        Ok(format!("http://{}", self.s3.local_addr()?))
    }

    /// `http://127.0.0.1:PORT`, where browsers find the OpenID Connect provider.
    pub fn issuer_url(&self) -> Result<String> {
        Ok(format!("http://{}", self.issuer.local_addr()?))
    }

    /// Sets where the OpenID Connect provider is, a URL of the form `http://ADDRESS:PORT`.
    pub fn set_provider(&mut self, url: &str) {
        self.provider = Some(url.to_owned());
    }

    /// Passes requests on to S3 and the API at these URLs, which have the form `http://ADDRESS:PORT`.
    pub fn pass_to(self, s3: &str, api: &str) -> Result<FaultProxy> {
        let faults = Arc::<Faults>::default();
        let s3_url = self.s3_url()?;
        let api_url = format!("http://{}", self.api.local_addr()?);
        let mut servers = JoinSet::new();
        let s3 = (self.s3, Service::S3, s3);
        let api = (self.api, Service::Api, api);
        let provider = self.provider.as_deref();
        let issuer = provider.map(|url| (self.issuer, Service::Issuer, url));
        for (listener, service, url) in [s3, api].into_iter().chain(issuer) {
            let upstream = Upstream::new(service, address(url)?, Arc::clone(&faults));
            servers.spawn(accept(listener, upstream));
        }
        Ok(FaultProxy {
            s3_url,
            api_url,
            faults,
            _servers: servers,
        })
    }
}

fn address(url: &str) -> Result<SocketAddr> {
    let address = url.strip_prefix("http://").context("not an http:// URL")?;
    address.parse().with_context(|| format!("{url} has no address"))
}

impl FaultProxy {
    /// Where browsers find S3.
    pub fn s3_url(&self) -> &str {
        &self.s3_url
    }

    /// Where browsers find the API.
    pub fn api_url(&self) -> &str {
        &self.api_url
    }

    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}

impl Faults {
    /// From now on, `choose` decides for every request whether it meets a fault, and which. The counts start
    /// from zero.
    pub fn plan(&self, choose: impl FnMut(Phase) -> Option<Fault> + Send + 'static) {
        *self.state() = State {
            choose: Some(Box::new(choose)),
            ..State::default()
        };
    }

    /// From now on, a request meets the fault of the first of these rules that is for its phase and has not run out.
    /// The counts start from zero.
    pub fn play(&self, rules: impl IntoIterator<Item = Rule>) {
        let mut rules: Vec<Rule> = rules.into_iter().collect();
        self.plan(move |phase| rules.iter_mut().find_map(|rule| rule.meet(phase)));
    }

    /// Ends all faults, but not for requests that have met one. The counts stay.
    pub fn end(&self) {
        self.state().choose = None;
    }

    /// How many requests of a phase there were since the last plan, with and without a fault.
    pub fn requests(&self, phase: Phase) -> usize {
        self.state().requests.get(&phase).copied().unwrap_or(0)
    }

    /// How many requests of a phase have met a fault since the last plan.
    pub fn hits(&self, phase: Phase) -> usize {
        self.state().hits.get(&phase).copied().unwrap_or(0)
    }

    fn choose(&self, phase: Phase) -> Option<Fault> {
        let mut state = self.state();
        *state.requests.entry(phase).or_default() += 1;
        let fault = state.choose.as_mut().and_then(|choose| choose(phase))?;
        *state.hits.entry(phase).or_default() += 1;
        Some(fault)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
