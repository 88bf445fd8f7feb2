//! A port that passes connections on to a server, counts their bytes, and is as slow as it should be.

use std::{
    io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::Mutex,
    task::{AbortHandle, JoinSet, spawn},
    time::{Instant, sleep, sleep_until},
    try_join,
};

/// How many bytes are passed on at a time: as many as a slow relay carries in a twentieth of a second.
const LEAST_PIECE: u64 = 16 << 10;
const MOST_PIECE: u64 = 256 << 10;

/// What the system may take before it is passed on: little, so that the sender notices how slow it is.
const RECEIVE_BUFFER: u32 = 128 << 10;

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 128;

/// How fast bytes travel to the server.
#[derive(Clone, Debug, Default)]
pub struct Rate {
    /// 0 for no limit.
    bytes_per_second: Arc<AtomicU64>,
    /// When the bytes so far will be through, if all connections share one wire.
    wire: Option<Arc<Mutex<Instant>>>,
}

impl Rate {
    /// What all connections may carry together.
    pub fn of_wire(bytes_per_second: u64) -> Self {
        Self {
            bytes_per_second: Arc::new(bytes_per_second.into()),
            wire: Some(Arc::new(Mutex::new(Instant::now()))),
        }
    }

    pub(crate) fn piece(&self) -> usize {
        let piece = match self.bytes_per_second.load(Ordering::Relaxed) {
            0 => MOST_PIECE,
            rate => (rate / 20).clamp(LEAST_PIECE, MOST_PIECE),
        };
        piece as usize
    }

    /// Waits until these bytes are through.
    pub(crate) async fn carry(&self, bytes: usize) {
        let rate = self.bytes_per_second.load(Ordering::Relaxed);
        if rate == 0 {
            return;
        }
        let time = Duration::from_secs_f64(bytes as f64 / rate as f64);
        let Some(wire) = &self.wire else {
            return sleep(time).await;
        };
        let through = {
            let mut free = wire.lock().await;
            *free = (*free).max(Instant::now()) + time;
            *free
        };
        sleep_until(through).await;
    }
}

/// What a relay has carried.
#[derive(Debug, Default)]
pub struct Carried {
    /// Bytes of the connections' payload, to the server and back.
    pub sent: AtomicU64,
    pub received: AtomicU64,
    /// When the first PUT request arrived, if the server speaks HTTP.
    pub first_put: OnceLock<SystemTime>,
}

/// A running relay, ended with its connections when it is dropped.
pub struct Relay {
    url: String,
    rate: Rate,
    carried: Arc<Carried>,
    task: AbortHandle,
}

impl Relay {
    /// Passes on what arrives at a new port to the server at `host`, an address and a port. Each connection has the
    /// rate of [`Self::set_bytes_per_second`] for itself.
    pub(crate) fn to(host: &str) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        // Connections have the size of their listener.
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        socket.bind(([127, 0, 0, 1], 0).into())?;
        Self::start(socket.listen(BACKLOG)?, host, Rate::default())
    }

    /// Passes on what arrives at the listener to the server at `host`, an address and a port.
    pub fn start(listener: TcpListener, host: &str, rate: Rate) -> Result<Self> {
        let url = format!("http://{}", listener.local_addr()?);
        let carried = Arc::<Carried>::default();
        let serving = serve(listener, host.to_owned(), rate.clone(), Arc::clone(&carried));
        Ok(Self {
            url,
            rate,
            carried,
            task: spawn(serving).abort_handle(),
        })
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    pub fn carried(&self) -> &Carried {
        &self.carried
    }

    /// Limits how many bytes per second travel to the server; `None` ends the limit.
    pub(crate) fn set_bytes_per_second(&self, bytes_per_second: Option<u64>) {
        let rate = bytes_per_second.unwrap_or(0);
        self.rate.bytes_per_second.store(rate, Ordering::Relaxed);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, host: String, rate: Rate, carried: Arc<Carried>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(pass_on(client, host.clone(), rate.clone(), Arc::clone(&carried)));
        while connections.try_join_next().is_some() {}
    }
}

async fn pass_on(client: TcpStream, host: String, rate: Rate, carried: Arc<Carried>) -> io::Result<()> {
    let server = TcpStream::connect(&host).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let send = copy(from_client, to_server, &rate, |piece| {
        carried.sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
        if piece.starts_with(b"PUT ") {
            carried.first_put.get_or_init(SystemTime::now);
        }
    });
    let unlimited = Rate::default();
    let receive = copy(from_server, to_client, &unlimited, |piece| {
        carried.received.fetch_add(piece.len() as u64, Ordering::Relaxed);
    });
    try_join!(send, receive)?;
    Ok(())
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    rate: &Rate,
    count: impl Fn(&[u8]),
) -> io::Result<()> {
    let mut buffer = vec![0; MOST_PIECE as usize];
    loop {
        let length = from.read(&mut buffer[..rate.piece()]).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        let piece = &buffer[..length];
        count(piece);
        rate.carry(length).await;
        to.write_all(piece).await?;
    }
}
