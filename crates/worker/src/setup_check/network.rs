//! The browser's network, as the check uses it.

use std::rc::Rc;

use engine::HttpAnswer;
use gloo_net::http::RequestBuilder;
use web_sys::{AbortSignal, RequestCache, RequestMode};
use wire::SignedRequest;

use crate::{
    api::Api,
    effects::transport::{Body, exchange},
};

/// How long an answer may take, in milliseconds.
const TIMEOUT_MILLISECONDS: u32 = 15_000;

/// The way to the API and to S3.
pub(crate) trait Network {
    /// Whether the page's settings name a second endpoint of the bucket.
    fn has_second_endpoint(&self) -> bool;
    /// The page's origin, as browsers send it (RFC 6454).
    fn origin(&self) -> String;
    /// A POST to the API at this path, without its body.
    fn api_request(&self, path: &str) -> SignedRequest;
    /// The answer to a request; `None` if there is none, or CORS does not let the page see it.
    async fn send(&self, request: &SignedRequest, body: &str) -> Option<HttpAnswer>;
    /// Whether a server answers at this address, whatever it says and whoever may read it.
    async fn is_reachable(&self, url: &str) -> bool;
}

/// The browser's network.
pub(crate) struct BrowserNetwork {
    pub(crate) api: Rc<Api>,
    /// Whether the page's settings name a second endpoint of the bucket.
    pub(crate) has_second_endpoint: bool,
}

impl Network for BrowserNetwork {
    fn has_second_endpoint(&self) -> bool {
        self.has_second_endpoint
    }

    fn origin(&self) -> String {
        browser::global().origin()
    }

    fn api_request(&self, path: &str) -> SignedRequest {
        self.api.request(path)
    }

    async fn send(&self, request: &SignedRequest, body: &str) -> Option<HttpAnswer> {
        let body = Body::text(body.to_owned());
        exchange(request, body, Some(&timeout())).await.ok()
    }

    /// Without CORS the browser shows only that there was an answer (Fetch Standard, "opaque
    /// filtered response").
    async fn is_reachable(&self, url: &str) -> bool {
        let request = RequestBuilder::new(url)
            .mode(RequestMode::NoCors)
            .cache(RequestCache::NoStore)
            .abort_signal(Some(&timeout()))
            .build();
        match request {
            Ok(request) => request.send().await.is_ok(),
            Err(_) => false,
        }
    }
}

fn timeout() -> AbortSignal {
    AbortSignal::timeout_with_u32(TIMEOUT_MILLISECONDS)
}
