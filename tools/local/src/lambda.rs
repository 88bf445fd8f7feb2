//! Running the Lambda: an event in JSON goes in, an answer in JSON comes out.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_credential_types::Credentials;
use backend::{Backend, Settings};
use lambda_api::{Environment, LambdaEnvironment, SettingError};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{
    controls::Controls,
    function_process::{FunctionError, FunctionOptions, FunctionProcess},
};

/// The function, ready for events.
#[derive(Clone)]
pub(crate) enum Lambda {
    /// The handler in this process, whose clock and credentials a test can make wrong.
    Handler(Arc<Backend>),
    /// The program in a process of its own, by the protocol that it will meet on AWS.
    Program(Arc<Program>),
}

/// A program and its process.
pub(crate) struct Program {
    options: FunctionOptions,
    process: Mutex<Arc<FunctionProcess>>,
}

/// Why there is no answer; the log has more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LambdaFailed {
    #[error("the Lambda failed")]
    Failed,
    #[error("the Lambda did not answer in time")]
    TimedOut,
}

impl Lambda {
    /// Starts the handler with these environment variables; of two with one name the last counts.
    pub(crate) fn start(
        variables: &[(String, String)],
        controls: Arc<Controls>,
    ) -> Result<Self, SettingError> {
        let settings = Settings::from_variables(|name| variable(variables, name))?;
        let environment = LocalEnvironment::new(variables, controls);
        let backend = Backend::new(settings, Arc::new(environment));
        Ok(Self::Handler(Arc::new(backend)))
    }

    /// Starts the program with these environment variables.
    pub(crate) async fn start_program(
        program: PathBuf,
        variables: Vec<(String, String)>,
    ) -> Result<Self, FunctionError> {
        let options = FunctionOptions {
            program,
            arguments: Vec::new(),
            folder: None,
            variables,
            output: Arc::new(|line| eprintln!("Lambda {line}")),
        };
        let process = FunctionProcess::start(&options).await?;
        Ok(Self::Program(Arc::new(Program {
            options,
            process: Mutex::new(Arc::new(process)),
        })))
    }

    /// Runs the function once. Both texts are what travels between API Gateway and a Lambda.
    pub(crate) async fn invoke(&self, event: String) -> Result<String, LambdaFailed> {
        match self {
            Self::Handler(backend) => invoke_handler(Arc::clone(backend), event).await,
            Self::Program(program) => program.invoke(event).await,
        }
    }

    /// The id of the program's process.
    pub(crate) async fn process_id(&self) -> Option<u32> {
        match self {
            Self::Handler(_) => None,
            Self::Program(program) => program.process.lock().await.process_id(),
        }
    }
}

async fn invoke_handler(backend: Arc<Backend>, event: String) -> Result<String, LambdaFailed> {
    let request_id = Uuid::new_v4().to_string();
    // A panic of the function ends its own task and no other.
    let answering = tokio::spawn(async move { backend.handle(event.as_bytes(), &request_id) });
    serde_json::to_string(&answering.await.map_err(failed)?).map_err(failed)
}

impl Program {
    async fn invoke(&self, event: String) -> Result<String, LambdaFailed> {
        let process = self.process().await.map_err(failed)?;
        let answer = process.invoke(event).await.map_err(|error| {
            tracing::error!("{error}");
            match error {
                FunctionError::TimedOut => LambdaFailed::TimedOut,
                _ => LambdaFailed::Failed,
            }
        })?;
        String::from_utf8(answer.into()).map_err(failed)
    }

    /// The running process: as on Lambda, a new one if the last has ended.
    async fn process(&self) -> Result<Arc<FunctionProcess>, FunctionError> {
        let mut process = self.process.lock().await;
        if process.has_ended() {
            *process = Arc::new(FunctionProcess::start(&self.options).await?);
        }
        Ok(Arc::clone(&process))
    }
}

fn failed(error: impl std::error::Error) -> LambdaFailed {
    tracing::error!("the Lambda failed: {error}");
    LambdaFailed::Failed
}

/// What the function learns from outside: the role's temporary credentials and the time, with the faults of a
/// test.
pub(crate) struct LocalEnvironment {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    controls: Arc<Controls>,
}

impl LocalEnvironment {
    /// The credentials in these environment variables, as a Lambda has those of its role.
    pub(crate) fn new(variables: &[(String, String)], controls: Arc<Controls>) -> Self {
        let lookup = |name: &str| variable(variables, name);
        Self {
            access_key_id: lookup("AWS_ACCESS_KEY_ID").unwrap_or_default(),
            secret_access_key: lookup("AWS_SECRET_ACCESS_KEY").unwrap_or_default(),
            session_token: lookup("AWS_SESSION_TOKEN").filter(|token| !token.is_empty()),
            controls,
        }
    }
}

/// The value of an environment variable; of two with one name the last counts.
pub(crate) fn variable(variables: &[(String, String)], name: &str) -> Option<String> {
    let mut variables = variables.iter().rev();
    let (_, value) = variables.find(|(variable, _)| variable == name)?;
    Some(value.clone())
}

impl Environment for LocalEnvironment {
    fn now(&self) -> SystemTime {
        let offset = self.controls.state().lambda_clock_offset_seconds;
        let distance = Duration::from_secs(offset.unsigned_abs());
        if offset < 0 {
            SystemTime::now() - distance
        } else {
            SystemTime::now() + distance
        }
    }

    fn credentials(&self) -> Credentials {
        let secret = self.controls.state().lambda_secret_access_key.clone();
        Credentials::new(
            self.access_key_id.clone(),
            secret.unwrap_or_else(|| self.secret_access_key.clone()),
            self.session_token.clone(),
            None,
            "local",
        )
    }

    fn random(&self) -> [u8; 10] {
        LambdaEnvironment.random()
    }

    fn write_metrics(&self, document: &str) {
        tracing::debug!("{document}");
    }
}
