//! Settings in a parameter of SSM Parameter Store, which the AWS Parameters and Secrets Lambda Extension reads (AWS
//! Systems Manager User Guide, "Using Parameter Store parameters in AWS Lambda functions").

use std::{collections::BTreeMap, time::Duration};

use http::{Request, Response, StatusCode, header::HOST};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;
use tokio::time::{Instant, sleep};

use crate::{
    encoding::percent_encode,
    local_http::{self, HttpError},
    object::JsonObject,
    settings::{SettingError, Variable},
};

const SETTINGS_PARAMETER: Variable = Variable {
    name: "SETTINGS_PARAMETER",
    accepted: "the name of a parameter of SSM Parameter Store whose value is a JSON object of settings",
};

/// The extension's port, unless `PARAMETERS_SECRETS_EXTENSION_HTTP_PORT` names another.
const DEFAULT_PORT: u16 = 2773;

/// How long the extension may take to get ready, and how often it is asked.
const READY_WITHIN: Duration = Duration::from_secs(3);
const READY_INTERVAL: Duration = Duration::from_millis(50);

/// A parameter that holds settings, as the function reaches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsParameter {
    name: String,
    port: u16,
    session_token: String,
}

/// Why a parameter holds no settings. Neither its value nor a token is in the message.
#[derive(Debug, Error)]
enum ParameterFault {
    #[error("names a parameter that the extension did not give: {0}")]
    Http(#[from] HttpError),
    #[error("is no name that can be asked for")]
    Name(#[from] http::Error),
    #[error("names a parameter that the extension refused with status {0}")]
    Refused(StatusCode),
    #[error("names a parameter that the extension was not ready for in {} seconds", READY_WITHIN.as_secs())]
    NotReady,
    #[error("got an answer from the extension that is no parameter")]
    NoParameter,
    #[error("names a parameter whose value is no JSON object")]
    NoObject,
    #[error("names a parameter in which {0:?} is neither text, number nor true or false")]
    NoSetting(String),
}

/// The extension's answer: what GetParameter returns (AWS Systems Manager API Reference).
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Parameter")]
    parameter: JsonObject<Parameter>,
}

#[derive(Deserialize)]
struct Parameter {
    #[serde(rename = "Value")]
    value: String,
}

impl SettingsParameter {
    /// The parameter that the variable `SETTINGS_PARAMETER` names; `None` if it names none.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let name = lookup(SETTINGS_PARAMETER.name).filter(|name| !name.is_empty())?;
        let port = lookup("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT");
        Some(Self {
            name,
            port: port.and_then(|port| port.parse().ok()).unwrap_or(DEFAULT_PORT),
            session_token: lookup("AWS_SESSION_TOKEN").unwrap_or_default(),
        })
    }

    /// Reads the settings: a JSON object of texts, numbers and switches by their names.
    ///
    /// The extension answers only in Lambda's INVOKE phase, that is when the first event is there; it is asked again for
    /// 3 seconds, until it is ready.
    ///
    /// # Errors
    ///
    /// Of the setting `SETTINGS_PARAMETER`: if the extension does not answer or refuses, and if the value is not
    /// such an object.
    pub async fn read(&self) -> Result<BTreeMap<String, String>, SettingError> {
        let settings = self.read_when_ready().await;
        settings.map_err(|fault| SETTINGS_PARAMETER.error(fault.to_string()))
    }

    async fn read_when_ready(&self) -> Result<BTreeMap<String, String>, ParameterFault> {
        let begun = Instant::now();
        loop {
            let response = self.ask().await?;
            if response.status() == StatusCode::OK {
                return read_settings(response.body());
            }
            if !is_not_ready(&response) {
                return Err(ParameterFault::Refused(response.status()));
            }
            if begun.elapsed() > READY_WITHIN {
                return Err(ParameterFault::NotReady);
            }
            sleep(READY_INTERVAL).await;
        }
    }

    async fn ask(&self) -> Result<Response<Vec<u8>>, ParameterFault> {
        let authority = format!("localhost:{}", self.port);
        let name = percent_encode(&self.name);
        let request = Request::get(format!(
            "/systemsmanager/parameters/get?name={name}&withDecryption=true"
        ))
        .header(HOST, &authority)
        .header("x-aws-parameters-secrets-token", &self.session_token)
        .body(String::new())?;
        Ok(local_http::send(&authority, request).await?)
    }
}

/// Checks that a parameter holds no other settings than those that are known.
///
/// # Errors
///
/// Of the setting `SETTINGS_PARAMETER`: the first name that is not known. Its value is not in the message.
pub fn check_names<'a>(
    parameter: &BTreeMap<String, String>,
    known: impl Iterator<Item = &'a Variable> + Clone,
) -> Result<(), SettingError> {
    let unknown = |name: &&String| known.clone().all(|variable| variable.name != name.as_str());
    match parameter.keys().find(unknown) {
        Some(name) => {
            let problem = format!("names a parameter with {name:?}, which is not a setting");
            Err(SETTINGS_PARAMETER.error(problem))
        }
        None => Ok(()),
    }
}

fn is_not_ready(response: &Response<Vec<u8>>) -> bool {
    response.status() == StatusCode::BAD_REQUEST
        && String::from_utf8_lossy(response.body()).contains("not ready")
}

fn read_settings(answer: &[u8]) -> Result<BTreeMap<String, String>, ParameterFault> {
    let JsonObject(answer): JsonObject<Answer> =
        serde_json::from_slice(answer).map_err(|_| ParameterFault::NoParameter)?;
    let settings: BTreeMap<String, Value> =
        serde_json::from_str(&answer.parameter.0.value).map_err(|_| ParameterFault::NoObject)?;
    let settings = settings.into_iter().map(|(name, value)| {
        let text = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(switch) => switch.to_string(),
            _ => return Err(ParameterFault::NoSetting(name)),
        };
        Ok((name, text))
    });
    settings.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(value: &str, expected: Result<&[(&str, &str)], &str>) {
        let answer = json!({"Parameter": {"Name": "/slipway", "Type": "SecureString", "Value": value}});
        let settings = read_settings(answer.to_string().as_bytes()).map_err(|fault| fault.to_string());
        let expected = expected
            .map(|pairs| {
                let pairs = pairs.iter();
                pairs
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect::<BTreeMap<_, _>>()
            })
            .map_err(str::to_owned);
        assert_eq!(settings, expected, "{value}");
    }

    #[test]
    fn settings_are_texts_numbers_and_switches() {
        check(
            r#"{"BUCKET_NAME": "photos", "URL_EXPIRATION_SECONDS": 60, "ALLOW_PLAIN_PRESIGN": false}"#,
            Ok(&[
                ("BUCKET_NAME", "photos"),
                ("URL_EXPIRATION_SECONDS", "60"),
                ("ALLOW_PLAIN_PRESIGN", "false"),
            ]),
        );
    }

    #[test]
    fn a_value_that_is_not_an_object_is_refused_and_not_quoted() {
        let no_object = "names a parameter whose value is no JSON object";
        for value in ["", "secret", "[\"secret\"]"] {
            check(value, Err(no_object));
        }
        check(
            r#"{"BUCKET_NAME": ["secret"]}"#,
            Err("names a parameter in which \"BUCKET_NAME\" is neither text, number nor true or false"),
        );
    }
}
