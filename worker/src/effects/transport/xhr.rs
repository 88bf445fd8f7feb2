//! `XMLHttpRequest`: the only way in which browsers tell how much of a body was sent.

use std::rc::Rc;

use browser::{Listener, Timer};
use engine::{HttpAnswer, TransportFailure};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ProgressEvent, XmlHttpRequest};
use wire::SignedRequest;

use super::{Body, Told, Transport};
use crate::effects::in_flight::InFlight;

/// Sends by `XMLHttpRequest` (WHATWG XMLHttpRequest).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Xhr;

impl Transport for Xhr {
    fn send(&self, request: &SignedRequest, body: Body, tell: impl Fn(Told) + 'static) -> InFlight {
        let tell = Rc::new(tell);
        match begin(request, body, &tell) {
            Ok((xhr, listeners)) => InFlight::new(move || {
                // The listeners go first: nobody wants to hear of an abort that was asked for.
                drop(listeners);
                if xhr.ready_state() != XmlHttpRequest::DONE {
                    let _ = xhr.abort();
                }
            }),
            Err(_) => {
                // A URL that the browser refuses at once is reported like one that gave no answer.
                let timer = Timer::after(std::time::Duration::ZERO, move || {
                    tell(Told::Ended(Err(TransportFailure::NoAnswer)));
                });
                InFlight::new(move || drop(timer))
            }
        }
    }
}

fn begin(
    request: &SignedRequest,
    body: Body,
    tell: &Rc<impl Fn(Told) + 'static>,
) -> Result<(XmlHttpRequest, Vec<Listener>), JsValue> {
    let xhr = XmlHttpRequest::new()?;
    xhr.open(request.method.as_str(), &request.url)?;
    for (name, value) in &request.headers {
        xhr.set_request_header(name, value)?;
    }
    let listeners = listen(&xhr, tell)?;
    match body {
        Body::Empty => xhr.send()?,
        Body::Text(text) => xhr.send_with_opt_str(Some(&text))?,
        Body::Blob(blob) => xhr.send_with_opt_blob(Some(&blob))?,
        Body::Bytes(bytes) => xhr.send_with_opt_buffer_source(Some(&bytes))?,
    }
    Ok((xhr, listeners))
}

fn listen(xhr: &XmlHttpRequest, tell: &Rc<impl Fn(Told) + 'static>) -> Result<Vec<Listener>, JsValue> {
    let tell_progress = Rc::clone(tell);
    let mut listeners = vec![Listener::new(&xhr.upload()?.into(), "progress", move |event| {
        if let Some(event) = event.dyn_ref::<ProgressEvent>() {
            tell_progress(Told::Progress(event.loaded() as u64));
        }
    })];
    // Whatever ended it, and a connection that is lost fires `abort` in some versions of Safari, this is fired
    // last. An abort that was asked for is never heard here.
    let (tell, xhr_of_event) = (Rc::clone(tell), xhr.clone());
    listeners.push(Listener::new(xhr, "loadend", move |_| {
        tell(Told::Ended(answer(&xhr_of_event)));
    }));
    Ok(listeners)
}

/// What was answered; a request that ended without an answer has no status (WHATWG XMLHttpRequest, section 3.7).
fn answer(xhr: &XmlHttpRequest) -> Result<HttpAnswer, TransportFailure> {
    let status = xhr.status().ok().filter(|status| *status > 0);
    let status = status.ok_or(TransportFailure::NoAnswer)?;
    // Asking for a header that CORS hides makes Chromium write an error to the console, so that the list of all is
    // asked.
    let headers = xhr.get_all_response_headers().unwrap_or_default();
    Ok(HttpAnswer {
        status,
        etag: exposed("etag", &headers),
        request_id: exposed("x-amz-request-id", &headers),
        body: xhr.response_text().ok().flatten().unwrap_or_default(),
    })
}

/// A header that CORS exposes.
fn exposed(name: &str, headers: &str) -> Option<String> {
    headers.lines().find_map(|line| {
        let (header, value) = line.split_once(':')?;
        header.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}
