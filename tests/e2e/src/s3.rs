//! The S3 service that the page uploads to.

use std::{path::Path, time::Duration};

use anyhow::{Result, bail, ensure};
use local::{AuthorizerOptions, BUCKET, REGION, Stack, StackOptions};
use stores::{AnsweredRequest, Swift, SwiftOptions};
use tokio::task::block_in_place;

use crate::{
    environment,
    files::stored_files,
    large_file::{sha256_of, sha256_of_bytes, stored_paths},
    scenario::Scenario,
    slow_path::SlowPath,
};

/// How long Swift waits for the next bytes of a body.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(60);

/// Which S3 service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum S3 {
    /// The local stack's own.
    Local,
    /// OpenStack Swift.
    Swift,
}

impl S3 {
    /// The service of this name.
    ///
    /// # Errors
    /// Where there is none.
    pub(crate) fn named(name: &str) -> Result<Self> {
        match name {
            "local" => Ok(Self::Local),
            "swift" => Ok(Self::Swift),
            _ => bail!("{name:?} is no S3 service of these tests"),
        }
    }
}

/// The API, and the S3 service that its Lambda signs for.
pub(crate) struct Storage {
    pub(crate) stack: Stack,
    pub(crate) swift: Option<Service>,
}

impl Storage {
    /// Starts both for pages of these origins.
    ///
    /// # Errors
    /// Where one does not start.
    pub(crate) async fn start(
        origins: &[&str],
        data: &Path,
        authorizer: Option<AuthorizerOptions>,
    ) -> Result<Self> {
        let allowed_origins: Vec<String> = origins.iter().map(|origin| (*origin).to_owned()).collect();
        let swift = match environment::s3()? {
            S3::Local => None,
            S3::Swift => Some(Service::start(allowed_origins.clone()).await?),
        };
        let stack = Stack::start(StackOptions {
            allowed_origins,
            lambda_variables: swift.as_ref().map(lambda_variables).unwrap_or_default(),
            authorizer,
            ..StackOptions::new(data.to_owned())
        })
        .await?;
        Ok(Self { stack, swift })
    }

    /// Where S3's second endpoint is, if it has one.
    pub(crate) fn second_url(&self) -> Option<String> {
        self.swift.is_none().then(|| self.stack.second_s3_url())
    }

    /// Where S3 is.
    pub(crate) fn url(&self) -> String {
        match &self.swift {
            None => self.stack.s3_url(),
            Some(service) => service.path.url(),
        }
    }
}

/// Swift, and the way to it that browsers take.
pub(crate) struct Service {
    swift: Swift,
    path: SlowPath,
}

impl Service {
    async fn start(allowed_origins: Vec<String>) -> Result<Self> {
        let swift = Swift::start(&SwiftOptions {
            allowed_origins,
            all_answers_allowed: true,
            client_timeout: CLIENT_TIMEOUT,
        })
        .await?;
        let path = SlowPath::to(&swift.endpoint().host)?;
        Ok(Self { swift, path })
    }
}

/// What a Lambda has to be told of Swift. Its keys have no sessions, and what they sign covers the address
/// that browsers use.
fn lambda_variables(service: &Service) -> Vec<(String, String)> {
    let endpoint = service.swift.endpoint();
    let variables = [
        ("AWS_ACCESS_KEY_ID", endpoint.owner.id.clone()),
        ("AWS_SECRET_ACCESS_KEY", endpoint.owner.secret.clone()),
        ("AWS_SESSION_TOKEN", String::new()),
        ("AWS_ENDPOINT_URL_S3", service.path.url()),
        ("AWS_REGION", REGION.to_owned()),
        ("BUCKET_NAME", BUCKET.to_owned()),
    ];
    variables.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

impl Scenario {
    /// The bytes of every object, sorted: as a person finds them on the disk of the local S3, or as Swift
    /// gives them.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn stored_files(&self) -> Result<Vec<Vec<u8>>> {
        let Some(Service { swift, .. }) = &self.storage().swift else {
            return stored_files(&self.data().join(BUCKET));
        };
        let mut objects = block_in_place(|| swift.endpoint().objects())?;
        objects.sort();
        Ok(objects)
    }

    /// Checks that a file is the only object.
    ///
    /// # Errors
    /// Where it is not.
    pub fn check_only_object(&self, path: &Path) -> Result<()> {
        let stored = match &self.storage().swift {
            None => {
                let paths = stored_paths(&self.data().join(BUCKET));
                paths
                    .iter()
                    .map(|path| sha256_of(path))
                    .collect::<Result<Vec<_>>>()?
            }
            Some(Service { swift, .. }) => {
                let objects = block_in_place(|| swift.endpoint().objects())?;
                objects.iter().map(|object| sha256_of_bytes(object)).collect()
            }
        };
        ensure!(stored.len() == 1, "{} objects are stored", stored.len());
        ensure!(stored[0] == sha256_of(path)?, "other bytes arrived");
        Ok(())
    }

    /// The requests that S3 has answered, in the order of the answers.
    ///
    /// # Errors
    /// Where the service does not tell.
    pub fn s3_requests(&self) -> Result<Vec<AnsweredRequest>> {
        match &self.storage().swift {
            None => {
                let requests = self.controls().s3_requests().into_iter();
                Ok(requests.map(AnsweredRequest::from).collect())
            }
            Some(Service { swift, .. }) => swift.requests(),
        }
    }

    /// Limits how fast a request's body travels, in bytes a second; `None` ends the limit.
    pub fn set_bytes_per_second(&self, bytes_per_second: Option<u64>) {
        match &self.storage().swift {
            None => self.controls().set_s3_bytes_per_second(bytes_per_second),
            Some(Service { path, .. }) => path.set_bytes_per_second(bytes_per_second),
        }
    }

    /// Kills one of Swift's three object servers.
    ///
    /// # Errors
    /// Where S3 is not Swift.
    pub async fn kill_an_object_server(&mut self) -> Result<()> {
        match &mut self.storage_mut().swift {
            Some(Service { swift, .. }) => swift.kill_an_object_server().await,
            None => bail!("the local S3 has no object servers"),
        }
    }
}
