//! The requests in flight, to S3 and to the API.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use engine::{ApiRoute, CallId, Event, FileFailure, HttpAnswer, Ticket, TransportFailure};
use messages::ToPage;
use wasm_bindgen_futures::spawn_local;
use wire::SignedRequest;

use crate::{
    api::Api,
    effects::{
        in_flight::InFlight,
        transport::{Body, Fetch, Transport, TransportEvent, Xhr},
    },
    page::Page,
    to_driver::DriverHandle,
};

/// Sends requests and reports their answers.
pub(crate) struct Requests {
    driver: DriverHandle,
    api: Rc<Api>,
    page: Page,
    to_s3: RefCell<HashMap<Ticket, InFlight>>,
    to_api: RefCell<HashMap<CallId, InFlight>>,
}

impl Requests {
    pub(crate) fn new(driver: DriverHandle, api: Rc<Api>, page: Page) -> Rc<Self> {
        Rc::new(Self {
            driver,
            api,
            page,
            to_s3: RefCell::default(),
            to_api: RefCell::default(),
        })
    }

    /// Sends bytes of a file to S3.
    pub(crate) fn put(self: &Rc<Self>, ticket: Ticket, request: &SignedRequest, body: Body) {
        self.start(&Xhr, ticket, request, body);
    }

    /// Sends bytes of a file to S3 as soon as they have been read.
    pub(crate) fn put_when_read(
        self: &Rc<Self>,
        ticket: Ticket,
        request: SignedRequest,
        body: impl Future<Output = Result<Body, FileFailure>> + 'static,
    ) {
        // Nothing is in flight yet, but the request can be ended.
        let nothing = InFlight::new(|| {});
        self.to_s3.borrow_mut().insert(ticket, nothing);
        let requests = Rc::downgrade(self);
        spawn_local(async move {
            let body = body.await;
            let Some(requests) = requests.upgrade() else {
                return;
            };
            let is_wanted = requests.to_s3.borrow().contains_key(&ticket);
            match body {
                _ if !is_wanted => {}
                Ok(body) => requests.put(ticket, &request, body),
                Err(_) => requests.on_unreadable(ticket),
            }
        });
    }

    /// Nothing was sent, and S3 cannot answer. The engine reads the file again before the next try, and so learns why.
    fn on_unreadable(&self, ticket: Ticket) {
        let answer = Err(TransportFailure::NoAnswer);
        self.on_transport_event(ticket, TransportEvent::Ended(answer));
    }

    /// Sends a small request to S3.
    pub(crate) fn send(self: &Rc<Self>, ticket: Ticket, request: &SignedRequest, body: String) {
        self.start(&Fetch, ticket, request, Body::text(body));
    }

    fn start(
        self: &Rc<Self>,
        transport: &impl Transport,
        ticket: Ticket,
        request: &SignedRequest,
        body: Body,
    ) {
        let requests = Rc::downgrade(self);
        let request = transport.send(request, body, move |event| {
            if let Some(requests) = requests.upgrade() {
                requests.on_transport_event(ticket, event);
            }
        });
        self.to_s3.borrow_mut().insert(ticket, request);
    }

    fn on_transport_event(&self, ticket: Ticket, event: TransportEvent) {
        match event {
            TransportEvent::Progress(sent) => self.driver.event(Event::Progress { ticket, sent }),
            TransportEvent::Ended(answer) => {
                self.finish_request(ticket);
                self.driver.event(Event::Answered { ticket, answer });
            }
        }
    }

    /// Sends a call to the API.
    pub(crate) fn call(self: &Rc<Self>, call: CallId, route: ApiRoute, body: String) {
        let requests = Rc::downgrade(self);
        let request = self.api.request(route.path());
        let request = Fetch.send(&request, Body::text(body), move |event| {
            if let (TransportEvent::Ended(answer), Some(requests)) = (event, requests.upgrade()) {
                requests.on_call_answered(call, answer);
            }
        });
        self.to_api.borrow_mut().insert(call, request);
    }

    fn on_call_answered(&self, call: CallId, answer: Result<HttpAnswer, TransportFailure>) {
        self.finish_call(call);
        if answer.as_ref().is_ok_and(|answer| answer.status == 401) {
            self.page.send(&ToPage::NotSignedIn);
        }
        self.driver.event(Event::CallAnswered { call, answer });
    }

    /// Ends a request to S3, or forgets one that has ended. It is dropped outside the borrow, since a
    /// browser may call back while it ends a request.
    pub(crate) fn finish_request(&self, ticket: Ticket) {
        let request = self.to_s3.borrow_mut().remove(&ticket);
        drop(request);
    }

    /// Ends a call, or forgets one that has ended.
    pub(crate) fn finish_call(&self, call: CallId) {
        let request = self.to_api.borrow_mut().remove(&call);
        drop(request);
    }
}
