//! What a service answers.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::time::timeout;

/// How long an answer may take, on a busy machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(120);

/// An answer with its whole body.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// Sends a request exactly as it is, on a connection of its own, and reads the answer.
    pub async fn to(request: Request<Full<Bytes>>) -> Result<Self> {
        let what = format!("{} {}", request.method(), request.uri().path());
        let client = Client::builder(TokioExecutor::new()).build_http();
        let answering = async {
            let (head, body) = client.request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok::<_, anyhow::Error>(Self {
                status: head.status.as_u16(),
                headers: head.headers,
                body,
            })
        };
        timeout(TIMEOUT, answering).await?.context(what)
    }

    /// Like [`Answer::to`], from code that is not asynchronous.
    pub fn wait_for(request: Request<Full<Bytes>>) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(Self::to(request))
    }

    /// A header's value, if it is there and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    /// The text of the first element with this name, if the body is XML and has one.
    pub fn element(&self, name: &str) -> Option<String> {
        self.elements(name).into_iter().next()
    }

    /// The texts of all elements with this name.
    pub fn elements(&self, name: &str) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.body);
        let Ok(document) = roxmltree::Document::parse(&text) else {
            return Vec::new();
        };
        let elements = document
            .descendants()
            .filter(|node| node.tag_name().name() == name);
        elements
            .map(|element| element.text().unwrap_or_default().to_owned())
            .collect()
    }

    /// The answer in a few words: the status, the error's code, and which of `fields` the error has.
    pub fn summary(&self, fields: &[&str]) -> String {
        let mut summary = self.status.to_string();
        if let Some(code) = self.element("Code") {
            summary = format!("{summary} {code}");
        }
        let fields = fields.iter().copied();
        let present: Vec<&str> = fields.filter(|field| self.element(field).is_some()).collect();
        if !present.is_empty() {
            summary = format!("{summary} with {}", present.join(", "));
        }
        summary
    }

    /// The answer itself.
    pub fn success(self) -> Result<Self> {
        let body = String::from_utf8_lossy(&self.body);
        ensure!((200..300).contains(&self.status), "{}: {body}", self.status);
        Ok(self)
    }

    /// The text of an element.
    pub fn need(&self, name: &str) -> Result<String> {
        self.element(name)
            .with_context(|| format!("no {name} in {}", String::from_utf8_lossy(&self.body)))
    }

    /// Checks that this is S3's error with this status and code, with the request's ids in the document and
    /// the headers.
    #[track_caller]
    pub fn is_error(&self, status: u16, code: &str) -> &Self {
        assert_eq!(
            (self.status, self.element("Code").as_deref()),
            (status, Some(code)),
            "{self:?}"
        );
        for (element, header) in [("RequestId", "x-amz-request-id"), ("HostId", "x-amz-id-2")] {
            assert_eq!(self.element(element).as_deref(), self.header(header), "{self:?}");
        }
        assert_eq!(self.header("content-type"), Some("application/xml"));
        self
    }

    /// Checks the text of the first element with this name.
    #[track_caller]
    pub fn has_element(&self, name: &str, text: &str) -> &Self {
        let element = self.element(name);
        assert_eq!(element.as_deref(), Some(text), "{name} of {}", self.text());
        self
    }

    /// Checks that this is a success.
    #[track_caller]
    pub fn is_success(&self) -> &Self {
        let body = String::from_utf8_lossy(&self.body);
        assert!((200..300).contains(&self.status), "{} {body}", self.status);
        self
    }
}
