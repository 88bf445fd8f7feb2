//! Objects of S3, over HTTP.

use std::{io::Read as _, ops::Range, sync::Arc, time::Duration};

use base64ct::{Base64, Encoding as _};
use http::{Request, Response, StatusCode};
use lambda_api::{Bucket, Environment, percent_encode};
use sha2::{Digest as _, Sha256};
use ureq::{
    Agent, Body,
    tls::{RootCerts, TlsConfig},
};

use crate::{
    object_store::{Description, ObjectStore, ObjectVersion, StoreError, Tags},
    signature::sign,
    tagging,
};

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The most bytes of an answer in XML; ten tags of the greatest length stay well below.
const MAX_XML_BYTES: u64 = 256 * 1024;

/// The objects of one bucket.
pub struct S3Store {
    bucket: Bucket,
    environment: Arc<dyn Environment>,
    agent: Agent,
}

/// One request by its AWS name.
struct Operation<'a> {
    name: &'static str,
    method: &'static str,
    object: &'a ObjectVersion,
    is_tagging: bool,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl<'a> Operation<'a> {
    fn new(name: &'static str, method: &'static str, object: &'a ObjectVersion) -> Self {
        Self {
            name,
            method,
            object,
            is_tagging: false,
            headers: Vec::new(),
            body: String::new(),
        }
    }

    fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    fn failed(&self, reason: impl ToString) -> StoreError {
        StoreError::Failed {
            operation: self.name,
            reason: reason.to_string(),
        }
    }
}

impl S3Store {
    /// The objects of a bucket, reached with the environment's credentials.
    pub fn new(bucket: Bucket, environment: Arc<dyn Environment>) -> Self {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::WebPki)
            .unversioned_rustls_crypto_provider(Arc::new(rustls_graviola::default_provider()));
        let agent = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .tls_config(tls.build());
        Self {
            bucket,
            environment,
            agent: agent.build().into(),
        }
    }

    /// Sends a request; `None` if there is no such object.
    fn send(&self, operation: &Operation<'_>) -> Result<Option<Response<Body>>, StoreError> {
        let request = self
            .request(operation)
            .map_err(|reason| operation.failed(reason))?;
        let sent = if operation.body.is_empty() {
            self.agent.run(request.map(drop))
        } else {
            self.agent.run(request)
        };
        let mut response = sent.map_err(|error| operation.failed(error))?;
        match response.status() {
            status if status.is_success() => Ok(Some(response)),
            // What has the key, or is this version, may be the mark of a deletion.
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Ok(None),
            status => Err(StoreError::Refused {
                operation: operation.name,
                status: status.as_u16(),
                code: error_code(&mut response),
            }),
        }
    }

    fn request(&self, operation: &Operation<'_>) -> Result<Request<String>, String> {
        let mut parameters = Vec::new();
        if operation.is_tagging {
            parameters.push("tagging=".to_owned());
        }
        if let Some(version_id) = &operation.object.version_id {
            parameters.push(format!("versionId={}", percent_encode(version_id)));
        }
        let mut url = self.bucket.object_url(&operation.object.key);
        if !parameters.is_empty() {
            url = format!("{url}?{}", parameters.join("&"));
        }
        let mut request = Request::builder().method(operation.method).uri(url);
        for (name, value) in &operation.headers {
            request = request.header(*name, value);
        }
        let request = request.body(operation.body.clone());
        let mut request = request.map_err(|error| error.to_string())?;
        let credentials = self.environment.credentials();
        sign(
            &mut request,
            self.bucket.region(),
            &credentials,
            self.environment.now(),
        )
        .map_err(|error| error.to_string())?;
        Ok(request)
    }
}

impl ObjectStore for S3Store {
    fn describe(&self, object: &ObjectVersion) -> Result<Option<Description>, StoreError> {
        let operation =
            Operation::new("HeadObject", "HEAD", object).header("x-amz-checksum-mode", "ENABLED".to_owned());
        let Some(response) = self.send(&operation)? else {
            return Ok(None);
        };
        let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let size = header("content-length").and_then(|text| text.parse().ok());
        Ok(Some(Description {
            content_type: header("content-type").unwrap_or_default(),
            content_encoding: header("content-encoding"),
            size: size.ok_or_else(|| operation.failed("the answer has no size"))?,
            etag: header("etag").unwrap_or_default().trim_matches('"').to_owned(),
            sha256: header("x-amz-checksum-sha256"),
        }))
    }

    fn bytes(&self, object: &ObjectVersion, range: Range<u64>) -> Result<Option<Vec<u8>>, StoreError> {
        let count = range.end.saturating_sub(range.start);
        let from_the_beginning = range.start == 0;
        let range = format!("bytes={}-{}", range.start, range.end.saturating_sub(1));
        let operation = Operation::new("GetObject", "GET", object).header("range", range);
        let Some(mut response) = self.send(&operation)? else {
            return Ok(None);
        };
        // A service that knows no ranges sends the whole object, of which the rest is not waited for.
        if response.status() != StatusCode::PARTIAL_CONTENT && !from_the_beginning {
            return Err(operation.failed("the service does not send a part of an object"));
        }
        let mut bytes = Vec::new();
        let mut body = response.body_mut().as_reader().take(count);
        body.read_to_end(&mut bytes)
            .map_err(|error| operation.failed(error))?;
        Ok(Some(bytes))
    }

    fn tags(&self, object: &ObjectVersion) -> Result<Option<Tags>, StoreError> {
        let operation = Operation {
            is_tagging: true,
            ..Operation::new("GetObjectTagging", "GET", object)
        };
        let Some(mut response) = self.send(&operation)? else {
            return Ok(None);
        };
        let xml = read_xml(&mut response).map_err(|error| operation.failed(error))?;
        let tags = tagging::read(&xml).ok_or_else(|| operation.failed("the answer is no list of tags"))?;
        Ok(Some(tags))
    }

    fn set_tags(&self, object: &ObjectVersion, tags: &Tags) -> Result<(), StoreError> {
        let body = tagging::write(tags);
        let checksum = Base64::encode_string(&Sha256::digest(&body));
        let operation = Operation {
            is_tagging: true,
            body,
            ..Operation::new("PutObjectTagging", "PUT", object)
        };
        self.send(&operation.header("x-amz-checksum-sha256", checksum))
            .map(drop)
    }
}

fn read_xml(response: &mut Response<Body>) -> Result<String, ureq::Error> {
    let body = response.body_mut().with_config().limit(MAX_XML_BYTES);
    body.read_to_string()
}

/// The `<Code>` of S3's error document, empty if there is none.
fn error_code(response: &mut Response<Body>) -> String {
    let xml = read_xml(response).unwrap_or_default();
    let document = roxmltree::Document::parse(&xml);
    let code = document.ok().and_then(|document| {
        let code = document.descendants().find(|node| node.has_tag_name("Code"))?;
        code.text().map(str::to_owned)
    });
    code.unwrap_or_default()
}
