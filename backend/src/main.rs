//! The Lambda function: settings and log in, events through.

use std::{process::ExitCode, sync::Arc};

use backend::Function;
use lambda_api::{LambdaEnvironment, runtime, variable};

/// One thread is enough: signing is computation only, and Lambda sends one request at a time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    runtime::run(
        || Function::start(variable, Arc::new(LambdaEnvironment)),
        |function, event, request_id| async move {
            Ok(function.handle(event.get().as_bytes(), &request_id).await)
        },
    )
    .await
}
