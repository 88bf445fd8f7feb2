//! What a function takes from the outside: the time, its credentials and chance.

use std::{env, time::SystemTime};

use aws_credential_types::Credentials;

/// The outside, as a function sees it; a test puts fixed values in its place.
pub trait Environment: Send + Sync {
    /// The time, which a signature is made for and the audit names.
    fn now(&self) -> SystemTime;

    /// The credentials to sign with. They are read only when something is signed.
    fn credentials(&self) -> Credentials;

    /// Bytes that nobody can guess, which make the id of a new batch.
    fn random(&self) -> [u8; 10];

    /// Takes the metrics of a request: one line of JSON in CloudWatch's embedded metric format.
    fn write_metrics(&self, document: &str);
}

/// The environment of a Lambda function: the system's clock, the credentials of the function's role,
/// its random bytes, and the log, where CloudWatch finds metrics.
///
/// The credentials are `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN` (AWS Lambda
/// Developer Guide, "Defined runtime environment variables"), read at each use, so that a change is seen.
/// If a variable is missing, the credentials are empty, and signing is refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct LambdaEnvironment;

impl Environment for LambdaEnvironment {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn credentials(&self) -> Credentials {
        Credentials::new(
            variable("AWS_ACCESS_KEY_ID").unwrap_or_default(),
            variable("AWS_SECRET_ACCESS_KEY").unwrap_or_default(),
            variable("AWS_SESSION_TOKEN").filter(|token| !token.is_empty()),
            None,
            "LambdaEnvironment",
        )
    }

    /// # Panics
    ///
    /// If the system has no random bytes, which Linux never reports once it has started (getrandom(2)).
    fn random(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        getrandom::fill(&mut bytes).expect("the system has random bytes");
        bytes
    }

    fn write_metrics(&self, document: &str) {
        // Lambda takes each line of the standard output as an event of the log.
        println!("{document}");
    }
}

/// The value of an environment variable; `None` if it is not set or not UTF-8.
pub fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}
