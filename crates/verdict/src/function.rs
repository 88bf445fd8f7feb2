//! The function: an event of S3 or of the API in, an answer out.

use std::sync::Arc;

use http::header::ORIGIN;
use lambda_api::{Environment, ProxyResponse, Request, response::refusal};
use serde::Serialize;
use thiserror::Error;

use crate::{
    inspect::Inspector,
    notification::{Created, Notification, NotificationError},
    object_store::{ObjectStore, StoreError},
    settings::Settings,
    verdicts,
};

/// The function, ready for events.
pub struct Function {
    settings: Settings,
    store: Arc<dyn ObjectStore>,
    environment: Arc<dyn Environment>,
}

/// What the function answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// Nothing: the objects of a notification were scanned.
    Done,
    /// An answer for API Gateway.
    Response(ProxyResponse),
}

/// Why an event has to be delivered again, or looked into by an operator.
#[derive(Debug, Error)]
pub enum EventError {
    /// It cannot be read.
    #[error(transparent)]
    Notification(#[from] NotificationError),
    /// An object could not be judged.
    #[error("{key}: {error}")]
    Object {
        /// The object's key.
        key: String,
        /// Why.
        error: StoreError,
    },
}

impl Function {
    /// A function with these settings; `environment` has the time.
    pub fn new(settings: Settings, store: Arc<dyn ObjectStore>, environment: Arc<dyn Environment>) -> Self {
        Self {
            settings,
            store,
            environment,
        }
    }

    /// Handles one event in JSON. It blocks while it waits for the store. `request_id` is Lambda's own.
    ///
    /// # Errors
    ///
    /// The first object that could not be judged, after all others were. Lambda then delivers the notification
    /// again, and handling an event twice does no harm. Requests of the API always get an answer.
    pub fn handle(&self, event: &[u8], request_id: &str) -> Result<Answer, EventError> {
        match Notification::read(event)? {
            Notification::Test => Ok(Answer::Done),
            Notification::Other => Ok(Answer::Response(self.answer(event, request_id))),
            Notification::Created(created) => {
                self.inspect(&created, request_id)?;
                Ok(Answer::Done)
            }
        }
    }

    /// Scans every object of the own bucket before it returns the first error.
    fn inspect(&self, created: &[Created], request_id: &str) -> Result<(), EventError> {
        let deployment = &self.settings.deployment;
        let inspector = Inspector {
            store: self.store.as_ref(),
            rules: &self.settings.rules,
            key_prefix: &deployment.key_prefix,
            now: self.environment.now(),
            request_id,
        };
        let own = created
            .iter()
            .filter(|created| created.bucket == deployment.bucket.name());
        let outcomes: Vec<_> = own
            .map(|created| {
                let inspected = inspector.inspect(created);
                inspected.map_err(|error| EventError::Object {
                    key: created.object.key.clone(),
                    error,
                })
            })
            .collect();
        outcomes.into_iter().collect()
    }

    fn answer(&self, event: &[u8], request_id: &str) -> ProxyResponse {
        let deployment = &self.settings.deployment;
        let (origin, mut response) = match Request::read(event, request_id) {
            Ok(request) => {
                let origin = request.header(ORIGIN.as_str()).map(str::to_owned);
                let now = self.environment.now();
                let response = verdicts::answer(request, self.store.as_ref(), deployment, now);
                (origin, response)
            }
            Err(error) => (None, refusal(error, None)),
        };
        deployment
            .allowed_origins
            .share(origin.as_deref(), response.headers_mut());
        response.into()
    }
}
