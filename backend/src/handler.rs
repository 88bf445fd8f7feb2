//! HTTP to the routes and back.

use std::{sync::Arc, time::SystemTime};

use lambda_http::{
    Body, Request, RequestExt, Response,
    http::{
        HeaderValue, Method, StatusCode,
        header::{ALLOW, CONTENT_TYPE, ORIGIN},
    },
    request::RequestContext,
};
use mime::Mime;
use serde_json::json;
use wire::{ApiError, ErrorCode, OperationOutcome, PlanOutcome, SignResponse, UploadsResponse};

use crate::{
    audit,
    caller::Caller,
    cors,
    environment::Environment,
    issuer::Issuer,
    plan::plan,
    presign_get::presign_get,
    response::{self, no_content, refusal},
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

    fn takes(self, method: &Method) -> bool {
        self.methods().split(", ").any(|name| name == method.as_str())
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

    /// Answers a request of an API Gateway HTTP API (payload format 2.0) or of a function URL.
    ///
    /// The path may begin with the stage's name and then with `/api`, as a distribution in front sends
    /// it; both are dropped. Every answer is complete: errors are JSON with a [`wire::ErrorCode`], and
    /// every answer carries the CORS headers that the origin is due. A batch of which nothing could be
    /// done is an error with the first entry's code and status.
    pub fn handle(&self, request: Request) -> Response<Body> {
        let mut response = self.answer(&request);
        self.settings
            .allowed_origins
            .share(request.headers().get(ORIGIN), response.headers_mut());
        response
    }

    fn answer(&self, request: &Request) -> Response<Body> {
        let caller = Caller::of(request);
        let now = self.environment.now();
        let refuse = |error: ApiError| {
            audit::refused(&caller, now, error.code);
            refusal(error, None)
        };
        let Some(route) = Route::of(route_path(request)) else {
            return refuse(ApiError::new(ErrorCode::NotFound, "there is no such path"));
        };
        if !route.takes(request.method()) {
            let message = format!("this path takes {}", route.methods());
            let mut response = refuse(ApiError::new(ErrorCode::MethodNotAllowed, message));
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static(route.methods()));
            return response;
        }
        if request.method() == Method::OPTIONS {
            let mut response = no_content();
            cors::add_preflight_headers(route.methods(), response.headers_mut());
            return response;
        }
        self.follow(route, request, &caller, now).unwrap_or_else(refuse)
    }

    fn follow(
        &self,
        route: Route,
        request: &Request,
        caller: &Caller,
        now: SystemTime,
    ) -> Result<Response<Body>, ApiError> {
        let issuer = || Issuer::new(&self.settings, self.environment.as_ref(), caller, now);
        match route {
            Route::Health => Ok(response::json(StatusCode::OK, &json!({"status": "ok"}))),
            Route::Presign => {
                let signed = presign_get(&issuer()?, request.uri().query().unwrap_or_default())?;
                Ok(response::json(StatusCode::OK, &signed))
            }
            Route::Uploads => Ok(plans_response(plan(&issuer()?, json_body(request)?)?)),
            Route::Sign => Ok(signed_response(sign(&issuer()?, json_body(request)?)?)),
        }
    }
}

/// The path without the stage, which API Gateway puts first unless it is `$default`, and without `/api`.
fn route_path(request: &Request) -> &str {
    let path = request.uri().path();
    let path = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            strip_segment(path, context.stage.as_deref().unwrap_or_default())
        }
        _ => path,
    };
    strip_segment(path, "api")
}

fn strip_segment<'a>(path: &'a str, segment: &str) -> &'a str {
    path.strip_prefix('/')
        .and_then(|rest| rest.strip_prefix(segment))
        .filter(|rest| rest.starts_with('/'))
        .unwrap_or(path)
}

/// The body of a request that must carry JSON.
fn json_body(request: &Request) -> Result<&[u8], ApiError> {
    let body: &[u8] = request.body();
    if body.is_empty() {
        return Err(ApiError::new(ErrorCode::MissingBody, "the request has no body"));
    }
    if body.len() > MAX_BODY_BYTES {
        let message = format!(
            "the body has {} bytes; at most {MAX_BODY_BYTES} are accepted",
            body.len()
        );
        let mut error = ApiError::new(ErrorCode::BodyTooLarge, message);
        error.max_bytes = Some(MAX_BODY_BYTES as u64);
        return Err(error);
    }
    let content_type = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let content_type: Option<Mime> = content_type.and_then(|text| text.parse().ok());
    if content_type.is_none_or(|mime| mime.essence_str() != "application/json") {
        let message = "the body is not declared as application/json";
        return Err(ApiError::new(ErrorCode::UnsupportedMediaType, message));
    }
    Ok(body)
}

/// An answer with at least one plan, or else the first file's error.
fn plans_response(plans: UploadsResponse) -> Response<Body> {
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
fn signed_response(signed: SignResponse) -> Response<Body> {
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
