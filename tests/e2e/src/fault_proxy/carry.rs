//! Carrying a request to its server, or doing to it what its fault says.

use std::{io, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::{SinkExt, channel::mpsc};
use http::{HeaderValue, Request, Response, Uri, header, request::Parts};
use http_body_util::{BodyExt, Empty, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Body as _, Frame, Incoming};
use tokio::time::sleep;

use super::{
    connection::Upstream,
    fault::{Answer, Fault},
};
use crate::relay::Rate;

/// The body of a request to a server.
pub(super) type Body = BoxBody<Bytes, Error>;

type Error = Box<dyn std::error::Error + Send + Sync>;

type Piece = Result<Frame<Bytes>, Error>;

/// How many pieces a throttled body has per second.
const PIECES_PER_SECOND: u64 = 20;

/// How long a connection is held in silence: longer than the page is patient.
const SILENCE: Duration = Duration::from_secs(150);

/// Why a request has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// The connection is closed.
    Closed,
    /// The connection is reset.
    Reset,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{self:?}")
    }
}

impl std::error::Error for Broken {}

/// Carries a request to its server and returns the answer, unless the fault prevents it.
pub(super) async fn carry(
    request: Request<Incoming>,
    fault: Option<Fault>,
    upstream: &Upstream,
) -> Result<Response<Full<Bytes>>, Broken> {
    let (parts, body) = request.into_parts();
    match fault {
        None => pass(parts, unchanged(body), upstream).await,
        Some(Fault::Delay(time)) => {
            sleep(time).await;
            pass(parts, unchanged(body), upstream).await
        }
        Some(Fault::Cut { after }) => {
            if body.size_hint().lower() > after {
                pass(parts, changed(body, Change::Cut(after)), upstream).await?;
            }
            Err(Broken::Closed)
        }
        Some(Fault::Reset { after }) => {
            read(body, after).await?;
            Err(Broken::Reset)
        }
        Some(Fault::Throttle { bytes_per_second }) => {
            let body = changed(body, Change::Throttle(bytes_per_second));
            pass(parts, body, upstream).await
        }
        Some(Fault::Swallow(rate)) => {
            let body = body.collect().await.map_err(|_| Broken::Closed)?.to_bytes();
            // The browser's end of the connection does not end this.
            let passing = pass_slowly(parts, body, rate, upstream.clone());
            tokio::spawn(passing).await.map_err(|_| Broken::Closed)?
        }
        Some(Fault::Corrupt { at }) => pass(parts, changed(body, Change::Corrupt(at)), upstream).await,
        Some(Fault::Answer(answer)) => {
            read(body, u64::MAX).await?;
            Ok(answer_of(answer))
        }
        Some(Fault::RefuseAbove { bytes, answer }) => match body.size_hint().lower() > bytes {
            true => {
                read(body, u64::MAX).await?;
                Ok(answer_of(answer))
            }
            false => pass(parts, unchanged(body), upstream).await,
        },
        Some(Fault::StripHeaders(names)) => {
            let mut answer = pass(parts, unchanged(body), upstream).await?;
            for name in names {
                answer.headers_mut().remove(*name);
            }
            Ok(answer)
        }
        Some(Fault::WithholdAnswer) => {
            pass(parts, unchanged(body), upstream).await?;
            sleep(SILENCE).await;
            Err(Broken::Closed)
        }
        Some(Fault::LoseAnswer) => {
            pass(parts, unchanged(body), upstream).await?;
            Err(Broken::Closed)
        }
        Some(Fault::BlackHole) => {
            read(body, u64::MAX).await?;
            sleep(SILENCE).await;
            Err(Broken::Closed)
        }
    }
}

