//! A port that passes connections on and counts their bytes.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Mutex,
    task::{AbortHandle, JoinSet},
    time::{Instant, sleep_until},
};

/// How much is passed on at once, in bytes.
const BUFFER_BYTES: usize = 256 * 1024;

/// The bytes of the connections' payload.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    pub(crate) sent: AtomicU64,
    pub(crate) received: AtomicU64,
}

/// What all connections of one wire together may carry to the servers.
#[derive(Debug)]
pub(crate) struct Rate {
    bytes_per_second: f64,
    /// When what was carried so far would be through.
    free: Mutex<Instant>,
}

impl Rate {
    /// So many bytes a second.
    pub(crate) fn new(bytes_per_second: f64) -> Self {
        Self {
            bytes_per_second,
            free: Mutex::new(Instant::now()),
        }
    }

    /// Waits until so many more bytes are through.
    async fn carry(&self, bytes: usize) {
        let through = {
            let mut free = self.free.lock().await;
            let takes = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second);
            *free = (*free).max(Instant::now()) + takes;
            *free
        };
        sleep_until(through).await;
    }
}

/// A running forwarder, stopped when it is dropped.
pub(crate) struct Forwarder {
    pub(crate) carried: Arc<Carried>,
    task: AbortHandle,
}

impl Forwarder {
    /// Passes what arrives at the listener on to a port of 127.0.0.1, if need be as fast as a wire carries it.
    ///
    /// # Errors
    /// Where the listener cannot be used.
    pub(crate) fn start(listener: std::net::TcpListener, port: u16, rate: Option<Arc<Rate>>) -> Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let carried = Arc::<Carried>::default();
        let counting = Arc::clone(&carried);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(pass_on(stream, port, Arc::clone(&counting), rate.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self {
            carried,
            task: task.abort_handle(),
        })
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass_on(
    client: TcpStream,
    port: u16,
    carried: Arc<Carried>,
    rate: Option<Arc<Rate>>,
) -> io::Result<()> {
    let server = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::try_join!(
        copy(from_client, to_server, &carried.sent, rate.as_deref()),
        copy(from_server, to_client, &carried.received, None),
    )?;
    Ok(())
}

async fn copy(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    count: &AtomicU64,
    rate: Option<&Rate>,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        count.fetch_add(length as u64, Ordering::Relaxed);
        if let Some(rate) = rate {
            rate.carry(length).await;
        }
        to.write_all(&buffer[..length]).await?;
    }
}
