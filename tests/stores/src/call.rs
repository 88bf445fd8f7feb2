//! Presigned requests to S3, right ones and any kind of wrong ones.
//!
//! They are signed by `rusty-s3`, which shares no code with the Lambda.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result};
use http::{HeaderName, Request};
use jiff::{SignedDuration, Timestamp};
use local::{BUCKET, REGION};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rusty_s3::{Method, signing};
use ureq::Agent;
use url::Url;

use crate::{
    answer::Answer,
    endpoint::{AccessKey, Endpoint},
};

/// What a path percent-encodes: all but RFC 3986's unreserved characters and the slash.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// How long an answer may take, on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A request that is presigned by the bucket's owner, unless told otherwise.
#[derive(Clone)]
pub struct Call {
    endpoint: Endpoint,
    access_key: AccessKey,
    method: Method,
    key: String,
    query: BTreeMap<String, String>,
    signed: BTreeMap<String, String>,
    sent: BTreeMap<String, String>,
    body: Vec<u8>,
    expires_seconds: u64,
    age_seconds: i64,
}

impl Call {
    /// A request about an object, or about the bucket where the key is empty.
    pub fn new(endpoint: &Endpoint, method: Method, key: &str) -> Self {
        Self {
            access_key: endpoint.owner.clone(),
            endpoint: endpoint.clone(),
            method,
            key: key.to_owned(),
            query: BTreeMap::new(),
            signed: BTreeMap::new(),
            sent: BTreeMap::new(),
            body: Vec::new(),
            expires_seconds: 300,
            age_seconds: 0,
        }
    }

    /// PutObject.
    pub fn put(endpoint: &Endpoint, key: &str, body: &[u8]) -> Self {
        Self::new(endpoint, Method::Put, key).body(body)
    }

    /// The body.
    pub fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    /// A query parameter, which is signed.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A header that is signed and sent.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.signed_header(name, value).sent_header(name, value)
    }

    /// A header that is signed only.
    pub fn signed_header(mut self, name: &str, value: &str) -> Self {
        self.signed.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A header that is sent only, or with another value than was signed.
    pub fn sent_header(mut self, name: &str, value: &str) -> Self {
        self.sent.insert(name.to_owned(), value.to_owned());
        self
    }

    /// How long the URL is good for, in seconds.
    pub fn expires(mut self, seconds: u64) -> Self {
        self.expires_seconds = seconds;
        self
    }

    /// Signs as if it were so many seconds ago.
    pub fn age(mut self, seconds: i64) -> Self {
        self.age_seconds = seconds;
        self
    }

    /// Signs with another access key.
    pub fn signed_by(mut self, access_key: &AccessKey) -> Self {
        self.access_key = access_key.clone();
        self
    }

    /// The presigned URL.
    ///
    /// # Errors
    /// Where the key makes no URL.
    pub fn url(&self) -> Result<String> {
        let slash = if self.key.is_empty() { "" } else { "/" };
        let key = utf8_percent_encode(&self.key, PATH);
        let object: Url = format!("{}/{BUCKET}{slash}{key}", self.endpoint.url()).parse()?;
        let date = Timestamp::now() - SignedDuration::from_secs(self.age_seconds);
        let url = signing::sign(
            &date,
            self.method,
            object,
            &self.access_key.id,
            &self.access_key.secret,
            self.access_key.session_token.as_deref(),
            REGION,
            self.expires_seconds,
            self.query
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
            self.signed
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        Ok(url.into())
    }

    /// Sends the request and reads the answer.
    ///
    /// # Errors
    /// Where there is no answer.
    pub fn send(&self) -> Result<Answer> {
        self.send_to(&self.url()?)
    }

    /// Sends the request with another URL than it would sign.
    ///
    /// # Errors
    /// Where there is no answer.
    pub fn send_to(&self, url: &str) -> Result<Answer> {
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT))
            .build()
            .into();
        let mut request = Request::builder().method(self.method.to_str()).uri(url);
        for (name, value) in &self.sent {
            request = request.header(name.parse::<HeaderName>()?, value);
        }
        let response = match self.method {
            Method::Put | Method::Post => agent.run(request.body(self.body.clone())?),
            _ => agent.run(request.body(())?),
        };
        let mut response = response.with_context(|| format!("{} {}", self.method.to_str(), self.key))?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.body_mut().with_config().limit(u64::MAX).read_to_vec()?,
        })
    }

    /// Opens a connection and sends the head of the request alone, with these headers besides those that
    /// are set; the body is the caller's.
    ///
    /// # Errors
    /// Where there is no connection.
    pub fn send_head(&self, headers: &[(&str, &str)]) -> Result<RawRequest> {
        let url: Url = self.url()?.parse()?;
        let target = format!("{}?{}", url.path(), url.query().unwrap_or_default());
        let mut head = format!(
            "{} {target} HTTP/1.1\r\nhost: {}\r\n",
            self.method.to_str(),
            self.endpoint.host
        );
        let sent = self
            .sent
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in sent.chain(headers.iter().copied()) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut stream = TcpStream::connect(&self.endpoint.host)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.write_all(head.as_bytes())?;
        Ok(RawRequest { stream })
    }
}

/// A request that is being written by hand.
pub struct RawRequest {
    stream: TcpStream,
}

impl RawRequest {
    /// Writes a piece of the body.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).context("the connection is gone")
    }

    /// Waits for `100 Continue` (RFC 9110, section 10.1.1), which the service sends once it has accepted
    /// the head.
    ///
    /// # Errors
    /// Where it answers something else.
    pub fn await_continue(&mut self) -> Result<()> {
        let head = self.read_head()?;
        anyhow::ensure!(head.starts_with("HTTP/1.1 100"), "{head}");
        Ok(())
    }

    /// Tells that nothing more comes.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub fn end_writing(&mut self) -> Result<()> {
        self.stream.shutdown(std::net::Shutdown::Write)?;
        Ok(())
    }

    /// The answer, read to the end of the connection or to its length.
    ///
    /// # Errors
    /// Where there is none.
    pub fn answer(mut self) -> Result<Answer> {
        let head = self.read_head()?;
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let status = status.context("no status")?.parse()?;
        let mut headers = http::HeaderMap::new();
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            headers.append(name.parse::<HeaderName>()?, value.parse()?);
        }
        let length = headers
            .get("content-length")
            .and_then(|value| value.to_str().ok());
        let length = length.map(str::parse).transpose()?.unwrap_or(u64::MAX);
        let mut body = Vec::new();
        self.stream.take(length).read_to_end(&mut body)?;
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    fn read_head(&mut self) -> Result<String> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            self.stream.read_exact(&mut byte).context("no answer")?;
            head.push(byte[0]);
        }
        Ok(String::from_utf8(head)?)
    }
}
