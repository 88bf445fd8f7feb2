//! `fetch`, for requests too small for a progress bar.

use std::{cell::RefCell, rc::Rc, time::Duration};

use engine::{HttpAnswer, TransportFailure};
use gloo_net::http::{Method, RequestBuilder};
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, AbortSignal, RequestCache};
use wire::SignedRequest;

use super::{Body, Transport, TransportEvent};
use crate::effects::in_flight::InFlight;

/// Sends by `fetch` (WHATWG Fetch), which reports nothing until the answer is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fetch;

impl Transport for Fetch {
    fn send(
        &self,
        request: &SignedRequest,
        body: Body,
        report: impl Fn(TransportEvent) + 'static,
    ) -> InFlight {
        let controller = AbortController::new().ok();
        let request = request.clone();
        let signal = controller.as_ref().map(AbortController::signal);
        // Whoever ends the request drops what would have reported its end.
        let report = Rc::new(RefCell::new(Some(report)));
        let ended = Rc::clone(&report);
        spawn_local(async move {
            let answer = exchange(&request, body, signal.as_ref()).await;
            let report = ended.take();
            if let Some(report) = report {
                report(TransportEvent::Ended(answer));
            }
        });
        InFlight::new(move || {
            report.take();
            if let Some(controller) = controller {
                controller.abort();
            }
        })
    }
}

/// Sends a request and waits for its answer, unless the signal aborts it.
///
/// # Errors
/// If there is no answer that the browser shows.
pub(crate) async fn exchange(
    request: &SignedRequest,
    body: Body,
    signal: Option<&AbortSignal>,
) -> Result<HttpAnswer, TransportFailure> {
    let answer = fetch(request, body, signal).await;
    answer.map_err(|_| TransportFailure::NoAnswer)
}

/// [`exchange`] that gives up after this long.
///
/// # Errors
/// As [`exchange`].
pub(crate) async fn exchange_within(
    patience: Duration,
    request: &SignedRequest,
    body: Body,
) -> Result<HttpAnswer, TransportFailure> {
    let signal = AbortSignal::timeout_with_u32(patience.as_millis() as u32);
    exchange(request, body, Some(&signal)).await
}

async fn fetch(
    request: &SignedRequest,
    body: Body,
    signal: Option<&AbortSignal>,
) -> Result<HttpAnswer, gloo_net::Error> {
    let method = Method::from_bytes(request.method.as_str().as_bytes()).unwrap_or(Method::GET);
    let is_cacheable = method == Method::GET;
    let mut builder = RequestBuilder::new(&request.url)
        .method(method)
        .abort_signal(signal);
    if is_cacheable {
        // For other methods it would only keep the preflight's answer out of the cache.
        builder = builder.cache(RequestCache::NoStore);
    }
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    let request = match body {
        Body::Empty => builder.build()?,
        Body::Text(text) => builder.body(text)?,
        Body::Blob(blob) => builder.body(blob)?,
        Body::Bytes(bytes) => builder.body(bytes)?,
    };
    let response = request.send().await?;
    let headers = response.headers();
    Ok(HttpAnswer {
        status: response.status(),
        etag: headers.get(wire::ETAG),
        request_id: headers.get(wire::REQUEST_ID),
        body: response.text().await?,
    })
}
