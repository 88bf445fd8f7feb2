//! One connection of the browser, until it ends or is broken.

use std::{
    future::poll_fn,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::{
    Faults,
    carry::{Body, Broken, carry},
    phase::{Phase, Service},
};

/// Where requests go.
#[derive(Clone)]
pub(super) struct Upstream {
    service: Service,
    pub(super) address: SocketAddr,
    pub(super) client: Client<HttpConnector, Body>,
    faults: Arc<Faults>,
}

impl Upstream {
    pub(super) fn new(service: Service, address: SocketAddr, faults: Arc<Faults>) -> Self {
        // A connection for each request, so that one that is broken off breaks no other.
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build_http();
        Self {
            service,
            address,
            client,
            faults,
        }
    }
}

/// Accepts connections until it is dropped.
pub(super) async fn accept(listener: TcpListener, upstream: Upstream) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve(stream, upstream.clone()));
                }
            }
        }
    }
}

async fn serve(stream: TcpStream, upstream: Upstream) {
    let is_reset = Arc::new(AtomicBool::new(false));
    let service = service_fn(|request: Request<Incoming>| {
        let (upstream, is_reset) = (upstream.clone(), Arc::clone(&is_reset));
        Box::pin(async move {
            let phase = Phase::of(upstream.service, request.method(), request.uri());
            let fault = phase.and_then(|phase| upstream.faults.choose(phase));
            let answer = carry(request, fault, &upstream).await;
            if let Err(Broken::Reset) = answer {
                is_reset.store(true, Ordering::Relaxed);
            }
            answer
        })
    });
    // If a connection that has served a request breaks during the next one, browsers repeat that request without
    // the page's knowledge. Without keep-alive the page meets each fault.
    let mut connection = http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    let ended = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    let mut stream = connection.into_parts().io.into_inner();
    if is_reset.load(Ordering::Relaxed) {
        // If this fails the connection is closed in the usual way, which is a fault as well.
        let _ = stream.set_zero_linger();
    } else if ended.is_ok() {
        let _ = tokio::io::AsyncWriteExt::shutdown(&mut stream).await;
    }
}
