//! HTTP/1.1, until it is stopped.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response};
use hyper::{
    body::{Body, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::timeout,
};

/// How long a request in flight may take to end after the server stops.
const GRACE: Duration = Duration::from_secs(2);

/// The most connections at once; more wait until one ends.
const MAX_CONNECTIONS: usize = 1_024;

/// The address of the client, in a request's extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// What answers requests.
pub(crate) trait Handler: Send + Sync + 'static {
    /// The body of an answer.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static;

    /// Whether each request is worth a line in the log.
    const LOGGED: bool = true;

    /// Answers one request.
    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Response<Self::Body>> + Send;
}

/// A server that runs until [`Server::stop`].
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens on a port of 127.0.0.1; 0 lets the system choose one. `name` is for the log.
    pub(crate) async fn start(name: &'static str, port: u16, handler: impl Handler) -> io::Result<Self> {
        Self::start_at(name, (Ipv4Addr::LOCALHOST, port).into(), handler).await
    }

    /// Listens at this address, as [`Self::start`] does.
    pub(crate) async fn start_at(
        name: &'static str,
        address: SocketAddr,
        handler: impl Handler,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(());
        let task = tokio::spawn(accept(name, listener, Arc::new(handler), stopped));
        Ok(Self { address, stop, task })
    }

    /// The port that the server listens on.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Closes the port and breaks every connection off, as the end of the process would.
    pub(crate) async fn kill(self) {
        self.task.abort();
        // It ends by being aborted, which is no failure.
        self.task.await.ok();
    }

    /// Closes the port, waits a short time for requests to end, and closes every connection.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(());
        if let Err(error) = self.task.await {
            tracing::error!("the server failed: {error}");
        }
    }
}

async fn accept(
    name: &'static str,
    listener: TcpListener,
    handler: Arc<impl Handler>,
    mut stopped: watch::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    loop {
        let has_room = connections.len() < MAX_CONNECTIONS;
        tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if has_room => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(serve(name, stream, peer, Arc::clone(&handler), stopped.clone()));
                }
                Err(error) => tracing::warn!("{name}: a connection failed: {error}"),
            },
        }
    }
    drop(listener);
    // Dropping the set afterwards closes the connections that did not end by themselves.
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if timeout(GRACE, all_ended).await.is_err() {
        tracing::debug!("{name}: closing connections that are still in use");
    }
}

async fn serve(
    name: &'static str,
    stream: TcpStream,
    peer: SocketAddr,
    handler: Arc<impl Handler>,
    mut stopped: watch::Receiver<()>,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let handler = Arc::clone(&handler);
        async move { Ok::<_, std::convert::Infallible>(logged(name, &*handler, request).await) }
    });
    // A client that has sent all it will send, even too little, still gets its answer.
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("{name}: a connection ended early: {error}");
    }
}

/// Answers a request and logs it: never its query, which may hold a signature.
async fn logged<H: Handler>(
    name: &'static str,
    handler: &H,
    request: Request<Incoming>,
) -> Response<H::Body> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let started = Instant::now();
    let response = handler.answer(request).await;
    let status = response.status().as_u16();
    if H::LOGGED {
        tracing::info!(
            "{name} {method} {path} {status} {} ms",
            started.elapsed().as_millis()
        );
    }
    response
}
