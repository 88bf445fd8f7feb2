//! The development stack on its own: `cargo run -p local`.

use std::{io, path::PathBuf};

use anyhow::Context as _;
use clap::Parser;
use local::{
    AuthorizerOptions, BUCKET, OWNER_ACCESS_KEY_ID, OWNER_SECRET_ACCESS_KEY, REGION, Stack, StackOptions,
};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// An S3 that keeps objects as plain files, and the upload API, on 127.0.0.1.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The port of S3; 0 lets the system choose one.
    #[arg(long, default_value_t = 9000)]
    s3_port: u16,

    /// The port of S3's second endpoint; 0 lets the system choose one.
    #[arg(long, default_value_t = 9002)]
    second_s3_port: u16,

    /// The port of the API; 0 lets the system choose one.
    #[arg(long, default_value_t = 9001)]
    api_port: u16,

    /// The folder that uploaded files are kept in.
    #[arg(long, value_name = "DIR", default_value = "local-data")]
    data: PathBuf,

    /// An origin whose pages may upload, such as http://127.0.0.1:8080; may be given several times.
    #[arg(
        long = "allowed-origin",
        value_name = "ORIGIN",
        default_values = ["http://127.0.0.1:8080", "http://localhost:8080"]
    )]
    allowed_origins: Vec<String>,

    /// The Lambda's program, to be run in a process of its own as Lambda runs it; without it the same
    /// handler runs in this process.
    #[arg(long, value_name = "FILE")]
    lambda: Option<PathBuf>,

    /// An environment variable of the Lambda, besides or instead of those that the stack sets, such as
    /// MAX_UPLOAD_BYTES=1000000 or AWS_ENDPOINT_URL_S3=https://s3.example.com; may be given several times.
    #[arg(long = "lambda-variable", value_name = "NAME=VALUE", value_parser = variable)]
    lambda_variables: Vec<(String, String)>,

    /// The OpenID Connect issuer whose tokens the API asks for, such as https://accounts.example.com;
    /// without it anybody may call.
    #[arg(long, value_name = "URL", requires = "oidc_audiences")]
    oidc_issuer: Option<String>,

    /// An audience (or client id) whose tokens the API takes; may be given several times.
    #[arg(long = "oidc-audience", value_name = "NAME", requires = "oidc_issuer")]
    oidc_audiences: Vec<String>,

    /// A scope of which a token has to have one; may be given several times.
    #[arg(long = "oidc-scope", value_name = "SCOPE", requires = "oidc_issuer")]
    oidc_scopes: Vec<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    log_to_stderr();
    let arguments = Arguments::parse();
    let data = std::path::absolute(&arguments.data).context("the data folder has no absolute path")?;
    let mut terminate = signal(SignalKind::terminate())?;
    let options = StackOptions {
        data: data.clone(),
        s3_port: arguments.s3_port,
        second_s3_port: arguments.second_s3_port,
        api_port: arguments.api_port,
        allowed_origins: arguments.allowed_origins,
        lambda_variables: arguments.lambda_variables,
        authorizer: arguments.oidc_issuer.map(|issuer| AuthorizerOptions {
            issuer,
            audiences: arguments.oidc_audiences,
            scopes: arguments.oidc_scopes,
        }),
    };
    let stack = match arguments.lambda {
        Some(program) => Stack::start_with_program(options, program).await?,
        None => Stack::start(options).await?,
    };
    println!("S3:    {}/{BUCKET} (region {REGION})", stack.s3_url());
    println!("       owner's access key {OWNER_ACCESS_KEY_ID}, secret {OWNER_SECRET_ACCESS_KEY}");
    println!("API:   {}", stack.api_url());
    println!("Files: {}", data.join(BUCKET).display());
    println!("Ctrl-C stops.");
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    stack.stop().await;
    Ok(())
}

/// Reads `NAME=VALUE`.
fn variable(argument: &str) -> Result<(String, String), &'static str> {
    match argument.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("not of the form NAME=VALUE"),
    }
}

/// Logs a line for each request, for each URL that the Lambda issues, and for each verdict. The libraries stay
/// silent: they would log what a signature is made of.
fn log_to_stderr() {
    let own = Targets::new()
        .with_target("local", tracing::Level::INFO)
        .with_target("backend", tracing::Level::INFO)
        .with_target("verdict", tracing::Level::INFO);
    let lines = tracing_subscriber::fmt::layer()
        .with_target(false)
        .with_writer(io::stderr);
    tracing_subscriber::registry().with(lines).with(own).init();
}
