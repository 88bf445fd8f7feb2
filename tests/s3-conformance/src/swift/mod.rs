//! OpenStack Swift with its S3 front, started for a test in a folder of its own: an account server, a
//! container server, three object servers that keep a replica of each object, and a proxy server.

mod configuration;
mod ring;
mod server;

use std::{fs, path::Path, slice, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use rusty_s3::Method;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::{
    answer::Answer,
    call::Call,
    endpoint::{AccessKey, Endpoint},
    requests::AnsweredRequest,
    reservation::Reservation,
};
use configuration::{Kind, Layout};
use ring::build_rings;
use server::Server;

/// How many object servers there are, each with a device of its own, and how many replicas of an object.
const REPLICAS: usize = 3;

/// How long the servers may take to start, on a busy machine.
const START: Duration = Duration::from_secs(60);

/// How often is checked whether they have started.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The bucket's owner (`account:user`, as tempauth has access keys) and a user without any right.
const OWNER: (&str, &str) = ("slipway:owner", "the-secret-of-the-owner");
const STRANGER: (&str, &str) = ("slipway:stranger", "the-secret-of-the-stranger");

/// How Swift is set up.
#[derive(Clone, Debug)]
pub struct SwiftOptions {
    /// The origins whose pages may use the bucket.
    pub allowed_origins: Vec<String>,
    /// Whether these origins may read every answer, as behind a proxy server that allows it. Swift itself
    /// allows them to read only a few.
    pub all_answers_allowed: bool,
    /// How long the proxy server waits for the next bytes of a body.
    pub client_timeout: Duration,
}

/// A running Swift. Its servers are killed when it is dropped.
pub struct Swift {
    endpoint: Endpoint,
    proxy: Server,
    object_servers: Vec<Server>,
    account_servers: Vec<Server>,
    container_servers: Vec<Server>,
    /// Removed after the servers.
    _folder: TempDir,
}

impl Swift {
    /// Starts the servers on free ports of 127.0.0.1 and creates the bucket.
    ///
    /// # Errors
    /// If `cargo xtask` has not installed Swift, or a server does not start; the error shows its log.
    pub async fn start(options: &SwiftOptions) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let layout = Layout::new(folder.path());
        // Held until the servers listen.
        let reserved = Reservation::several(3 + REPLICAS)?;
        let ports = reserved
            .iter()
            .map(Reservation::port)
            .collect::<Result<Vec<_>>>()?;
        let [proxy, account, container, objects @ ..] = &ports[..] else {
            bail!("too few ports");
        };
        write(&layout.common(), &configuration::common())?;
        write(&layout.allow_origin(), configuration::ALLOW_ORIGIN)?;
        let rings = [
            (Kind::Account, slice::from_ref(account)),
            (Kind::Container, slice::from_ref(container)),
            (Kind::Object, objects),
        ];
        build_rings(&layout, &rings).await?;
        let mut swift = Self {
            endpoint: endpoint(*proxy),
            proxy: start_proxy(&layout, options, *proxy)?,
            object_servers: start_storage(&layout, Kind::Object, objects)?,
            account_servers: start_storage(&layout, Kind::Account, slice::from_ref(account))?,
            container_servers: start_storage(&layout, Kind::Container, slice::from_ref(container))?,
            _folder: folder,
        };
        swift.await_servers().await?;
        swift.create_bucket().await?;
        Ok(swift)
    }

    /// Where its S3 front is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The requests about objects that it has answered, in the order of the answers.
    pub fn requests(&self) -> Result<Vec<AnsweredRequest>> {
        let log = self.proxy.log()?;
        Ok(log.lines().filter_map(AnsweredRequest::in_log_line).collect())
    }

    /// Kills one of the three object servers, as if its machine failed: two replicas are left.
    pub async fn kill_an_object_server(&mut self) -> Result<()> {
        let mut server = self.object_servers.pop().context("no object server is left")?;
        server.kill().await
    }

    /// Waits until every server accepts connections.
    async fn await_servers(&mut self) -> Result<()> {
        let start = Instant::now();
        let servers = [
            &mut self.account_servers[..],
            &mut self.container_servers[..],
            &mut self.object_servers[..],
            slice::from_mut(&mut self.proxy),
        ];
        for server in servers.into_iter().flatten() {
            while !server.accepts_connections().await {
                server.check_running()?;
                ensure!(start.elapsed() < START, "{} does not start", server.describe());
                sleep(POLL_INTERVAL).await;
            }
        }
        Ok(())
    }

    async fn create_bucket(&self) -> Result<()> {
        let call = Call::new(Method::Put, "").request(&self.endpoint)?;
        if let Err(error) = Answer::to(call).await?.success() {
            bail!("Swift does not create the bucket: {error:#}");
        }
        Ok(())
    }
}

fn endpoint(port: u16) -> Endpoint {
    Endpoint {
        host: format!("127.0.0.1:{port}"),
        owner: AccessKey::lasting(OWNER.0, OWNER.1),
        limited: AccessKey::lasting(STRANGER.0, STRANGER.1),
    }
}

/// Starts a server of this kind on each port.
fn start_storage(layout: &Layout, kind: Kind, ports: &[u16]) -> Result<Vec<Server>> {
    let start = |(number, port): (usize, &u16)| {
        let device = layout.device(kind, number);
        fs::create_dir_all(&device).with_context(|| format!("{} cannot be made", device.display()))?;
        let file = layout.server(kind, number);
        write(&file, &configuration::storage(layout, kind, number, *port)?)?;
        Server::start(kind, &file, *port)
    };
    ports.iter().enumerate().map(start).collect()
}

fn start_proxy(layout: &Layout, options: &SwiftOptions, port: u16) -> Result<Server> {
    let file = layout.server(Kind::Proxy, 0);
    let users = [(OWNER, ".admin"), (STRANGER, "")];
    write(&file, &configuration::proxy(layout, options, &users, port)?)?;
    Server::start(Kind::Proxy, &file, port)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}
