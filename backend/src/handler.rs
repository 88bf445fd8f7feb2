//! HTTP to the routes and back.

use std::sync::Arc;

use http::{Response, StatusCode, header::ORIGIN};
use lambda_api::{
    Caller, Environment, ProxyResponse, Request,
    json::read_body,
    response::{self, first_if_all, refusal},
};
use serde_json::json;
use wire::{ApiError, ErrorCode, OperationOutcome, PlanOutcome, SignResponse, UploadsResponse};

use crate::{
    audit::Audit, issuer::Issuer, manifest::sign_manifest, plan::plan, presign_get::presign_get,
    settings::Settings, sign::sign,
};

/// The backend: it answers the requests that API Gateway sends on.
pub struct Backend {
    settings: Settings,
    environment: Arc<dyn Environment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    Health,
    Presign,
    Uploads,
    Sign,
    Manifests,
}

impl Route {
    /// The route of a path without stage and `/api`.
    fn of(path: &str) -> Option<Self> {
        match path {
            "/health" => Some(Self::Health),
            "/presign" => Some(Self::Presign),
            "/uploads" => Some(Self::Uploads),
            "/sign" => Some(Self::Sign),
            "/manifests" => Some(Self::Manifests),
            _ => None,
        }
    }

    /// The methods of the route, the one for a preflight last.
    fn methods(self) -> &'static str {
        match self {
            Self::Health | Self::Presign => "GET, OPTIONS",
            Self::Uploads | Self::Sign | Self::Manifests => "POST, OPTIONS",
        }
    }

    fn takes(self, method: &str) -> bool {
        self.methods().split(", ").any(|name| name == method)
    }
}

impl Backend {
    /// A backend with these settings in this environment.
    pub fn new(settings: Settings, environment: Arc<dyn Environment>) -> Self {
        Self {
            settings,
            environment,
        }
    }

    /// Answers an event of an API Gateway HTTP API (payload format 2.0) or of a function URL, in JSON.
    /// `request_id` is Lambda's own, for the audit of an event that has none.
    ///
    /// The path may begin with the stage's name and then with `/api`, as a distribution in front sends
    /// it; both are dropped. Every answer is complete: errors are JSON with a [`wire::ErrorCode`], also
    /// the one to bytes that are no event, and every answer has the CORS headers that the origin may have. A
    /// batch of which nothing could be done is an error with the first entry's code and status. If something
    /// was issued or refused, the environment receives one document of metrics.
    pub fn handle(&self, event: &[u8], request_id: &str) -> ProxyResponse {
        let now = self.environment.now();
        let (audit, origin, mut response) = match Request::read(event, request_id) {
            Ok(request) => {
                let audit = Audit::new(request.caller.clone(), now);
                let origin = request.header(ORIGIN.as_str()).map(str::to_owned);
                let response = self.answer(request, &audit);
                (audit, origin, response)
            }
            Err(error) => {
                let audit = Audit::new(Caller::unknown(request_id), now);
                let response = refuse(&audit, error);
                (audit, None, response)
            }
        };
        if let Some(document) = audit.metrics(&self.settings.function_name) {
            self.environment.write_metrics(&document);
        }
        let headers = response.headers_mut();
        let origins = &self.settings.deployment.allowed_origins;
        origins.share(origin.as_deref(), headers);
        response.into()
    }

    fn answer(&self, request: Request, audit: &Audit) -> Response<String> {
        let Some(route) = Route::of(&request.path) else {
            return refuse(audit, response::not_found());
        };
        if !route.takes(&request.method) {
            audit.record_refused(ErrorCode::MethodNotAllowed);
            return response::method_not_allowed(route.methods());
        }
        if request.method == "OPTIONS" {
            return response::preflight(route.methods());
        }
        self.follow(route, request, audit)
            .unwrap_or_else(|error| refuse(audit, error))
    }

    fn follow(&self, route: Route, request: Request, audit: &Audit) -> Result<Response<String>, ApiError> {
        self.settings.deployment.check_way(&request)?;
        let issuer = || Issuer::new(&self.settings, self.environment.as_ref(), audit);
        match route {
            Route::Health => Ok(response::json(StatusCode::OK, &json!({"status": "ok"}))),
            Route::Presign => {
                let signed = presign_get(&issuer()?, &request.query)?;
                Ok(response::json(StatusCode::OK, &signed))
            }
            Route::Uploads => Ok(plans_response(plan(&issuer()?, read_body(request)?)?)),
            Route::Sign => Ok(signed_response(sign(&issuer()?, read_body(request)?)?)),
            Route::Manifests => {
                let signed = sign_manifest(&issuer()?, read_body(request)?)?;
                Ok(response::json(StatusCode::OK, &signed))
            }
        }
    }
}

/// Records a refusal of the whole request and answers it.
fn refuse(audit: &Audit, error: ApiError) -> Response<String> {
    audit.record_refused(error.code);
    refusal(error, None)
}

/// An answer with at least one plan, or else the first file's error.
fn plans_response(plans: UploadsResponse) -> Response<String> {
    let errors = plans.files.iter().map(|plan| match &plan.outcome {
        PlanOutcome::Put { .. } | PlanOutcome::Multipart { .. } => None,
        PlanOutcome::Refused(error) => Some(error),
    });
    match first_if_all(errors).cloned() {
        Some(error) => refusal(error, Some(plans.files)),
        None => response::json(StatusCode::OK, &plans),
    }
}

/// An answer with at least one signed request, or else the first operation's error.
fn signed_response(signed: SignResponse) -> Response<String> {
    let errors = signed.requests.iter().map(|outcome| match outcome {
        OperationOutcome::Signed(_) => None,
        OperationOutcome::Error(error) => Some(error),
    });
    match first_if_all(errors).cloned() {
        Some(error) => refusal(error, None),
        None => response::json(StatusCode::OK, &signed),
    }
}
