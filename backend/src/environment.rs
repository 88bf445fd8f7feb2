//! What signing takes from the outside: the time, the credentials and chance.

use std::{env, time::SystemTime};

use aws_credential_types::Credentials;
use uuid::Uuid;

/// The outside, as the backend sees it; a test puts fixed values in its place.
pub trait Environment: Send + Sync {
    /// The time to sign for.
    fn now(&self) -> SystemTime;

    /// The credentials to sign with. It is asked for only when something is signed.
    fn credentials(&self) -> Credentials;

    /// A new UUID, which makes a key unique.
    fn new_uuid(&self) -> Uuid;

    /// Takes a request's metrics: one line of JSON in CloudWatch's embedded metric format.
    fn write_metrics(&self, document: &str);
}

/// The environment of a Lambda function: the system's clock, the credentials of the function's role,
/// version 4 UUIDs, and the log, where CloudWatch finds metrics.
///
/// The credentials are `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN` (AWS Lambda
/// Developer Guide, "Defined runtime environment variables"), read at each use, so that a change is seen.
/// Where a variable is missing the credentials are empty, and signing is refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct LambdaEnvironment;

impl Environment for LambdaEnvironment {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn credentials(&self) -> Credentials {
        Credentials::new(
            env::var("AWS_ACCESS_KEY_ID").unwrap_or_default(),
            env::var("AWS_SECRET_ACCESS_KEY").unwrap_or_default(),
            env::var("AWS_SESSION_TOKEN")
                .ok()
                .filter(|token| !token.is_empty()),
            None,
            "LambdaEnvironment",
        )
    }

    fn new_uuid(&self) -> Uuid {
        Uuid::new_v4()
    }

    fn write_metrics(&self, document: &str) {
        // Lambda takes each line of the standard output as an event of the log.
        println!("{document}");
    }
}
