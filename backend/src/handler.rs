//! HTTP to the routes and back.

use std::sync::Arc;

use http::{Response, StatusCode, header::ORIGIN};
use lambda_api::{
    Caller, Environment, LinkGrant, ProxyResponse, Request,
    json::read_body,
    response::{self, first_if_all, refusal},
};
use serde_json::json;
use wire::{ApiError, ErrorCode, OperationOutcome, PlanOutcome, SignResponse, UploadsResponse};

use crate::{
    audit::Audit,
    issuer::Issuer,
    links::{make_link, terms},
    manifest::sign_manifest,
    plan::plan,
    presign_get::presign_get,
    settings::Settings,
    sign::sign,
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
    Uploads(By),
    Sign(By),
    Manifests(By),
    /// What the link in the request allows.
    Link,
    Links,
}

/// How a caller shows what they may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// By a sign-in, where there is one.
    Principal,
    /// By an upload link.
    Link,
}

impl Route {
    /// The route of a path without stage and `/api`.
    fn of(path: &str) -> Option<Self> {
        match path {
            "/health" => Some(Self::Health),
            "/presign" => Some(Self::Presign),
            "/uploads" => Some(Self::Uploads(By::Principal)),
            "/sign" => Some(Self::Sign(By::Principal)),
            "/manifests" => Some(Self::Manifests(By::Principal)),
            "/link/uploads" => Some(Self::Uploads(By::Link)),
            "/link/sign" => Some(Self::Sign(By::Link)),
            "/link/manifests" => Some(Self::Manifests(By::Link)),
            "/link" => Some(Self::Link),
            "/links" => Some(Self::Links),
            _ => None,
        }
    }

    /// The methods of the route, the one for a preflight last.
    fn methods(self) -> &'static str {
        match self {
            Self::Health | Self::Presign | Self::Link => "GET, OPTIONS",
            Self::Uploads(_) | Self::Sign(_) | Self::Manifests(_) | Self::Links => "POST, OPTIONS",
        }
    }

    /// Whether it is there only where there are upload links.
    fn needs_links(self) -> bool {
        matches!(
            self,
            Self::Link
                | Self::Links
                | Self::Uploads(By::Link)
                | Self::Sign(By::Link)
                | Self::Manifests(By::Link)
        )
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
        let has_links = self.settings.deployment.links.is_some();
        let route = Route::of(&request.path).filter(|route| has_links || !route.needs_links());
        let Some(route) = route else {
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
        match route {
            Route::Health => Ok(response::json(StatusCode::OK, &json!({"status": "ok"}))),
            Route::Presign => {
                let signed = presign_get(&self.issuer(By::Principal, &request, audit)?, &request.query)?;
                Ok(response::json(StatusCode::OK, &signed))
            }
            Route::Uploads(by) => {
                let issuer = self.issuer(by, &request, audit)?;
                Ok(plans_response(plan(&issuer, read_body(request)?)?))
            }
            Route::Sign(by) => {
                let issuer = self.issuer(by, &request, audit)?;
                Ok(signed_response(sign(&issuer, read_body(request)?)?))
            }
            Route::Manifests(by) => {
                let issuer = self.issuer(by, &request, audit)?;
                let signed = sign_manifest(&issuer, read_body(request)?)?;
                Ok(response::json(StatusCode::OK, &signed))
            }
            Route::Link => {
                let grant = self.grant(&request, audit)?;
                let link = grant.link.clone();
                let issuer = Issuer::for_link(&self.settings, self.environment.as_ref(), audit, grant);
                Ok(response::json(StatusCode::OK, &terms(&issuer, audit, link)))
            }
            Route::Links => {
                let made = make_link(&self.settings, self.environment.as_ref(), audit, request)?;
                Ok(response::json(StatusCode::OK, &made))
            }
        }
    }

    /// An issuer for whoever sent the request.
    fn issuer<'a>(&'a self, by: By, request: &Request, audit: &'a Audit) -> Result<Issuer<'a>, ApiError> {
        let (settings, environment) = (&self.settings, self.environment.as_ref());
        match by {
            By::Principal => Issuer::new(settings, environment, audit),
            By::Link => {
                let grant = self.grant(request, audit)?;
                Ok(Issuer::for_link(settings, environment, audit, grant))
            }
        }
    }

    /// The valid link of the request. One that is not, or no longer, valid is named in the audit too.
    fn grant(&self, request: &Request, audit: &Audit) -> Result<LinkGrant, ApiError> {
        let links = self.settings.deployment.links.as_ref();
        let grant = links.ok_or_else(response::not_found)?.of(request)?;
        audit.set_link(grant.link.jti);
        grant.check(audit.now())?;
        Ok(grant)
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
