//! The whole thing in one program, for any S3: the page, its settings and the API. The API is the signing Lambda's own
//! handler behind the same gateway as in development, and nothing else signs.

mod page;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, ensure};
use aws_credential_types::Credentials;
use backend::Backend;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use lambda_api::{Deployment, Environment, LambdaEnvironment};
use serde_json::{Map, Value, json};
use tokio::time::timeout;
use wire::Endpoint;

use crate::{
    controls::Controls,
    gateway::{Authorizer, AuthorizerOptions, Cors, Functions, Gateway, Guard},
    lambda::Lambda,
    server::{Handler, Server},
};
use page::PageFiles;

/// The directives of the page's policy without `connect-src`, one per line, as they are deployed on AWS.
const DIRECTIVES: &str = include_str!("../../../../infra/content-security-policy.txt");

/// The headers of every answer, as the distribution sets them on AWS (`infra/template.yaml`, `PageHeaders`).
const SECURITY_HEADERS: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

/// Set as well where the service is reached by TLS.
const TRANSPORT_SECURITY: &str = "max-age=63072000; includeSubDomains";

/// How long a call of the API may take, from its head to its answer: as long as API Gateway waits.
const CALL_TIME: Duration = Duration::from_secs(30);

/// How a [`Standalone`] is set up.
#[derive(Clone, Debug)]
pub struct StandaloneOptions {
    /// Where it listens; port 0 lets the system choose one.
    pub listen: SocketAddr,
    /// The origin by which browsers reach it, such as `https://upload.example.com`; `None` if that is where it listens.
    pub url: Option<String>,
    /// The folder of the built page.
    pub page: PathBuf,
    /// The settings of the signing Lambda, by name.
    pub variables: Vec<(String, String)>,
    /// Where users sign in; without it, anybody may upload.
    pub sign_in: Option<SignInOptions>,
}

/// Where users of a [`Standalone`] sign in.
#[derive(Clone, Debug)]
pub struct SignInOptions {
    /// Whose tokens the API asks for.
    pub tokens: AuthorizerOptions,
    /// The page's own id at the issuer.
    pub client_id: String,
}

/// The running service.
#[derive(Debug)]
pub struct Standalone {
    server: Server,
    listen: SocketAddr,
}

impl Standalone {
    /// Starts it.
    ///
    /// # Errors
    /// If a setting is not accepted, the page cannot be read, or the address is taken.
    pub async fn start(options: StandaloneOptions) -> anyhow::Result<Self> {
        let lookup = |name: &str| crate::lambda::variable(&options.variables, name);
        let settings = backend::Settings::from_variables(lookup)?;
        let deployment = Deployment::from_variables(&lookup)?;
        let policy = policy(&deployment, options.sign_in.as_ref());
        let files = PageFiles::read(&options.page)?;
        let config = config(files.config()?, &deployment, options.sign_in.as_ref());
        let gateway = Gateway {
            functions: Functions {
                lambda: Lambda::Handler(Arc::new(Backend::new(settings, Arc::new(ServiceEnvironment)))),
                verdicts: None,
            },
            guard: options.sign_in.map(|sign_in| Guard {
                authorizer: Arc::new(Authorizer::new(sign_in.tokens, Arc::new(Controls::new()))),
                cors: Arc::new(Cors::new(Vec::new())),
            }),
            public_host: options.url.as_deref().map(host_of).transpose()?,
        };
        let is_secure = options.url.is_some_and(|url| url.starts_with("https://"));
        let service = Service {
            gateway,
            files,
            config: Bytes::from(config.to_string()),
            headers: headers(&policy, is_secure)?,
        };
        let server = Server::start_at("Slipway", options.listen, service)
            .await
            .with_context(|| format!("{} cannot be listened on", options.listen))?;
        let listen = SocketAddr::new(options.listen.ip(), server.port());
        Ok(Self { server, listen })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listen
    }

    /// Closes the port, and lets requests in flight end for two seconds.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// The environment of a Lambda function, but for the metrics, of which only CloudWatch can make something.
struct ServiceEnvironment;

impl Environment for ServiceEnvironment {
    fn now(&self) -> SystemTime {
        LambdaEnvironment.now()
    }

    fn credentials(&self) -> Credentials {
        LambdaEnvironment.credentials()
    }

    fn random(&self) -> [u8; 10] {
        LambdaEnvironment.random()
    }

    fn write_metrics(&self, document: &str) {
        tracing::debug!("{document}");
    }
}

struct Service {
    gateway: Gateway,
    files: PageFiles,
    config: Bytes,
    headers: HeaderMap,
}

impl Handler for Service {
    type Body = Full<Bytes>;

