//! The Lambda function: settings and log in, requests through.

use std::{convert::Infallible, env, io, process::ExitCode, sync::Arc};

use backend::{Backend, LambdaEnvironment, Settings, json_log};
use lambda_http::{Request, service_fn};

/// One thread is enough: signing is computation only, and Lambda sends one request at a time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), lambda_http::Error> {
    tracing::subscriber::set_global_default(json_log(io::stdout))?;
    let settings = Settings::from_variables(|name| env::var(name).ok())?;
    let backend = Backend::new(settings, Arc::new(LambdaEnvironment));
    lambda_http::run(service_fn(|request: Request| {
        let response = backend.handle(request);
        async { Ok::<_, Infallible>(response) }
    }))
    .await
}
