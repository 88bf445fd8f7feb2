//! A running stack, signed requests and their answers.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
        SigningSettings, UriPathNormalizationMode, sign,
    },
    sign::v4::SigningParams,
};
use base64ct::{Base64, Encoding as _};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use local::{BUCKET, Controls, OWNER_ACCESS_KEY_ID, OWNER_SECRET_ACCESS_KEY, REGION, Stack, StackOptions};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::crypto::{Checksum as _, Md5, Sha256};
use tempfile::TempDir;
use tokio::net::TcpStream;

/// The origin of the page in these tests.
pub(crate) const PAGE: &str = "http://127.0.0.1:8080";

const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// A stack on free ports with a data folder of its own.
pub(crate) struct TestStack {
    pub(crate) stack: Stack,
    pub(crate) data: TempDir,
}

impl TestStack {
    pub(crate) async fn start() -> Self {
        Self::with_variables(&[]).await
    }

    pub(crate) async fn with_variables(variables: &[(&str, &str)]) -> Self {
        Self::with(PAGE, variables).await
    }

    pub(crate) async fn with_origin(origin: &str) -> Self {
        Self::with(origin, &[]).await
    }

    async fn with(origin: &str, variables: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let stack = Stack::start(StackOptions {
            allowed_origins: vec![origin.to_owned()],
            lambda_variables: variables.collect(),
            ..StackOptions::new(data.path().to_owned())
        });
        Self {
            stack: stack.await.expect("the stack starts"),
            data,
        }
    }

    pub(crate) fn controls(&self) -> &Controls {
        self.stack.controls()
    }

    pub(crate) fn stored(&self, key: &str) -> Option<Vec<u8>> {
        let has_key = self.stack.object_keys().iter().any(|found| found == key);
        has_key.then(|| fs::read(self.stack.object_path(key)).expect("the object's file"))
    }

    /// The files that wait in the staging folder.
    pub(crate) fn staged(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.data.path().join(".state/staging")).expect("the folder");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }
}

/// A request to S3: presigned by the bucket's owner, unless told otherwise.
#[derive(Clone)]
pub(crate) struct Call {
    method: Method,
    key: String,
    query: String,
    signed: Vec<(String, String)>,
    unsigned: Vec<(String, String)>,
    body: Bytes,
    expires_seconds: u64,
    age_seconds: i64,
    credentials: (String, String),
    region: &'static str,
    session_token: Option<String>,
    bucket: &'static str,
    in_header: bool,
    unsigned_trailer: bool,
}

impl Call {
    pub(crate) fn new(method: &str, key: &str) -> Self {
        Self {
            method: method.parse().expect("a method"),
            key: key.to_owned(),
            query: String::new(),
            signed: Vec::new(),
            unsigned: Vec::new(),
            body: Bytes::new(),
            expires_seconds: 60,
            age_seconds: 0,
            credentials: (OWNER_ACCESS_KEY_ID.to_owned(), OWNER_SECRET_ACCESS_KEY.to_owned()),
            region: REGION,
            session_token: None,
            bucket: BUCKET,
            in_header: false,
            unsigned_trailer: false,
        }
    }

    pub(crate) fn put(key: &str, body: impl Into<Bytes>) -> Self {
        Self::new("PUT", key).body(body)
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// A query parameter, which is signed.
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        let separator = if self.query.is_empty() { "" } else { "&" };
        let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
        self.query = format!("{}{separator}{name}={value}", self.query);
        self
    }

