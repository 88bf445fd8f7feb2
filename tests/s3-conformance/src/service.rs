//! One of the services.

use anyhow::Result;
use local::{Controls, Stack, StackOptions};
use tempfile::TempDir;

use crate::{
    endpoint::Endpoint,
    swift::{Swift, SwiftOptions},
};

/// A running S3 service.
pub enum Service {
    /// The local stack's S3.
    Local {
        stack: Box<Stack>,
        /// Where its S3 is.
        endpoint: Endpoint,
        /// Where its files are.
        data: TempDir,
    },
    /// OpenStack Swift.
    Swift(Box<Swift>),
}

impl AsRef<Endpoint> for Service {
    fn as_ref(&self) -> &Endpoint {
        self.endpoint()
    }
}

impl Service {
    /// Starts the local stack for pages of this origin.
    pub async fn start_local(origin: &str) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let stack = Stack::start(StackOptions {
            allowed_origins: vec![origin.to_owned()],
            ..StackOptions::new(data.path().to_owned())
        })
        .await?;
        Ok(Self::Local {
            endpoint: Endpoint::of_stack(&stack),
            stack: Box::new(stack),
            data,
        })
    }

    /// Starts Swift.
    pub async fn start_swift(options: &SwiftOptions) -> Result<Self> {
        Ok(Self::Swift(Box::new(Swift::start(options).await?)))
    }

    /// Where it is.
    pub fn endpoint(&self) -> &Endpoint {
        match self {
            Self::Local { endpoint, .. } => endpoint,
            Self::Swift(swift) => swift.endpoint(),
        }
    }

    /// What a test can do to it; only the local one has such switches.
    pub fn controls(&self) -> Option<&Controls> {
        match self {
            Self::Local { stack, .. } => Some(stack.controls()),
            Self::Swift(_) => None,
        }
    }
}
