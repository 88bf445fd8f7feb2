//! `XMLHttpRequest`: the only way in which browsers tell how much of a body was sent.

use std::{cell::RefCell, rc::Rc};

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
                let _ = xhr.abort();
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
    // A connection that is lost fires `abort` in some versions of Safari, and an `error` elsewhere.
    // An abort that was asked for is never heard here.
    let ended = Rc::new(RefCell::new(Some(Rc::clone(tell))));
    for name in ["load", "error", "abort", "timeout"] {
        let (ended, xhr_of_event) = (Rc::clone(&ended), xhr.clone());
        listeners.push(Listener::new(xhr, name, move |_| {
            if let Some(tell) = ended.borrow_mut().take() {
                let answer = match name {
                    "load" => Ok(answer(&xhr_of_event)),
                    _ => Err(TransportFailure::NoAnswer),
                };
                tell(Told::Ended(answer));
            }
        }));
    }
    Ok(listeners)
}

fn answer(xhr: &XmlHttpRequest) -> HttpAnswer {
    HttpAnswer {
        status: xhr.status().unwrap_or(0),
        etag: exposed(xhr, "etag"),
        request_id: exposed(xhr, "x-amz-request-id"),
        body: xhr.response_text().ok().flatten().unwrap_or_default(),
    }
}

/// A header, if CORS exposes it. Asking for one that is hidden makes Chromium write an error to the
/// console, so the list of all is asked first.
fn exposed(xhr: &XmlHttpRequest, name: &str) -> Option<String> {
    let all = xhr.get_all_response_headers().ok()?;
    all.lines().find_map(|line| {
        let (header, value) = line.split_once(':')?;
        header.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}
