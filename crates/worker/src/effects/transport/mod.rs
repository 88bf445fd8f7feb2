//! Sending a request, with or without progress.

mod fetch;
mod xhr;

use engine::{HttpAnswer, TransportFailure};
use js_sys::ArrayBuffer;
use web_sys::Blob;
use wire::SignedRequest;

use super::in_flight::InFlight;

pub(crate) use fetch::{Fetch, exchange, exchange_within};
pub(crate) use xhr::Xhr;

/// The body of a request.
pub(crate) enum Body {
    /// Nothing.
    Empty,
    /// A small text.
    Text(String),
    /// Bytes of a file, which the browser streams from the disk.
    Blob(Blob),
    /// Bytes of a small file.
    Bytes(ArrayBuffer),
}

impl Body {
    /// A small text, or nothing if it is empty.
    pub(crate) fn text(text: String) -> Self {
        if text.is_empty() {
            Self::Empty
        } else {
            Self::Text(text)
        }
    }
}

/// What a transport reports about a request.
pub(crate) enum TransportEvent {
    /// The bytes of the body that have been sent.
    Progress(u64),
    /// It ended.
    Ended(Result<HttpAnswer, TransportFailure>),
}

/// One way to send a request.
pub(crate) trait Transport {
    /// Sends the request, and reports on it until it has ended or the guard is dropped. `report` is never
    /// called before this returns.
    fn send(
        &self,
        request: &SignedRequest,
        body: Body,
        report: impl Fn(TransportEvent) + 'static,
    ) -> InFlight;
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use futures_channel::oneshot;
    use wasm_bindgen_test::wasm_bindgen_test;
    use wire::HttpMethod;

    use super::*;

    fn request(method: HttpMethod, url: &str) -> SignedRequest {
        SignedRequest {
            method,
            url: url.to_owned(),
            headers: [("x-test".to_owned(), "1".to_owned())].into(),
            expires_at: 0,
        }
    }

    async fn ended(
        transport: impl Transport,
        request: SignedRequest,
    ) -> Result<HttpAnswer, TransportFailure> {
        let (sender, receiver) = oneshot::channel();
        let sender = RefCell::new(Some(sender));
        let _guard = transport.send(&request, Body::Empty, move |event| {
            if let (TransportEvent::Ended(answer), Some(sender)) = (event, sender.borrow_mut().take()) {
                let _ = sender.send(answer);
            }
        });
        receiver.await.expect("it ends")
    }

    /// The page of the test runner itself is the one server that every test can reach.
    fn own_page() -> SignedRequest {
        request(HttpMethod::Get, "/")
    }

    fn nowhere() -> SignedRequest {
        request(HttpMethod::Put, "http://127.0.0.1:1/")
    }

    #[wasm_bindgen_test]
    async fn both_transports_return_the_status_and_the_body() {
        let by_xhr = ended(Xhr, own_page()).await.expect("an answer");
        let by_fetch = ended(Fetch, own_page()).await.expect("an answer");
        assert_eq!(by_xhr.status, 200);
        assert!(by_xhr.body.contains("<html"));
        assert_eq!(by_xhr, by_fetch);
    }

    #[wasm_bindgen_test]
    async fn both_transports_report_a_server_that_is_not_there() {
        assert_eq!(ended(Xhr, nowhere()).await, Err(TransportFailure::NoAnswer));
        assert_eq!(ended(Fetch, nowhere()).await, Err(TransportFailure::NoAnswer));
    }

    #[wasm_bindgen_test]
    async fn a_url_that_the_browser_refuses_is_no_answer_and_no_panic() {
        let malformed = || request(HttpMethod::Put, "http://[");
        assert_eq!(ended(Xhr, malformed()).await, Err(TransportFailure::NoAnswer));
        assert_eq!(ended(Fetch, malformed()).await, Err(TransportFailure::NoAnswer));
    }

    #[wasm_bindgen_test]
    async fn a_dropped_request_reports_nothing() {
        let reports = Rc::new(RefCell::new(0));
        for start in [drop_at_once(Xhr), drop_at_once(Fetch)] {
            start(Rc::clone(&reports));
        }
        // Another request to the same place that ends after them shows that they had their time.
        ended(Xhr, nowhere()).await.expect_err("nobody is there");
        ended(Fetch, nowhere()).await.expect_err("nobody is there");
        assert_eq!(*reports.borrow(), 0);
    }

    fn drop_at_once<T: Transport + 'static>(transport: T) -> Box<dyn Fn(Rc<RefCell<i32>>)> {
        Box::new(move |reports| {
            let guard = transport.send(&nowhere(), Body::Empty, move |_| *reports.borrow_mut() += 1);
            drop(guard);
        })
    }
}
