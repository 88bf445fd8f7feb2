//! HTTP/1.1 to a server of the execution environment itself, which is reached without TLS.

use std::{io, time::Duration};

use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::{
    net::TcpStream,
    time::{error::Elapsed, timeout},
};

/// How long one exchange may take. Lambda allows 10 seconds for the whole start of a function.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Why there was no answer.
#[derive(Debug, Error)]
pub(crate) enum HttpError {
    #[error("it cannot be reached: {0}")]
    Unreachable(#[source] io::Error),
    #[error("the connection failed: {0}")]
    Broken(#[from] hyper::Error),
    #[error("it did not answer in {} seconds", TIMEOUT.as_secs())]
    TooSlow(#[from] Elapsed),
}

/// Sends one request to `authority`, such as `localhost:2773`, and reads the whole answer.
pub(crate) async fn send(authority: &str, request: Request<String>) -> Result<Response<Vec<u8>>, HttpError> {
    timeout(TIMEOUT, exchange(authority, request)).await?
}

async fn exchange(authority: &str, request: Request<String>) -> Result<Response<Vec<u8>>, HttpError> {
    let stream = TcpStream::connect(authority)
        .await
        .map_err(HttpError::Unreachable)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answer = async {
        let (parts, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Response::from_parts(parts, body.to_vec()))
    };
    // The connection does the work that the answer waits for.
    tokio::select! {
        answer = answer => answer,
        Err(error) = connection => Err(error.into()),
    }
}
