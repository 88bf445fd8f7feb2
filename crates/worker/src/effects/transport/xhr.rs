//! `XMLHttpRequest`: the only request with which browsers report how much of a body was sent.

use std::rc::Rc;

use browser::{Listener, Timer};
use engine::{HttpAnswer, TransportFailure};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ProgressEvent, XmlHttpRequest};
use wire::SignedRequest;

use super::{Body, Transport, TransportEvent};
use crate::effects::in_flight::InFlight;

/// Sends by `XMLHttpRequest` (WHATWG XMLHttpRequest).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Xhr;

impl Transport for Xhr {
    fn send(
        &self,
        request: &SignedRequest,
        body: Body,
        report: impl Fn(TransportEvent) + 'static,
    ) -> InFlight {
        let report = Rc::new(report);
        match start(request, body, &report) {
            Ok((xhr, listeners)) => InFlight::new(move || {
                // The listeners go first: an abort that was asked for is not reported.
                drop(listeners);
                if xhr.ready_state() != XmlHttpRequest::DONE {
                    let _ = xhr.abort();
                }
            }),
            Err(_) => {
                // A URL that the browser refuses at once is reported like one that does not answer.
                let timer = Timer::after(std::time::Duration::ZERO, move || {
                    report(TransportEvent::Ended(Err(TransportFailure::NoAnswer)));
                });
                InFlight::new(move || drop(timer))
            }
        }
    }
}

fn start(
    request: &SignedRequest,
    body: Body,
    report: &Rc<impl Fn(TransportEvent) + 'static>,
) -> Result<(XmlHttpRequest, Vec<Listener>), JsValue> {
    let xhr = XmlHttpRequest::new()?;
    xhr.open(request.method.as_str(), &request.url)?;
    for (name, value) in &request.headers {
        xhr.set_request_header(name, value)?;
    }
    let listeners = listen(&xhr, report)?;
    match body {
        Body::Empty => xhr.send()?,
        Body::Text(text) => xhr.send_with_opt_str(Some(&text))?,
        Body::Blob(blob) => xhr.send_with_opt_blob(Some(&blob))?,
        Body::Bytes(bytes) => xhr.send_with_opt_buffer_source(Some(&bytes))?,
    }
    Ok((xhr, listeners))
}

fn listen(
    xhr: &XmlHttpRequest,
    report: &Rc<impl Fn(TransportEvent) + 'static>,
) -> Result<Vec<Listener>, JsValue> {
    let report_progress = Rc::clone(report);
    let mut listeners = vec![Listener::new(&xhr.upload()?.into(), "progress", move |event| {
        if let Some(event) = event.dyn_ref::<ProgressEvent>() {
            report_progress(TransportEvent::Progress(event.loaded() as u64));
        }
    })];
    // Whatever ended the request (a lost connection fires `abort` in some versions of Safari), this is fired
    // last. An abort that was asked for never arrives here.
    let (report, xhr_of_event) = (Rc::clone(report), xhr.clone());
    listeners.push(Listener::new(xhr, "loadend", move |_| {
        report(TransportEvent::Ended(answer(&xhr_of_event)));
    }));
    Ok(listeners)
}

/// The answer; a request that ended without one has no status (WHATWG XMLHttpRequest, section 3.7).
fn answer(xhr: &XmlHttpRequest) -> Result<HttpAnswer, TransportFailure> {
    let status = xhr.status().ok().filter(|status| *status > 0);
    let status = status.ok_or(TransportFailure::NoAnswer)?;
    // Asking for a header that CORS hides makes Chromium write an error to the console, so the list of all
    // headers is read.
    let headers = xhr.get_all_response_headers().unwrap_or_default();
    Ok(HttpAnswer {
        status,
        etag: exposed(wire::ETAG, &headers),
        request_id: exposed(wire::REQUEST_ID, &headers),
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
