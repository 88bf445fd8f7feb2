//! The body of a request on its way from the socket.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use http::Extensions;
use http_body_util::{BodyDataStream, StreamBody};
use hyper::body::{Body as _, Frame, Incoming};
use tokio::time::{Instant, sleep, timeout};

use super::failure::Failure;
use crate::controls::Controls;

/// The most bytes that are read and thrown away after a refusal.
const DISCARD_LIMIT: u64 = 64 * 1024 * 1024;

/// How often the speed limit is checked while a body is read slowly.
const LIMIT_INTERVAL: Duration = Duration::from_millis(20);

/// Why a body ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyFault {
    #[error("the client sent nothing for too long")]
    TimedOut,
    #[error("the connection ended before the body did")]
    CutShort,
}

impl From<BodyFault> for Failure {
    fn from(fault: BodyFault) -> Self {
        match fault {
            BodyFault::TimedOut => Self::new(
                "RequestTimeout",
                "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.",
            ),
            BodyFault::CutShort => Self::of("IncompleteBody"),
        }
    }
}

type DataStream = Pin<Box<dyn Stream<Item = Result<Bytes, BodyFault>> + Send>>;

/// What the front end knows of a body that s3s consumes.
#[derive(Clone)]
pub(crate) struct BodyWatch(Arc<Watched>);

struct Watched {
    read: AtomicU64,
    fault: Mutex<Option<BodyFault>>,
    /// The rest of the body, while nobody reads it.
    rest: Mutex<Option<DataStream>>,
}

impl BodyWatch {
    /// Watches a body that s3s reads at the speed, and with the timeout, that the controls set.
    pub(crate) fn over(body: Incoming, controls: Arc<Controls>) -> (Self, s3s::Body) {
        let is_empty = body.is_end_stream();
        let watch = Self(Arc::new(Watched {
            read: AtomicU64::new(0),
            fault: Mutex::new(None),
            rest: Mutex::new(Some(limited(body, controls))),
        }));
        if is_empty {
            // A stream would hide from s3s that there is nothing to come.
            return (watch, s3s::Body::empty());
        }
        let reader = Reader {
            watch: watch.clone(),
            stream: None,
        };
        let frames = stream::unfold(reader, |mut reader| async move {
            let data = reader.next().await?;
            Some((data.map(Frame::data), reader))
        });
        (watch, s3s::Body::http_body_unsync(StreamBody::new(frames.fuse())))
    }

    /// The watch that the front end put into the request.
    pub(crate) fn of(extensions: &Extensions) -> Option<Self> {
        extensions.get::<Self>().cloned()
    }

    /// How many bytes were read so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.0.read.load(Ordering::Relaxed)
    }

    /// Why the body ended early, if it did.
    pub(crate) fn fault(&self) -> Option<BodyFault> {
        *self.0.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what s3s left unread and throws it away. A client that is still sending when the
    /// connection closes may never see the answer: browsers report a network error instead.
    pub(crate) async fn discard_rest(&self) {
        let rest = self.rest().take();
        let Some(mut rest) = rest else { return };
        let mut discarded = 0;
        while discarded < DISCARD_LIMIT {
            match rest.next().await {
                Some(Ok(data)) => discarded += data.len() as u64,
                Some(Err(_)) | None => return,
            }
        }
    }

    fn rest(&self) -> std::sync::MutexGuard<'_, Option<DataStream>> {
        self.0.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a watched body; what it leaves unread goes back to the watch.
struct Reader {
    watch: BodyWatch,
    stream: Option<DataStream>,
}

impl Reader {
    async fn next(&mut self) -> Option<Result<Bytes, BodyFault>> {
        if self.stream.is_none() {
            self.stream = self.watch.rest().take();
        }
        let item = self.stream.as_mut()?.next().await?;
        match &item {
            Ok(data) => {
                self.watch.0.read.fetch_add(data.len() as u64, Ordering::Relaxed);
            }
            Err(fault) => {
                *self.watch.0.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(*fault);
            }
        }
        Some(item)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.take() {
            *self.watch.rest() = Some(stream);
        }
    }
}

/// The data of a body, as fast as the controls allow and as long as its sender keeps sending.
fn limited(body: Incoming, controls: Arc<Controls>) -> DataStream {
    let state = Some((BodyDataStream::new(body), controls));
    let data = stream::unfold(state, |state| async move {
        let (mut body, controls) = state?;
        let patience = controls.state().body_timeout;
        match timeout(patience, body.next()).await {
            Err(_) => Some((Err(BodyFault::TimedOut), None)),
            Ok(None) => None,
            Ok(Some(Err(_))) => Some((Err(BodyFault::CutShort), None)),
            Ok(Some(Ok(data))) => {
                limit_speed(data.len(), &controls).await;
                Some((Ok(data), Some((body, controls))))
            }
        }
    });
    Box::pin(data.fuse())
}

/// Waits for as long as this many bytes take at the limit, or until there is no limit.
async fn limit_speed(bytes: usize, controls: &Controls) {
    let mut owed = bytes as f64;
    let mut since = Instant::now();
    while owed > 0.0
        && let Some(bytes_per_second) = controls.bytes_per_second()
    {
        sleep(LIMIT_INTERVAL).await;
        owed -= since.elapsed().as_secs_f64() * bytes_per_second as f64;
        since = Instant::now();
    }
}
