//! The function: an event of S3 or of the API in, an answer out.

use std::sync::Arc;

use backend::{Environment, ProxyResponse, shared::Request};
use http::header::ORIGIN;
use serde::Serialize;
use thiserror::Error;

use crate::{
    inspect::Inspector,
    notification::{Notification, NotificationError},
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
    /// Nothing: the objects of a notification were looked at.
    Done,
    /// An answer for API Gateway.
    Response(ProxyResponse),
}

/// Why an event has to be delivered again, or looked at by a person.
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
    /// A function with these settings; `environment` gives the time.
    pub fn new(settings: Settings, store: Arc<dyn ObjectStore>, environment: Arc<dyn Environment>) -> Self {
        Self {
            settings,
            store,
            environment,
        }
    }

    /// Handles one event in JSON, which blocks while the store is asked. `request_id` is Lambda's own.
    ///
    /// # Errors
    /// The first object that could not be judged, after all others were. Lambda delivers a notification
    /// again then, and handling an event twice does no harm. Requests of the API always get an answer.
    pub fn handle(&self, event: &[u8], request_id: &str) -> Result<Answer, EventError> {
        match Notification::read(event)? {
            Notification::Test => Ok(Answer::Done),
            Notification::Other => Ok(Answer::Response(self.answer(event, request_id))),
            Notification::Created(created) => {
                let inspector = Inspector {
                    store: self.store.as_ref(),
                    rules: &self.settings.rules,
                    key_prefix: self.settings.backend.key_prefix(),
                    now: self.environment.now(),
                    request_id,
                };
                let own = self.settings.bucket().name();
                let errors = created
                    .iter()
                    .filter(|created| created.bucket == own)
                    .map(|created| {
                        let inspected = inspector.inspect(created);
                        inspected.map_err(|error| EventError::Object {
                            key: created.object.key.clone(),
                            error,
                        })
                    });
                // Every object gets its turn before the first error is told.
                let outcomes: Vec<_> = errors.collect();
                outcomes.into_iter().collect::<Result<(), _>>()?;
                Ok(Answer::Done)
            }
        }
    }

    fn answer(&self, event: &[u8], request_id: &str) -> ProxyResponse {
        let settings = &self.settings.backend;
        let (origin, mut response) = match Request::read(event, request_id) {
            Ok(request) => {
                let origin = request.header(ORIGIN.as_str()).map(str::to_owned);
                let response = verdicts::answer(request, self.store.as_ref(), settings.key_prefix());
                (origin, response)
            }
            Err(error) => (None, backend::shared::refusal(error, None)),
        };
        settings
            .allowed_origins()
            .share(origin.as_deref(), response.headers_mut());
        response.into()
    }
}
