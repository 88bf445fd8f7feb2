//! How the checks reach the stack: as a visitor does, or through an AWS on this machine.

use std::{env, ffi::OsString, fs, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use ureq::{
    Agent,
    config::IpFamily,
    http::{HeaderMap, HeaderValue, Request},
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
};
use wire::SignedRequest;

use crate::deploy::command_line::Outputs;

/// The variable that names another AWS to the AWS tools, such as MiniStack.
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// The variable that names certificates to the AWS CLI, for networks with a proxy that looks into TLS.
const CERTIFICATES: &str = "AWS_CA_BUNDLE";

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Sends requests.
pub(crate) struct Web {
    agent: Agent,
    emulator: Option<String>,
}

/// An answer, with its body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Web {
    /// Requests to AWS, or to the emulator that the environment names.
    ///
    /// # Errors
    /// If the certificates that the environment names cannot be read.
    pub(super) fn new() -> Result<Self> {
        let tls = TlsConfig::builder()
            .root_certs(root_certificates(env::var_os(CERTIFICATES))?)
            .unversioned_rustls_crypto_provider(Arc::new(rustls_graviola::default_provider()));
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            // So that every server sees the same address of this machine.
            .ip_family(IpFamily::Ipv4Only);
        Ok(Self {
            agent: config.build().into(),
            emulator: env::var(ENDPOINT).ok().filter(|endpoint| !endpoint.is_empty()),
        })
    }

    /// Whether AWS is only imitated.
    pub(super) fn is_emulated(&self) -> bool {
        self.emulator.is_some()
    }

    /// A GET of a file of the page, as its distribution serves it.
    pub(super) fn visit(
        &self,
        outputs: &Outputs,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Answer> {
        let address = output(outputs, "PageAddress")?;
        let mut request = match &self.emulator {
            None => Request::get(format!("{address}/{path}")),
            Some(endpoint) => {
                Request::get(format!("{endpoint}/{path}")).header("host", address.replace("https://", ""))
            }
        };
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Vec::new())?)
    }

    /// The address of the API as the page calls it. MiniStack's distribution does not reach it, so there it is API
    /// Gateway's own.
    pub(super) fn api(&self, outputs: &Outputs) -> Result<String> {
        let Some(endpoint) = &self.emulator else {
            return Ok(format!("{}/api", output(outputs, "PageAddress")?));
        };
        let address = output(outputs, "ApiAddress")?;
        let id = address.trim_start_matches("https://").split('.').next();
        Ok(format!(
            "{endpoint}/_aws/execute-api/{}/api",
            id.unwrap_or_default()
        ))
    }

    /// Sends a signed request, as the page does.
    pub(super) fn send_signed(&self, signed: &SignedRequest, body: &[u8]) -> Result<Answer> {
        let mut request = Request::builder().method(signed.method.as_str()).uri(&signed.url);
        for (name, value) in &signed.headers {
            request = request.header(name, value);
        }
        self.send(request.body(body.to_vec())?)
    }

    /// Sends a request. To an emulator it is sent as by a proxy that terminates TLS.
    pub(super) fn send(&self, mut request: Request<Vec<u8>>) -> Result<Answer> {
        if self.is_emulated() {
            let https = HeaderValue::from_static("https");
            request.headers_mut().insert("x-forwarded-proto", https);
        }
        let mut answer = self.agent.run(request)?;
        Ok(Answer {
            status: answer.status().as_u16(),
            body: answer.body_mut().with_config().limit(u64::MAX).read_to_vec()?,
            headers: answer.headers().clone(),
        })
    }
}

/// The certificates that servers are judged by: Mozilla's, or those in a file.
fn root_certificates(file: Option<OsString>) -> Result<RootCerts> {
    let Some(file) = file.filter(|file| !file.is_empty()) else {
        return Ok(RootCerts::WebPki);
    };
    let path = Path::new(&file);
    let read = || format!("{} of {CERTIFICATES} cannot be read", path.display());
    let text = fs::read(path).with_context(read)?;
    let certificates = parse_pem(&text).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    });
    let certificates = certificates.collect::<Result<Vec<_>, _>>().with_context(read)?;
    ensure!(!certificates.is_empty(), "{} has no certificate", path.display());
    Ok(RootCerts::new_with_certs(&certificates))
}

/// An output of the stack.
pub(super) fn output<'a>(outputs: &'a Outputs, name: &str) -> Result<&'a str> {
    let value = outputs.get(name).map(String::as_str);
    value.with_context(|| format!("the stack has no output {name}"))
}

impl Answer {
    /// A header, or an empty text.
    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The status with the code of S3's error, if the body has one: `412 PreconditionFailed`.
    pub(super) fn summary(&self) -> String {
        match self.element("Code") {
            Ok(code) => format!("{} {code}", self.status),
            Err(_) => self.status.to_string(),
        }
    }

    /// The text of the first XML element with this name.
    pub(super) fn element(&self, name: &str) -> Result<String> {
        let text = self.text();
        let document = roxmltree::Document::parse(&text)
            .ok()
            .context("the answer is not XML")?;
        let mut elements = document.descendants().filter(|node| node.has_tag_name(name));
        let element = elements.next().and_then(|node| node.text());
        Ok(element
            .with_context(|| format!("the answer has no {name}"))?
            .to_owned())
    }

    /// The answer itself, if it has this status.
    pub(super) fn expect(self, status: u16) -> Result<Self> {
        ensure!(self.status == status, "the answer is {}", self.summary());
        Ok(self)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An answer, as a server could give it.
    pub(crate) fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Answer {
        let pairs = headers.iter().map(|(name, value)| {
            let name = name.parse().expect("a name");
            (name, HeaderValue::from_static(value))
        });
        Answer {
            status,
            headers: pairs.collect(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn an_error_of_s3_is_named_by_its_code() {
        let error = "<Error><Code>PreconditionFailed</Code><Message>m</Message></Error>";
        assert_eq!(answer(412, &[], error).summary(), "412 PreconditionFailed");
        assert_eq!(answer(403, &[], "Forbidden").summary(), "403");
        let refused = answer(412, &[], error).expect(200).err().expect("another status");
        assert_eq!(refused.to_string(), "the answer is 412 PreconditionFailed");
    }

    #[test]
    fn certificates_that_cannot_be_read_are_named() {
        for none in [None, Some(OsString::new())] {
            assert!(matches!(root_certificates(none), Ok(RootCerts::WebPki)));
        }
        for file in [
            "/nowhere/ca.pem",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        ] {
            let error = root_certificates(Some(file.into())).expect_err(file);
            assert!(error.to_string().contains(file), "{error}");
        }
    }

    #[test]
    fn an_element_is_found_in_any_namespace() {
        let xml = r#"<A xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><UploadId>7</UploadId></A>"#;
        assert_eq!(answer(200, &[], xml).element("UploadId").expect("an id"), "7");
    }
}
