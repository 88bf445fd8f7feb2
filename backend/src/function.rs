//! The function as Lambda runs it: started once, then called with one event after another.

use std::sync::Arc;

use lambda_api::{Environment, ProxyResponse, SettingError, parameter::SettingsParameter, response};
use tokio::sync::OnceCell;
use wire::{ApiError, ErrorCode};

use crate::{handler::Backend, settings::Settings};

/// A [`Backend`] with settings from the environment's variables and, if `SETTINGS_PARAMETER` names one, from a
/// parameter of SSM Parameter Store.
pub struct Function<L> {
    variables: L,
    parameter: Option<SettingsParameter>,
    environment: Arc<dyn Environment>,
    backend: OnceCell<Backend>,
}

impl<L: Fn(&str) -> Option<String>> Function<L> {
    /// Starts the function; `variables` returns a variable's value.
    ///
    /// A parameter is read when the first event is there and not before, because the extension that
    /// reads it can be called only in Lambda's INVOKE phase (AWS Systems Manager User Guide, "Using
    /// Parameter Store parameters in AWS Lambda functions").
    ///
    /// # Errors
    ///
    /// The first setting that is missing or not accepted; with a parameter, the first of the variables
    /// that are set.
    pub fn start(variables: L, environment: Arc<dyn Environment>) -> Result<Self, SettingError> {
        let parameter = SettingsParameter::from_variables(&variables);
        let backend = match &parameter {
            Some(_) => {
                Settings::check_variables(&variables)?;
                OnceCell::new()
            }
            None => {
                let settings = Settings::from_variables(&variables)?;
                OnceCell::new_with(Some(Backend::new(settings, Arc::clone(&environment))))
            }
        };
        Ok(Self {
            variables,
            parameter,
            environment,
            backend,
        })
    }

    /// Answers one event, as [`Backend::handle`] does. If the settings cannot be read, the log says why, the
    /// answer is an `InternalError`, and the next event tries again.
    pub async fn handle(&self, event: &[u8], request_id: &str) -> ProxyResponse {
        match self.backend.get_or_try_init(|| self.load()).await {
            Ok(backend) => backend.handle(event, request_id),
            Err(error) => {
                tracing::error!(request_id, "{error}");
                let message = "the settings cannot be read; the log says why";
                let error = ApiError::new(ErrorCode::InternalError, message);
                response::refusal(error, None).into()
            }
        }
    }

    async fn load(&self) -> Result<Backend, SettingError> {
        let settings = match &self.parameter {
            Some(parameter) => {
                Settings::from_variables_and_parameter(&self.variables, &parameter.read().await?)?
            }
            None => Settings::from_variables(&self.variables)?,
        };
        Ok(Backend::new(settings, Arc::clone(&self.environment)))
    }
}
