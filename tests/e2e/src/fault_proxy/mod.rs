//! A proxy between the browser and S3 and the API, which does to requests what networks and servers do.
//!
//! S3's signatures cover the `Host` header. The Lambda is told the proxy's address as S3's, and the proxy
//! passes `Host` on as it came, so that what reaches S3 is signed as it should be.

mod carry;
mod connection;
mod fault;
mod phase;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result};
use tokio::{net::TcpListener, task::JoinSet};

pub use fault::{Answer, Fault};
pub use phase::Phase;

use connection::{Upstream, accept};
use phase::Service;

/// The proxy before it knows where to pass requests.
pub struct ProxyListeners {
    s3: TcpListener,
    api: TcpListener,
}

/// A running proxy, stopped with everything in it when it is dropped.
pub struct FaultProxy {
    s3_url: String,
    api_url: String,
    faults: Arc<Faults>,
    _servers: JoinSet<()>,
}

/// Which faults the requests meet, and how many they were.
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
    /// Takes two ports of 127.0.0.1, as the system chooses them.
    ///
    /// # Errors
    /// Where it has none.
    pub async fn bind() -> Result<Self> {
        Ok(Self {
            s3: TcpListener::bind("127.0.0.1:0").await?,
            api: TcpListener::bind("127.0.0.1:0").await?,
        })
    }

    /// `http://127.0.0.1:PORT`, where browsers find S3.
    ///
    /// # Errors
    /// Where the system does not tell the port.
    pub fn s3_url(&self) -> Result<String> {
        Ok(format!("http://{}", self.s3.local_addr()?))
    }

    /// Passes requests on to S3 and the API at these URLs.
    ///
    /// # Errors
    /// Where a URL is not of the form `http://ADDRESS:PORT`.
    pub fn pass_to(self, s3: &str, api: &str) -> Result<FaultProxy> {
        let faults = Arc::<Faults>::default();
        let s3_url = self.s3_url()?;
        let api_url = format!("http://{}", self.api.local_addr()?);
        let mut servers = JoinSet::new();
        for (listener, service, url) in [(self.s3, Service::S3, s3), (self.api, Service::Api, api)] {
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
    let address = url.strip_prefix("http://").context("no http:// URL")?;
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

    /// The faults.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}

impl Faults {
    /// Asks `choose` for every request from now on whether it meets a fault, and which. The counts begin
    /// anew.
    pub fn plan(&self, choose: impl FnMut(Phase) -> Option<Fault> + Send + 'static) {
        *self.state() = State {
            choose: Some(Box::new(choose)),
            ..State::default()
        };
    }

    /// Ends all faults; requests that have met one do not recover from it. The counts stay.
    pub fn end(&self) {
        self.state().choose = None;
    }

    /// How many requests there were in a phase since the last plan, with and without a fault.
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