    pub(crate) fn signed(mut self, name: &str, value: &str) -> Self {
        self.signed.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn unsigned(mut self, name: &str, value: &str) -> Self {
        self.unsigned.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn expires(mut self, seconds: u64) -> Self {
        self.expires_seconds = seconds;
        self
    }

    /// Signs as if it were so many seconds ago.
    pub(crate) fn age(mut self, seconds: i64) -> Self {
        self.age_seconds = seconds;
        self
    }

    pub(crate) fn access_key(mut self, id: &str, secret: &str) -> Self {
        self.credentials = (id.to_owned(), secret.to_owned());
        self
    }

    pub(crate) fn session_token(mut self, token: &str) -> Self {
        self.session_token = Some(token.to_owned());
        self
    }

    pub(crate) fn bucket(mut self, bucket: &'static str) -> Self {
        self.bucket = bucket;
        self
    }

    pub(crate) fn region(mut self, region: &'static str) -> Self {
        self.region = region;
        self
    }

    /// Signs in the Authorization header instead of the query.
    pub(crate) fn in_header(mut self) -> Self {
        self.in_header = true;
        self
    }

    /// Signs in the header, for a body in `aws-chunked` coding whose checksum follows it.
    pub(crate) fn unsigned_trailer(mut self) -> Self {
        self.unsigned_trailer = true;
        self.in_header()
    }

    /// The signed request.
    pub(crate) fn request(&self, stack: &TestStack) -> Request<Full<Bytes>> {
        self.request_to(&stack.stack.s3_url().replace("http://", ""))
    }

    /// The signed request to S3 at an address.
    pub(crate) fn request_to(&self, host: &str) -> Request<Full<Bytes>> {
        let key = utf8_percent_encode(&self.key, PATH);
        let slash = if self.key.is_empty() { "" } else { "/" };
        let mut uri = format!("http://{host}/{}{slash}{key}", self.bucket);
        if !self.query.is_empty() {
            uri = format!("{uri}?{}", self.query);
        }
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(&uri)
            .header("host", host);
        for (name, value) in &self.signed {
            request = request.header(name, value);
        }
        let mut request = request.body(Full::new(self.body.clone())).expect("a request");
        self.sign(&mut request);
        for (name, value) in &self.unsigned {
            let name: http::HeaderName = name.parse().expect("a name");
            request
                .headers_mut()
                .append(name, value.parse().expect("a value"));
        }
        request
    }

    fn sign(&self, request: &mut Request<Full<Bytes>>) {
        let (id, secret) = &self.credentials;
        let identity = Credentials::new(id, secret, self.session_token.clone(), None, "test").into();
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        if self.in_header {
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        } else {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.expires_in = Some(Duration::from_secs(self.expires_seconds));
        }
        let distance = Duration::from_secs(self.age_seconds.unsigned_abs());
        let now = SystemTime::now();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name("s3")
            .time(if self.age_seconds < 0 {
                now + distance
            } else {
                now - distance
            })
            .settings(settings)
            .build()
            .expect("parameters");
        let headers = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().expect("text")));
        let body = match self.in_header {
            _ if self.unsigned_trailer => SignableBody::StreamingUnsignedPayloadTrailer,
            true => SignableBody::Bytes(&self.body),
            false => SignableBody::UnsignedPayload,
        };
        let signable = SignableRequest::new(
            request.method().as_str(),
            request.uri().to_string(),
            headers,
            body,
        );
        let signed = sign(signable.expect("signable"), &params.into()).expect("signed");
        signed.into_parts().0.apply_to_request_http1x(request);
    }

    pub(crate) async fn send(&self, stack: &TestStack) -> Answer {
        send(self.request(stack)).await
    }
}

/// An answer with its whole body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    /// The text of the first element with this name.
    pub(crate) fn element(&self, name: &str) -> Option<String> {
        let document = roxmltree::Document::parse(self.text()).expect("XML");
        let element = document
            .descendants()
            .find(|node| node.tag_name().name() == name)?;
        Some(element.text().unwrap_or_default().to_owned())
    }

    /// Checks that this is S3's error of a status and a code, with ids in the document and the headers.
    #[track_caller]
    pub(crate) fn is_error(&self, status: u16, code: &str) -> &Self {
        assert_eq!(
            (self.status.as_u16(), self.element("Code").as_deref()),
            (status, Some(code)),
            "{self:?}"
        );
        assert_eq!(
            self.element("RequestId").as_deref(),
            self.header("x-amz-request-id"),
            "{self:?}"
        );
        assert_eq!(
            self.element("HostId").as_deref(),
            self.header("x-amz-id-2"),
            "{self:?}"
        );
        assert_eq!(self.header("content-type"), Some("application/xml"));
        self
    }

    #[track_caller]
    pub(crate) fn has_element(&self, name: &str, text: &str) -> &Self {
        assert_eq!(
            self.element(name).as_deref(),
            Some(text),
            "{name} of {}",
            self.text()
        );
        self
    }

    #[track_caller]
    pub(crate) fn is_success(&self) -> &Self {
        assert!(
            self.status.is_success(),
            "{} {}",
            self.status,
            String::from_utf8_lossy(&self.body)
        );
        self
    }
}

/// Opens a connection for one request, sends it and reads the answer.
pub(crate) async fn send(mut request: Request<Full<Bytes>>) -> Answer {
    let uri = request.uri().clone();
    let stream = connect(&uri).await;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("a handshake");
    let connection = tokio::spawn(connection);
    if !request.headers().contains_key("host") {
        let host = uri
            .authority()
            .expect("an authority")
            .as_str()
            .parse()
            .expect("a host");
        request.headers_mut().insert("host", host);
    }
    *request.uri_mut() = uri
        .path_and_query()
        .expect("a path")
        .as_str()
        .parse()
        .expect("a path");
    let (parts, body) = sender
        .send_request(request)
        .await
        .expect("an answer")
        .into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    drop(sender);
    connection
        .await
        .expect("the connection's task")
        .expect("the connection ends well");
    Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

pub(crate) async fn connect(uri: &Uri) -> TcpStream {
    TcpStream::connect(uri.authority().expect("an authority").as_str())
        .await
        .expect("a connection")
}

/// The head of a request as HTTP/1.1 writes it, for requests that no client would send.
pub(crate) fn head(request: &Request<Full<Bytes>>) -> String {
    let target = request.uri().path_and_query().expect("a path");
    let mut head = format!("{} {target} HTTP/1.1\r\n", request.method());
    for (name, value) in request.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().expect("text")));
    }
    head
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(tokio::time::Instant::now() < deadline, "{what} within 10 seconds");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The SHA-256 of bytes in base64.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Base64::encode_string(&Sha256::checksum(bytes))
}

/// The MD5 of bytes.
pub(crate) fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::checksum(bytes)
}