async fn pass(mut parts: Parts, body: Body, upstream: &Upstream) -> Result<Response<Full<Bytes>>, Broken> {
    let target = parts.uri.path_and_query().ok_or(Broken::Closed)?;
    let url = format!("http://{}{target}", upstream.address);
    parts.uri = url.parse::<Uri>().map_err(|_| Broken::Closed)?;
    let answer = upstream.client.request(Request::from_parts(parts, body)).await;
    let (mut parts, body) = answer.map_err(|_| Broken::Closed)?.into_parts();
    let body = body.collect().await.map_err(|_| Broken::Closed)?.to_bytes();
    // These headers were about the connection between proxy and server.
    parts.headers.remove(header::CONNECTION);
    parts.headers.remove(header::TRANSFER_ENCODING);
    Ok(Response::from_parts(parts, Full::new(body)))
}

/// Passes a request on whose body is here already.
async fn pass_slowly(
    parts: Parts,
    mut body: Bytes,
    rate: Rate,
    upstream: Upstream,
) -> Result<Response<Full<Bytes>>, Broken> {
    let (mut sender, receiver) = mpsc::channel(0);
    tokio::spawn(async move {
        while !body.is_empty() {
            let piece = body.split_to(body.len().min(rate.piece()));
            rate.carry(piece.len()).await;
            if sender.send(Ok(Frame::data(piece))).await.is_err() {
                return;
            }
        }
    });
    pass(parts, StreamBody::new(receiver).boxed(), &upstream).await
}

/// Reads at least `least` bytes of a body, or all of it.
async fn read(mut body: Incoming, least: u64) -> Result<(), Broken> {
    let mut had = 0;
    while had < least
        && let Some(frame) = body.frame().await
    {
        let frame = frame.map_err(|_| Broken::Closed)?;
        had += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
    Ok(())
}

fn answer_of(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(answer.content_type),
    );
    // S3 and the API have it in their errors too, so that the page may read them.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// What is done to a body.
#[derive(Clone, Copy, Debug)]
enum Change {
    Cut(u64),
    Throttle(u64),
    Corrupt(u64),
}

fn unchanged(body: Incoming) -> Body {
    body.map_err(Error::from).boxed()
}

fn changed(body: Incoming, change: Change) -> Body {
    if body.is_end_stream() {
        return Empty::new().map_err(|never| match never {}).boxed();
    }
    let (sender, receiver) = mpsc::channel(0);
    // It ends when either side does.
    tokio::spawn(pump(body, change, sender));
    StreamBody::new(receiver).boxed()
}

/// Moves a body from the browser's connection to the server's.
async fn pump(
    mut body: Incoming,
    change: Change,
    mut sender: mpsc::Sender<Piece>,
) -> Result<(), mpsc::SendError> {
    let mut offset = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map(|frame| frame.into_data().unwrap_or_default()) else {
            return sender.send(Err(broken_off())).await;
        };
        let length = data.len() as u64;
        match change {
            Change::Cut(after) if offset + length > after => {
                sender
                    .send(Ok(Frame::data(data.slice(..(after - offset) as usize))))
                    .await?;
                return sender.send(Err(broken_off())).await;
            }
            Change::Corrupt(at) if (offset..offset + length).contains(&at) => {
                let mut data = BytesMut::from(data);
                data[(at - offset) as usize] ^= 1;
                sender.send(Ok(Frame::data(data.freeze()))).await?;
            }
            Change::Throttle(bytes_per_second) => throttled(data, bytes_per_second, &mut sender).await?,
            Change::Cut(_) | Change::Corrupt(_) => sender.send(Ok(Frame::data(data))).await?,
        }
        offset += length;
    }
    Ok(())
}

async fn throttled(
    mut data: Bytes,
    bytes_per_second: u64,
    sender: &mut mpsc::Sender<Piece>,
) -> Result<(), mpsc::SendError> {
    let most = (bytes_per_second / PIECES_PER_SECOND).max(1);
    while !data.is_empty() {
        let piece = data.split_to(data.len().min(most as usize));
        sleep(Duration::from_secs_f64(
            piece.len() as f64 / bytes_per_second as f64,
        ))
        .await;
        sender.send(Ok(Frame::data(piece))).await?;
    }
    Ok(())
}

fn broken_off() -> Error {
    io::Error::from(io::ErrorKind::ConnectionAborted).into()
}
