//! The browser's network, as the check uses it.

use engine::HttpAnswer;
use gloo_net::http::RequestBuilder;
use web_sys::{AbortSignal, RequestCache, RequestMode};
use wire::SignedRequest;

use super::Network;
use crate::effects::transport::{Body, exchange};

/// How long an answer may take, in milliseconds.
const PATIENCE_MILLISECONDS: u32 = 15_000;

/// The browser's network.
pub(crate) struct BrowserNetwork {
    /// A POST to the API's address.
    pub(crate) api_request: SignedRequest,
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
        let mut request = self.api_request.clone();
        request.url += path;
        request
    }

    async fn send(&self, request: &SignedRequest, body: &str) -> Option<HttpAnswer> {
        let body = if body.is_empty() {
            Body::Empty
        } else {
            Body::Text(body.to_owned())
        };
        exchange(request, body, Some(&patience())).await.ok()
    }

    /// Without CORS the browser shows nothing of an answer but that there was one (Fetch Standard, "opaque
    /// filtered response").
    async fn is_reachable(&self, url: &str) -> bool {
        let request = RequestBuilder::new(url)
            .mode(RequestMode::NoCors)
            .cache(RequestCache::NoStore)
            .abort_signal(Some(&patience()))
            .build();
        match request {
            Ok(request) => request.send().await.is_ok(),
            Err(_) => false,
        }
    }
}

fn patience() -> AbortSignal {
    AbortSignal::timeout_with_u32(PATIENCE_MILLISECONDS)
}
