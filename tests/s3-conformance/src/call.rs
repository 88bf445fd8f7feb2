//! Signed requests to S3, right ones and any kind of wrong ones.
//!
//! `rusty-s3`, which shares no code with the Lambda, signs them in their query; the AWS SDK's own signer signs those
//! that are signed in their `Authorization` header.

use std::{collections::BTreeMap, time::SystemTime};

use anyhow::Result;
use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4::SigningParams,
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::Full;
use jiff::{SignedDuration, Timestamp};
use local::{BUCKET, REGION};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rusty_s3::{Method, signing};
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

/// A request that is presigned by the bucket's owner, unless it says otherwise.
#[derive(Clone)]
pub struct Call {
    method: Method,
    bucket: String,
    key: String,
    query: BTreeMap<String, String>,
    signed: BTreeMap<String, String>,
    sent: BTreeMap<String, String>,
    body: Bytes,
    /// The owner's, if there is none.
    access_key: Option<AccessKey>,
    region: String,
    expires_seconds: u64,
    age_seconds: i64,
    signature: Signature,
}

/// Where the signature is, and what it says of the body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signature {
    Query,
    Header,
    HeaderWithTrailer,
}

impl Call {
    /// A request about an object, or about the bucket if the key is empty.
    pub fn new(method: Method, key: &str) -> Self {
        Self {
            method,
            bucket: BUCKET.to_owned(),
            key: key.to_owned(),
            query: BTreeMap::new(),
            signed: BTreeMap::new(),
            sent: BTreeMap::new(),
            body: Bytes::new(),
            access_key: None,
            region: REGION.to_owned(),
            expires_seconds: 300,
            age_seconds: 0,
            signature: Signature::Query,
        }
    }

    /// PutObject.
    pub fn put(key: &str, body: impl Into<Bytes>) -> Self {
        Self::new(Method::Put, key).body(body)
    }

    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
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

    /// How long the URL is valid, in seconds.
    pub fn expires(mut self, seconds: u64) -> Self {
        self.expires_seconds = seconds;
        self
    }

    /// Signs as if it were this many seconds ago.
    pub fn age(mut self, seconds: i64) -> Self {
        self.age_seconds = seconds;
        self
    }

    /// Signs with another access key than the owner's.
    pub fn signed_by(mut self, access_key: &AccessKey) -> Self {
        self.access_key = Some(access_key.clone());
        self
    }

    /// Asks for another bucket.
    pub fn bucket(mut self, bucket: &str) -> Self {
        bucket.clone_into(&mut self.bucket);
        self
    }

    /// Signs for another region.
    pub fn region(mut self, region: &str) -> Self {
        region.clone_into(&mut self.region);
        self
    }

    /// Signs in the `Authorization` header instead of the query.
    pub fn in_header(mut self) -> Self {
        self.signature = Signature::Header;
        self
    }

    /// Signs in the header, for a body in `aws-chunked` coding whose checksum follows it.
    pub fn unsigned_trailer(mut self) -> Self {
        self.signature = Signature::HeaderWithTrailer;
        self
    }

    /// The presigned URL.
    pub fn url(&self, endpoint: impl AsRef<Endpoint>) -> Result<String> {
        let endpoint = endpoint.as_ref();
        let object: Url = self.object_url(endpoint).parse()?;
        let date = Timestamp::now() - SignedDuration::from_secs(self.age_seconds);
        let access_key = self.access_key(endpoint);
        let url = signing::sign(
            &date,
            self.method,
            object,
            &access_key.id,
            &access_key.secret,
            access_key.session_token.as_deref(),
            &self.region,
            self.expires_seconds,
            self.query.iter().map(as_strs),
            self.signed.iter().map(as_strs),
        );
        Ok(url.into())
    }

    /// The signed request.
    pub fn request(&self, endpoint: impl AsRef<Endpoint>) -> Result<Request<Full<Bytes>>> {
        let endpoint = endpoint.as_ref();
        match self.signature {
            Signature::Query => self.request_with(&self.url(endpoint)?, endpoint),
            _ => self.sign_in_header(endpoint),
        }
    }

    /// Sends the request and reads the answer. It waits, so it is not for asynchronous code.
    pub fn ask(&self, endpoint: impl AsRef<Endpoint>) -> Result<Answer> {
        Answer::wait_for(self.request(endpoint)?)
    }

    /// Sends the request and returns the answer in a few words: see [`Answer::summary`].
    pub fn outcome(&self, endpoint: impl AsRef<Endpoint>, fields: &[&str]) -> Result<String> {
        Ok(self.ask(endpoint)?.summary(fields))
    }

    /// Like [`Call::ask`], with another URL than it would sign.
    pub fn ask_at(&self, url: &str, endpoint: impl AsRef<Endpoint>) -> Result<Answer> {
        Answer::wait_for(self.request_with(url, endpoint.as_ref())?)
    }

    fn access_key<'a>(&'a self, endpoint: &'a Endpoint) -> &'a AccessKey {
        self.access_key.as_ref().unwrap_or(&endpoint.owner)
    }

    /// The URL without a query.
    fn object_url(&self, endpoint: &Endpoint) -> String {
        let slash = if self.key.is_empty() { "" } else { "/" };
        let key = utf8_percent_encode(&self.key, PATH);
        format!("{}/{}{slash}{key}", endpoint.url(), self.bucket)
    }

    /// A request to this URL with the headers that are sent.
    fn request_with(&self, url: &str, endpoint: &Endpoint) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::builder().method(self.method.to_str()).uri(url);
        request = request.header("host", &endpoint.host);
        for (name, value) in &self.sent {
            request = request.header(name, value);
        }
        Ok(request.body(Full::new(self.body.clone()))?)
    }

    fn sign_in_header(&self, endpoint: &Endpoint) -> Result<Request<Full<Bytes>>> {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let query = self.query.iter();
        let query: Vec<String> = query
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let question_mark = if query.is_empty() { "" } else { "?" };
        let url = format!("{}{question_mark}{}", self.object_url(endpoint), query.join("&"));
        let mut request = self.request_with(&url, endpoint)?;

        let AccessKey {
            id,
            secret,
            session_token,
        } = self.access_key(endpoint);
        let identity = Credentials::new(id, secret, session_token.clone(), None, "test").into();
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let time = Timestamp::now() - SignedDuration::from_secs(self.age_seconds);
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("s3")
            .time(SystemTime::from(time))
            .settings(settings)
            .build()?;
        let host = [("host", endpoint.host.as_str())].into_iter();
        let body = match self.signature {
            Signature::HeaderWithTrailer => SignableBody::StreamingUnsignedPayloadTrailer,
            _ => SignableBody::Bytes(&self.body),
        };
        let headers = host.chain(self.signed.iter().map(as_strs));
        let signable = SignableRequest::new(self.method.to_str(), url, headers, body)?;
        let (instructions, _) = sign(signable, &params.into())?.into_parts();
        for (name, value) in instructions.headers() {
            let name: HeaderName = name.parse()?;
            request.headers_mut().insert(name, HeaderValue::from_str(value)?);
        }
        Ok(request)
    }
}

fn as_strs<'a>((name, value): (&'a String, &'a String)) -> (&'a str, &'a str) {
    (name, value)
}
