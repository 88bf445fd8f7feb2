//! HTTP to the routes and back.

use std::sync::Arc;

use http::{
    HeaderValue, Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE, ORIGIN},
};
use mime::Mime;
use serde_json::json;
use wire::{ApiError, ErrorCode, OperationOutcome, PlanOutcome, SignResponse, UploadsResponse};

use crate::{
    audit::Audit,
    caller::Caller,
    cors,
    environment::Environment,
    event::Request,
    issuer::Issuer,
    plan::plan,
    presign_get::presign_get,
    response::{self, ProxyResponse, no_content, refusal},
    settings::Settings,
    sign::sign,
};

/// Longest body in bytes; 100 files with long names stay well below.
const MAX_BODY_BYTES: usize = 1024 * 1024;

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
}

impl Route {
    /// The route of a path without stage and `/api`.
    fn of(path: &str) -> Option<Self> {
        match path {
            "/health" => Some(Self::Health),
            "/presign" => Some(Self::Presign),
            "/uploads" => Some(Self::Uploads),
            "/sign" => Some(Self::Sign),
            _ => None,
        }
    }

    /// The methods of the route, the one for a preflight last.
    fn methods(self) -> &'static str {
        match self {
            Self::Health | Self::Presign => "GET, OPTIONS",
            Self::Uploads | Self::Sign => "POST, OPTIONS",
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
    /// `request_id` is Lambda's own, for the audit of an event without one.
    ///
    /// The path may begin with the stage's name and then with `/api`, as a distribution in front sends
    /// it; both are dropped. Every answer is complete: errors are JSON with a [`wire::ErrorCode`], also
    /// the one to bytes that are no event, and every answer carries the CORS headers that the origin is
    /// due. A batch of which nothing could be done is an error with the first entry's code and status.
    /// Where something was issued or refused, the environment gets one document of metrics.
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
        self.settings.allowed_origins.share(origin.as_deref(), headers);
        response.into()
    }

    fn answer(&self, request: Request, audit: &Audit) -> Response<String> {
        let Some(route) = Route::of(&request.path) else {
            return refuse(audit, ApiError::new(ErrorCode::NotFound, "there is no such path"));
        };
        if !route.takes(&request.method) {
            let message = format!("this path takes {}", route.methods());
            let mut response = refuse(audit, ApiError::new(ErrorCode::MethodNotAllowed, message));
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static(route.methods()));
            return response;
        }
        if request.method == "OPTIONS" {
            let mut response = no_content();
            cors::add_preflight_headers(route.methods(), response.headers_mut());
            return response;
        }
        self.follow(route, request, audit)
            .unwrap_or_else(|error| refuse(audit, error))
    }

    fn follow(&self, route: Route, request: Request, audit: &Audit) -> Result<Response<String>, ApiError> {
        let issuer = || Issuer::new(&self.settings, self.environment.as_ref(), audit);
        match route {
            Route::Health => Ok(response::json(StatusCode::OK, &json!({"status": "ok"}))),
            Route::Presign => {
                let signed = presign_get(&issuer()?, &request.query)?;
                Ok(response::json(StatusCode::OK, &signed))
            }
            Route::Uploads => Ok(plans_response(plan(&issuer()?, &json_body(request)?)?)),
            Route::Sign => Ok(signed_response(sign(&issuer()?, &json_body(request)?)?)),
        }
    }
}

/// Records a refusal of the whole request and answers it.
fn refuse(audit: &Audit, error: ApiError) -> Response<String> {
    audit.refused(error.code);
    refusal(error, None)
}

/// The body of a request that must carry JSON.
///
/// # Errors
///
/// Where there is none, where it is too long, and where it is not declared or encoded as it should be.
pub fn json_body(request: Request) -> Result<Vec<u8>, ApiError> {
    let bytes = request.body_bytes();
    if bytes == 0 {
        return Err(ApiError::new(ErrorCode::MissingBody, "the request has no body"));
    }
    if bytes > MAX_BODY_BYTES {
        let message = format!("the body has {bytes} bytes; at most {MAX_BODY_BYTES} are accepted");
        let mut error = ApiError::new(ErrorCode::BodyTooLarge, message);
        error.max_bytes = Some(MAX_BODY_BYTES as u64);
        return Err(error);
    }
    let content_type = request.header(CONTENT_TYPE.as_str());
    let content_type: Option<Mime> = content_type.and_then(|text| text.parse().ok());
    if content_type.is_none_or(|mime| mime.essence_str() != "application/json") {
        let message = "the body is not declared as application/json";
        return Err(ApiError::new(ErrorCode::UnsupportedMediaType, message));
    }
    request.into_body()
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

/// The first error, if every entry has one.
fn first_if_all<'a>(errors: impl Iterator<Item = Option<&'a ApiError>>) -> Option<&'a ApiError> {
    let errors: Option<Vec<_>> = errors.collect();
    errors?.first().copied()
}
