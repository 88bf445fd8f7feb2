//! Slipway without AWS Lambda: the page and its API in one program, for any S3.

use std::{io, net::SocketAddr, path::PathBuf};

use clap::Parser;
use local::{AuthorizerOptions, SignInOptions, Standalone, StandaloneOptions};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// The upload page and its API for any S3. The credentials are AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, if there
/// is one, AWS_SESSION_TOKEN. Every setting of the signing Lambda (docs/settings.md) is an environment variable here
/// too.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The S3 service, such as https://s3.example.com; Amazon S3 without it [environment: AWS_ENDPOINT_URL_S3].
    #[arg(long, value_name = "URL")]
    s3: Option<String>,

    /// The bucket [environment: BUCKET_NAME].
    #[arg(long, value_name = "NAME")]
    bucket: Option<String>,

    /// The bucket's region [environment: AWS_REGION].
    #[arg(long, value_name = "NAME")]
    region: Option<String>,

    /// The folder of the built page: `cargo xtask dist page` makes it.
    #[arg(long, value_name = "DIR")]
    page: PathBuf,

    /// Where to listen.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// The origin by which browsers reach it if that is not where it listens, such as https://upload.example.com. Calls
    /// under any other name are refused.
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// The OpenID Connect issuer at which users sign in; without it anybody may upload.
    #[arg(
        long,
        value_name = "URL",
        requires = "oidc_audiences",
        requires = "oidc_client_id"
    )]
    oidc_issuer: Option<String>,

    /// The page's client id at the issuer.
    #[arg(long, value_name = "ID", requires = "oidc_issuer")]
    oidc_client_id: Option<String>,

    /// An audience (or client id) whose tokens are taken; may be given several times.
    #[arg(long = "oidc-audience", value_name = "NAME", requires = "oidc_issuer")]
    oidc_audiences: Vec<String>,

    /// A scope of which a token has to have one; may be given several times.
    #[arg(long = "oidc-scope", value_name = "SCOPE", requires = "oidc_issuer")]
    oidc_scopes: Vec<String>,
}

impl Arguments {
    fn options(self) -> StandaloneOptions {
        let tokens = self.oidc_issuer.map(|issuer| AuthorizerOptions {
            issuer,
            audiences: self.oidc_audiences,
            scopes: self.oidc_scopes,
        });
        let given = [
            ("AWS_ENDPOINT_URL_S3", self.s3),
            ("BUCKET_NAME", self.bucket),
            ("AWS_REGION_NAME", self.region),
        ];
        // Of two values of one name the last counts.
        let given = given
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        StandaloneOptions {
            listen: self.listen,
            url: self.url,
            page: self.page,
            variables: std::env::vars().chain(given).collect(),
            sign_in: tokens
                .zip(self.oidc_client_id)
                .map(|(tokens, client_id)| SignInOptions { tokens, client_id }),
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    log_to_stderr();
    let mut terminate = signal(SignalKind::terminate())?;
    let service = Standalone::start(Arguments::parse().options()).await?;
    println!("Slipway listens on http://{}", service.address());
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    service.stop().await;
    Ok(())
}

/// Logs a line for each request and for each URL that is issued. The libraries stay silent: they would log what a
/// signature is made of.
fn log_to_stderr() {
    let own = Targets::new()
        .with_target("local", tracing::Level::INFO)
        .with_target("backend", tracing::Level::INFO);
    let lines = tracing_subscriber::fmt::layer()
        .with_target(false)
        .with_writer(io::stderr);
    tracing_subscriber::registry().with(lines).with(own).init();
}