    async fn answer(&self, mut request: Request<Incoming>) -> Response<Full<Bytes>> {
        // Who watches the service asks at its root.
        if request.uri().path() == "/health" {
            *request.uri_mut() = Uri::from_static("/api/health");
        }
        let path = request.uri().path();
        let mut response = if path.starts_with("/api/") {
            let answered = timeout(CALL_TIME, self.gateway.answer(request)).await;
            answered.unwrap_or_else(|_| plain(StatusCode::REQUEST_TIMEOUT))
        } else if ![Method::GET, Method::HEAD].contains(request.method()) {
            plain(StatusCode::METHOD_NOT_ALLOWED)
        } else if path == "/config.json" {
            page::response("application/json", "no-cache", self.config.clone())
        } else {
            let file = self.files.answer(path, request.headers());
            file.unwrap_or_else(|| plain(StatusCode::NOT_FOUND))
        };
        response.headers_mut().extend(self.headers.clone());
        response
    }
}

fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

/// The page's settings: those that it was built with, and what this service has.
fn config(mut built: Map<String, Value>, deployment: &Deployment, sign_in: Option<&SignInOptions>) -> Value {
    let has_second = deployment.bucket.object_url_at(Endpoint::Second, "").is_some();
    built.insert("apiUrl".to_owned(), json!("/api"));
    built.insert("secondEndpoint".to_owned(), json!(has_second));
    built.insert("manifests".to_owned(), json!(true));
    // Nothing here looks at what is stored.
    built.remove("verdicts");
    built.remove("signIn");
    if let Some(SignInOptions { tokens, client_id }) = sign_in {
        let scopes = match tokens.scopes.as_slice() {
            [] => json!(["openid"]),
            scopes => json!(scopes),
        };
        let sign_in = json!({"issuer": tokens.issuer, "clientId": client_id, "scopes": scopes});
        built.insert("signIn".to_owned(), sign_in);
    }
    Value::Object(built)
}

/// The page's Content-Security-Policy: connections to nothing but this service, the bucket and the issuer.
fn policy(deployment: &Deployment, sign_in: Option<&SignInOptions>) -> String {
    let endpoints = [Endpoint::First, Endpoint::Second];
    let buckets = endpoints.map(|endpoint| deployment.bucket.object_url_at(endpoint, ""));
    let issuer = sign_in.map(|sign_in| sign_in.tokens.issuer.clone());
    let origins = buckets
        .into_iter()
        .chain([issuer])
        .flatten()
        .map(|url| origin_of(&url));
    let connect = origins.fold("connect-src 'self'".to_owned(), |connect, origin| {
        connect + " " + &origin
    });
    DIRECTIVES
        .lines()
        .chain([connect.as_str()])
        .collect::<Vec<_>>()
        .join("; ")
}

fn headers(policy: &str, is_secure: bool) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_str(policy)?);
    if is_secure {
        let value = HeaderValue::from_static(TRANSPORT_SECURITY);
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    Ok(headers)
}

/// The scheme and the host of a URL.
fn origin_of(url: &str) -> String {
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

/// The host of an origin, with its port.
fn host_of(url: &str) -> anyhow::Result<String> {
    let uri: Uri = url.parse().with_context(|| format!("{url} is not a URL"))?;
    let is_origin =
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.path() == "/" && uri.query().is_none();
    ensure!(
        is_origin,
        "{url} is not an origin such as https://upload.example.com"
    );
    Ok(uri.authority().map(ToString::to_string).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_the_bucket_and_the_issuer_alone() {
        let deployment = Deployment::from_variables(&|name| match name {
            "BUCKET_NAME" => Some("photos".to_owned()),
            "AWS_REGION" => Some("garage".to_owned()),
            "AWS_ENDPOINT_URL_S3" => Some("http://10.0.0.2:3900".to_owned()),
            _ => None,
        });
        let sign_in = SignInOptions {
            tokens: AuthorizerOptions {
                issuer: "https://id.example/realm".to_owned(),
                audiences: Vec::new(),
                scopes: Vec::new(),
            },
            client_id: "page".to_owned(),
        };
        let policy = policy(&deployment.expect("settings"), Some(&sign_in));
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        let connect = "; connect-src 'self' http://10.0.0.2:3900 https://id.example";
        assert!(policy.ends_with(connect), "{policy}");
    }

    #[test]
    fn the_address_for_browsers_is_an_origin() {
        assert_eq!(
            host_of("https://a.example:8443").ok().as_deref(),
            Some("a.example:8443")
        );
        for url in [
            "a.example",
            "ftp://a.example",
            "https://a.example/b",
            "https://a.example/?b",
        ] {
            assert!(host_of(url).is_err(), "{url}");
        }
    }
}
