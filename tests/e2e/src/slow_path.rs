//! A way to a server on which what is sent travels as slowly as a test wants, whichever server it is.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpSocket, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    select,
    task::{AbortHandle, JoinSet, spawn},
    time::sleep,
};

/// How many bytes are passed on at a time.
const PIECE: usize = 16 << 10;

/// What the system may take before it is passed on: little, so that whoever sends notices how slow it is.
const RECEIVE_BUFFER: u32 = 128 << 10;

/// How many connections may wait to be taken.
const BACKLOG: u32 = 128;

/// A relay of TCP connections to a server, ended with its connections when it is dropped.
pub(crate) struct SlowPath {
    address: SocketAddr,
    limit: Arc<AtomicU64>,
    task: AbortHandle,
}

impl SlowPath {
    /// A way to the server at `host`, an address and a port, without a limit yet.
    ///
    /// # Errors
    /// Where the system has no port.
    pub(crate) fn to(host: &str) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        // Connections have the size of their listener.
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        socket.bind(([127, 0, 0, 1], 0).into())?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        let limit = Arc::<AtomicU64>::default();
        let task = spawn(serve(listener, host.to_owned(), Arc::clone(&limit))).abort_handle();
        Ok(Self { address, limit, task })
    }

    /// Where it begins.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Limits how many bytes a second each connection carries to the server; `None` ends the limit.
    pub(crate) fn set_bytes_per_second(&self, bytes_per_second: Option<u64>) {
        self.limit.store(bytes_per_second.unwrap_or(0), Ordering::Relaxed);
    }
}

impl Drop for SlowPath {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, host: String, limit: Arc<AtomicU64>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(carry(client, host.clone(), Arc::clone(&limit)));
        while connections.try_join_next().is_some() {}
    }
}

/// Carries a connection until one of its ends closes it.
async fn carry(client: TcpStream, host: String, limit: Arc<AtomicU64>) -> io::Result<()> {
    let server = TcpStream::connect(&host).await?;
    let (from_client, mut to_client) = client.into_split();
    let (mut from_server, to_server) = server.into_split();
    select! {
        sent = send_slowly(from_client, to_server, &limit) => sent,
        answered = copy(&mut from_server, &mut to_client) => answered.map(drop),
    }
}

async fn send_slowly(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, limit: &AtomicU64) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let length = from.read(&mut piece).await?;
        if length == 0 {
            return Ok(());
        }
        to.write_all(&piece[..length]).await?;
        let bytes_per_second = limit.load(Ordering::Relaxed);
        if bytes_per_second > 0 {
            sleep(Duration::from_secs_f64(length as f64 / bytes_per_second as f64)).await;
        }
    }
}
