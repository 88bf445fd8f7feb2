//! The proxy between a client and a server that are not a browser and not S3.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use anyhow::Result;
use axum::{Router, extract::State};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::time::timeout;

use super::*;
use crate::{
    relay::Rate,
    wait::{met, wait_until},
};

/// What the server got.
#[derive(Default)]
struct Received {
    requests: AtomicUsize,
    bytes: AtomicUsize,
}

/// A proxy in front of a server that counts what it gets and answers with an `ETag`, a request id and a body.
struct Rig {
    proxy: FaultProxy,
    received: Arc<Received>,
    _server: JoinSet<()>,
}

impl Rig {
    async fn start() -> Result<Self> {
        let received = Arc::<Received>::default();
        let answer = async |State(received): State<Arc<Received>>, body: Bytes| {
            received.requests.fetch_add(1, Ordering::Relaxed);
            received.bytes.fetch_add(body.len(), Ordering::Relaxed);
            ([("etag", "\"e\""), ("x-amz-request-id", "ID")], "answer")
        };
        let router = Router::new().fallback(answer).with_state(Arc::clone(&received));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let mut server = JoinSet::new();
        server.spawn(async move {
            axum::serve(listener, router.into_make_service()).await.ok();
        });
        Ok(Self {
            proxy: ProxyListeners::bind().await?.pass_to(&url, &url)?,
            received,
            _server: server,
        })
    }

    fn requests(&self) -> usize {
        self.received.requests.load(Ordering::Relaxed)
    }

    fn bytes(&self) -> usize {
        self.received.bytes.load(Ordering::Relaxed)
    }

    /// Sends a PutObject with a body of this many bytes.
    async fn put(&self, bytes: usize) -> Result<Answered> {
        let request = http::Request::put(format!("{}/bucket/key", self.proxy.s3_url()))
            .body(Full::new(Bytes::from(vec![7; bytes])))?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        let (parts, body) = client.request(request).await?.into_parts();
        Ok(Answered {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await?.to_bytes(),
        })
    }
}

#[derive(Debug)]
struct Answered {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

fn portal(status: StatusCode) -> Answer {
    Answer::foreign(status, "text/html", "<h1>Welcome</h1>")
}

#[tokio::test]
async fn a_rule_is_for_its_phases_and_runs_out() -> Result<()> {
    let rig = Rig::start().await?;
    let faults = rig.proxy.faults();
    faults.play([
        Fault::Answer(portal(StatusCode::OK)).at(&[Phase::Part, Phase::Create]),
        Fault::Answer(portal(StatusCode::BAD_GATEWAY))
            .at(&[Phase::Put])
            .times(2),
        Fault::Answer(portal(StatusCode::IM_A_TEAPOT))
            .at(&[Phase::Put])
            .once(),
    ]);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(rig.put(1).await?.status.as_u16());
    }
    assert_eq!(statuses, [502, 502, 418, 200]);
    assert_eq!((faults.requests(Phase::Put), faults.hits(Phase::Put)), (4, 3));
    assert_eq!(rig.requests(), 1);
    Ok(())
}

#[tokio::test]
async fn a_foreign_answer_has_any_status_and_is_readable() -> Result<()> {
    let rig = Rig::start().await?;
    for status in [200, 202, 204, 206, 403, 413, 520] {
        let status = StatusCode::from_u16(status)?;
        rig.proxy
            .faults()
            .play([Fault::Answer(portal(status)).at(&[Phase::Put])]);
        let answered = rig.put(10).await?;
        assert_eq!(answered.status, status);
        assert_eq!(answered.headers["content-type"], "text/html");
        assert_eq!(answered.headers["access-control-allow-origin"], "*");
        assert!(!answered.headers.contains_key("etag"), "{answered:?}");
    }
    assert_eq!(rig.requests(), 0, "the server got one nonetheless");
    Ok(())
}

#[tokio::test]
async fn only_the_named_headers_are_stripped() -> Result<()> {
    let rig = Rig::start().await?;
    rig.proxy
        .faults()
        .play([Fault::StripHeaders(&["etag"]).at(&[Phase::Put])]);
    let answered = rig.put(10).await?;
    assert!(!answered.headers.contains_key("etag"), "{answered:?}");
    assert_eq!(answered.headers["x-amz-request-id"], "ID");
    assert_eq!(&answered.body[..], b"answer");
    Ok(())
}

#[tokio::test]
async fn only_bodies_above_the_limit_are_refused() -> Result<()> {
    let rig = Rig::start().await?;
    let refusal = Fault::RefuseAbove {
        bytes: 1000,
        answer: portal(StatusCode::PAYLOAD_TOO_LARGE),
    };
    rig.proxy.faults().play([refusal.at(&[Phase::Put])]);
    for (bytes, status) in [(999, 200), (1000, 200), (1001, 413)] {
        assert_eq!(rig.put(bytes).await?.status, status, "{bytes} bytes");
    }
    assert_eq!(rig.bytes(), 1999);
    Ok(())
}

#[tokio::test]
async fn a_withheld_answer_comes_after_the_request_was_carried_out() -> Result<()> {
    let rig = Rig::start().await?;
    rig.proxy.faults().play([Fault::WithholdAnswer.at(&[Phase::Put])]);
    tokio::select! {
        answered = rig.put(10) => anyhow::bail!("it was answered: {answered:?}"),
        carried_out = wait_until("the server to get it", async || met(rig.requests() == 1, rig.requests())) => {
            carried_out?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_swallowed_body_goes_on_after_the_client_left() -> Result<()> {
    const BYTES: usize = 300_000;
    let rig = Rig::start().await?;
    let slow = Fault::Swallow(Rate::of_wire(1_000_000));
    rig.proxy.faults().play([slow.at(&[Phase::Put])]);
    let patience = Duration::from_millis(100);
    let left = timeout(patience, rig.put(BYTES)).await;
    assert!(left.is_err(), "it was answered at once: {left:?}");
    assert_eq!(rig.bytes(), 0);
    wait_until("the server to get all of it", async || {
        met(rig.bytes() == BYTES, rig.bytes())
    })
    .await?;
    Ok(())
}
