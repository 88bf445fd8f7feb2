//! The S3 service that the page uploads to.

use std::{path::Path, time::Duration};

use anyhow::{Result, bail};
use local::{AuthorizerOptions, BUCKET, REGION, Stack, StackOptions};
use s3_conformance::{AnsweredRequest, Swift, SwiftOptions};
use tokio::task::block_in_place;

use crate::{
    environment::word_of,
    fault_proxy::{FaultProxy, ProxyListeners},
    relay::Relay,
};

/// How long Swift waits for the next bytes of a body.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(60);

/// The API, the S3 service that its Lambda signs for, and what is between them and the browser.
pub(crate) struct Storage {
    pub(crate) stack: Stack,
    pub(crate) swift: Option<SwiftService>,
    pub(crate) proxy: Option<FaultProxy>,
}

/// OpenStack Swift, and the relay by which browsers reach it.
pub(crate) struct SwiftService {
    swift: Swift,
    relay: Relay,
}

impl Storage {
    /// Starts the API and the S3 service that is to be tested, for pages of these origins. A fault proxy has the local
    /// S3 behind it.
    pub(crate) async fn start(
        allowed_origins: Vec<String>,
        data: &Path,
        authorizer: Option<AuthorizerOptions>,
        proxy: Option<ProxyListeners>,
    ) -> Result<Self> {
        let is_swift = proxy.is_none() && word_of("SLIPWAY_S3")? == "swift";
        let swift = match is_swift {
            true => Some(SwiftService::start(allowed_origins.clone()).await?),
            false => None,
        };
        let lambda_variables = match (&proxy, &swift) {
            (Some(proxy), _) => vec![("AWS_ENDPOINT_URL_S3".to_owned(), proxy.s3_url()?)],
            (None, Some(service)) => service.lambda_variables(),
            (None, None) => Vec::new(),
        };
        let stack = Stack::start(StackOptions {
            allowed_origins,
            lambda_variables,
            authorizer,
            ..StackOptions::new(data.to_owned())
        })
        .await?;
        let proxy = proxy.map(|proxy| proxy.pass_to(&stack.s3_url(), &stack.api_url()));
        Ok(Self {
            proxy: proxy.transpose()?,
            stack,
            swift,
        })
    }

    /// The API's address.
    pub(crate) fn api_url(&self) -> String {
        match &self.proxy {
            Some(proxy) => proxy.api_url().to_owned(),
            None => self.stack.api_url(),
        }
    }

    /// The address of S3.
    pub(crate) fn url(&self) -> String {
        match (&self.proxy, &self.swift) {
            (Some(proxy), _) => proxy.s3_url().to_owned(),
            (None, Some(service)) => service.relay.url(),
            (None, None) => self.stack.s3_url(),
        }
    }

    /// The requests that S3 has answered, in the order of the answers.
    pub(crate) fn requests(&self) -> Result<Vec<AnsweredRequest>> {
        match &self.swift {
            None => {
                let requests = self.stack.controls().s3_requests().into_iter();
                Ok(requests.map(AnsweredRequest::from).collect())
            }
            Some(service) => service.swift.requests(),
        }
    }

    /// Limits how fast a request's body travels, in bytes per second; `None` ends the limit.
    pub(crate) fn set_bytes_per_second(&self, bytes_per_second: Option<u64>) {
        match &self.swift {
            None => self.stack.controls().set_s3_bytes_per_second(bytes_per_second),
            Some(service) => service.relay.set_bytes_per_second(bytes_per_second),
        }
    }

    /// Kills one of Swift's three object servers.
    ///
    /// # Errors
    /// If S3 is not Swift.
    pub(crate) async fn kill_an_object_server(&mut self) -> Result<()> {
        match &mut self.swift {
            Some(service) => service.swift.kill_an_object_server().await,
            None => bail!("the local S3 has no object servers"),
        }
    }

    /// The address of S3's second endpoint, if it has one.
    pub(crate) fn second_url(&self) -> Option<String> {
        let has_second = self.proxy.is_none() && self.swift.is_none();
        has_second.then(|| self.stack.second_s3_url())
    }
}

impl SwiftService {
    async fn start(allowed_origins: Vec<String>) -> Result<Self> {
        let swift = Swift::start(&SwiftOptions {
            allowed_origins,
            all_answers_allowed: true,
            client_timeout: CLIENT_TIMEOUT,
        })
        .await?;
        let relay = Relay::to(&swift.endpoint().host)?;
        Ok(Self { swift, relay })
    }

    /// What the Lambda has to know of Swift. Its keys have no sessions, and what they sign covers the address
    /// that browsers use.
    fn lambda_variables(&self) -> Vec<(String, String)> {
        let endpoint = self.swift.endpoint();
        let variables = [
            ("AWS_ACCESS_KEY_ID", endpoint.owner.id.clone()),
            ("AWS_SECRET_ACCESS_KEY", endpoint.owner.secret.clone()),
            ("AWS_SESSION_TOKEN", String::new()),
            ("AWS_ENDPOINT_URL_S3", self.relay.url()),
            ("AWS_REGION", REGION.to_owned()),
            ("BUCKET_NAME", BUCKET.to_owned()),
        ];
        variables.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    /// The bytes of all objects.
    pub(crate) fn objects(&self) -> Result<Vec<Vec<u8>>> {
        block_in_place(|| self.swift.endpoint().objects())
    }
}
