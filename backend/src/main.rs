//! The Lambda function: settings and log in, events through.

use std::{convert::Infallible, env, io, process::ExitCode, sync::Arc};

use backend::{Function, LambdaEnvironment, check_environment, json_log, report_start_failure};
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use serde_json::value::RawValue;

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

async fn run() -> Result<(), lambda_runtime::Error> {
    tracing::subscriber::set_global_default(json_log(io::stdout))?;
    check_environment(variable)?;
    let function = match Function::start(variable, Arc::new(LambdaEnvironment)) {
        Ok(function) => Arc::new(function),
        Err(error) => {
            report_start_failure(&error.to_string(), variable).await;
            return Err(error.into());
        }
    };
    let handler = service_fn(|event: LambdaEvent<Box<RawValue>>| {
        let function = Arc::clone(&function);
        async move {
            let LambdaEvent { payload, context } = event;
            let answer = function.handle(payload.get().as_bytes(), &context.request_id);
            Ok::<_, Infallible>(answer.await)
        }
    });
    Runtime::new(handler).run().await
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}
