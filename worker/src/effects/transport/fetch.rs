//! `fetch`, for requests too small for a progress bar.

use std::{cell::RefCell, rc::Rc};

use engine::{HttpAnswer, TransportFailure};
use gloo_net::http::{Method, RequestBuilder};
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, AbortSignal, RequestCache};
use wire::SignedRequest;

use super::{Body, Told, Transport};
use crate::effects::in_flight::InFlight;

/// Sends by `fetch` (WHATWG Fetch), which tells nothing until the answer is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fetch;

impl Transport for Fetch {
    fn send(&self, request: &SignedRequest, body: Body, tell: impl Fn(Told) + 'static) -> InFlight {
        let controller = AbortController::new().ok();
        let request = request.clone();
        let signal = controller.as_ref().map(AbortController::signal);
        // Whoever ends the request drops what it would have told.
        let tell = Rc::new(RefCell::new(Some(tell)));
        let told = Rc::clone(&tell);
        spawn_local(async move {
            let answer = exchange(&request, body, signal.as_ref()).await;
            let tell = told.borrow_mut().take();
            if let Some(tell) = tell {
                tell(Told::Ended(answer));
            }
        });
        InFlight::new(move || {
            tell.borrow_mut().take();
            if let Some(controller) = controller {
                controller.abort();
            }
        })
    }
}

/// Sends a request and waits for its answer, which goes on until that is there or the signal aborts it.
///
/// # Errors
/// Where there is no answer that the browser shows.
pub(crate) async fn exchange(
    request: &SignedRequest,
    body: Body,
    signal: Option<&AbortSignal>,
) -> Result<HttpAnswer, TransportFailure> {
    let answer = fetch(request, body, signal).await;
    answer.map_err(|_| TransportFailure::NoAnswer)
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
        // For other methods it would do nothing but keep the preflight's answer out of the cache, too.
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
        etag: headers.get("etag"),
        request_id: headers.get("x-amz-request-id"),
        body: response.text().await?,
    })
}
