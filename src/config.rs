//! The page's settings, from `config.json` at run time, so that one build serves every stage.

use std::{fmt, time::Duration};

use serde::Deserialize;

use crate::sign_in::SignInConfig;

/// `config.json`. Only `apiUrl` is needed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Where the Lambda's API is: an absolute URL, or a path on the page's own origin.
    pub api_url: String,
    /// Most S3 requests under way at once; 1 to 32, and 6 where it is not set.
    #[serde(default)]
    parallel_requests: Option<u8>,
    /// Failures in a row after which a file is given up; 1 to 100, and 8 where it is not set.
    #[serde(default)]
    max_attempts: Option<u8>,
    /// The first wait after a failure, in milliseconds; each further one is twice as long.
    #[serde(default)]
    backoff_milliseconds: Option<u32>,
    /// Seconds without progress after which a request is sent again; at least 1, and 30 where it is
    /// not set.
    #[serde(default)]
    stall_seconds: Option<u32>,
    /// Where people sign in; nobody has to where it is not set.
    #[serde(default)]
    pub sign_in: Option<SignInConfig>,
}

/// Why there are no settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// `config.json` could not be fetched.
    Unreachable,
    /// The server answered with this status.
    Status(u16),
    /// It is not what it should be; the text names the line and the field.
    Invalid(String),
}

impl Config {
    /// Reads `config.json`.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] names what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self =
            serde_json::from_str(text).map_err(|error| ConfigError::Invalid(error.to_string()))?;
        config.check().map_err(ConfigError::Invalid)?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let is_address = ["https://", "http://", "/"]
            .iter()
            .any(|start| self.api_url.starts_with(start));
        if !is_address {
            return Err("apiUrl has to begin with https://, http:// or /".to_owned());
        }
        let in_range = |name: &str, value: Option<u32>, least: u32, most: u32| match value {
            Some(value) if !(least..=most).contains(&value) => {
                Err(format!("{name} has to be from {least} to {most}"))
            }
            _ => Ok(()),
        };
        in_range("parallelRequests", self.parallel_requests.map(u32::from), 1, 32)?;
        in_range("maxAttempts", self.max_attempts.map(u32::from), 1, 100)?;
        in_range("backoffMilliseconds", self.backoff_milliseconds, 1, 60_000)?;
        in_range("stallSeconds", self.stall_seconds, 1, 3600)?;
        self.sign_in.as_ref().map_or(Ok(()), SignInConfig::check)
    }

    /// The engine's settings: those given, and the design's for the rest.
    pub fn engine_settings(&self) -> engine::Settings {
        let mut settings = engine::Settings::default();
        if let Some(requests) = self.parallel_requests {
            settings.parallel_requests = requests.into();
        }
        if let Some(attempts) = self.max_attempts {
            settings.max_attempts = attempts.into();
        }
        if let Some(milliseconds) = self.backoff_milliseconds {
            settings.backoff_base = Duration::from_millis(milliseconds.into());
        }
        if let Some(seconds) = self.stall_seconds {
            settings.stall = Duration::from_secs(seconds.into());
        }
        settings
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => formatter.write_str("config.json could not be fetched"),
            Self::Status(status) => write!(formatter, "config.json: the server answered {status}"),
            Self::Invalid(reason) => write!(formatter, "config.json: {reason}"),
        }
    }
}

impl std::error::Error for ConfigError {}
