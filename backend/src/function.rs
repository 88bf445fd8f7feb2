//! The function as Lambda runs it: started once, then given one event after another.

use std::sync::Arc;

use http::StatusCode;
use tokio::sync::OnceCell;
use wire::{ApiError, ErrorBody, ErrorCode};

use crate::{
    environment::Environment,
    handler::Backend,
    response::{self, ProxyResponse},
    settings::{SettingError, Settings},
    settings_parameter::SettingsParameter,
};

/// A [`Backend`] with settings from the environment's variables and, where `SETTINGS_PARAMETER` names
/// one, from a parameter of SSM Parameter Store.
pub struct Function<L> {
    variables: L,
    parameter: Option<SettingsParameter>,
    environment: Arc<dyn Environment>,
    backend: OnceCell<Backend>,
}

impl<L: Fn(&str) -> Option<String>> Function<L> {
    /// Starts the function; `variables` gives a variable's value.
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
        let parameter = Settings::parameter(&variables);
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

    /// Answers one event, as [`Backend::handle`] does. Where the settings cannot be read, the log says
    /// why, the answer is an InternalError, and the next event tries again.
    pub async fn handle(&self, event: &[u8], request_id: &str) -> ProxyResponse {
        match self.backend.get_or_try_init(|| self.load()).await {
            Ok(backend) => backend.handle(event, request_id),
            Err(error) => {
                tracing::error!(request_id, "{error}");
                not_set_up().into()
            }
        }
    }

    async fn load(&self) -> Result<Backend, SettingError> {
        let settings = match &self.parameter {
            Some(parameter) => {
                let given = parameter.read().await.map_err(SettingError::of_parameter)?;
                Settings::from_variables_and_parameter(&self.variables, &given)?
            }
            None => Settings::from_variables(&self.variables)?,
        };
        Ok(Backend::new(settings, Arc::clone(&self.environment)))
    }
}

fn not_set_up() -> http::Response<String> {
    let error = ApiError::new(
        ErrorCode::InternalError,
        "the settings cannot be read; the log says why",
    );
    response::json(
        StatusCode::INTERNAL_SERVER_ERROR,
        &ErrorBody { error, files: None },
    )
}
