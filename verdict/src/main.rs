//! The Lambda function: settings and log in, events through.

use std::{env, io, process::ExitCode, sync::Arc};

use backend::{LambdaEnvironment, check_environment, json_log, report_start_failure};
use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};
use serde_json::value::RawValue;
use tokio::task::spawn_blocking;
use verdict::{Function, S3Store, Settings};

/// Lambda sends one event at a time, and most of one is waiting for S3.
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

async fn run() -> Result<(), Error> {
    tracing::subscriber::set_global_default(json_log(io::stdout))?;
    check_environment(variable)?;
    let settings = match Settings::from_variables(variable) {
        Ok(settings) => settings,
        Err(error) => {
            report_start_failure(&error.to_string(), variable).await;
            return Err(error.into());
        }
    };
    let environment = Arc::new(LambdaEnvironment);
    let store = S3Store::new(settings.bucket().clone(), environment.clone());
    let function = Arc::new(Function::new(settings, Arc::new(store), environment));
    let handler = service_fn(|event: LambdaEvent<Box<RawValue>>| {
        let function = Arc::clone(&function);
        async move {
            let LambdaEvent { payload, context } = event;
            let handled =
                spawn_blocking(move || function.handle(payload.get().as_bytes(), &context.request_id));
            Ok::<_, Error>(handled.await??)
        }
    });
    Runtime::new(handler).run().await
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}
