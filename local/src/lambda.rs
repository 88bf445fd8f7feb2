//! The Lambda as its service runs it: an event in JSON in, an answer in JSON out.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_credential_types::Credentials;
use backend::{Backend, Environment, SettingError, Settings};
use lambda_http::{Adapter, Context, LambdaEvent, Request, Service as _, request::LambdaRequest, service_fn};
use uuid::Uuid;

use crate::{
    controls::Controls,
    s3::{ROLE_ACCESS_KEY_ID, ROLE_SECRET_ACCESS_KEY, ROLE_SESSION_TOKEN},
};

/// The function, ready for events.
#[derive(Clone)]
pub(crate) struct Lambda(Arc<Backend>);

/// The function has failed; why is in the log.
#[derive(Debug, thiserror::Error)]
#[error("the Lambda failed")]
pub(crate) struct LambdaFailed;

impl Lambda {
    /// Starts the function with these environment variables; of two with one name the last counts.
    pub(crate) fn start(
        variables: &[(String, String)],
        controls: Arc<Controls>,
    ) -> Result<Self, SettingError> {
        let settings = Settings::from_variables(|name| {
            let found = variables.iter().rev().find(|(variable, _)| variable == name);
            found.map(|(_, value)| value.clone())
        })?;
        let environment = LocalEnvironment { controls };
        Ok(Self(Arc::new(Backend::new(settings, Arc::new(environment)))))
    }

    /// Runs the function once. Both texts are what travels between API Gateway and a Lambda.
    ///
    /// # Errors
    /// When the event is none of API Gateway's, or the function panics.
    pub(crate) async fn invoke(&self, event: &str) -> Result<String, LambdaFailed> {
        let payload: LambdaRequest = serde_json::from_str(event).map_err(failed)?;
        let backend = Arc::clone(&self.0);
        let mut handler = Adapter::from(service_fn(move |request: Request| {
            let backend = Arc::clone(&backend);
            async move { Ok::<_, Infallible>(backend.handle(request)) }
        }));
        let answering = handler.call(LambdaEvent::new(payload, Context::default()));
        // A panic of the function ends its own task and no other.
        let Ok(response) = tokio::spawn(answering).await.map_err(failed)?;
        serde_json::to_string(&response).map_err(failed)
    }
}

fn failed(error: impl std::error::Error) -> LambdaFailed {
    tracing::error!("the Lambda failed: {error}");
    LambdaFailed
}

/// What the function sees of the world: the role's temporary credentials, and the faults of a test.
struct LocalEnvironment {
    controls: Arc<Controls>,
}

impl Environment for LocalEnvironment {
    fn now(&self) -> SystemTime {
        let offset = self.controls.lambda_clock_offset_seconds();
        let distance = Duration::from_secs(offset.unsigned_abs());
        if offset < 0 {
            SystemTime::now() - distance
        } else {
            SystemTime::now() + distance
        }
    }

    fn credentials(&self) -> Credentials {
        let secret = self.controls.lambda_secret_access_key();
        Credentials::new(
            ROLE_ACCESS_KEY_ID,
            secret.unwrap_or_else(|| ROLE_SECRET_ACCESS_KEY.to_owned()),
            Some(ROLE_SESSION_TOKEN.to_owned()),
            None,
            "local",
        )
    }

    fn new_uuid(&self) -> Uuid {
        Uuid::new_v4()
    }
}
