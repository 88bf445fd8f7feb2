//! The Lambda function: settings and log in, events through.

use std::{process::ExitCode, sync::Arc};

use lambda_api::{LambdaEnvironment, runtime, variable};
use tokio::task::spawn_blocking;
use verdict::{Function, S3Store, Settings};

/// Lambda sends one event at a time, and most of one is waiting for S3.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let start = || {
        let settings = Settings::from_variables(variable)?;
        let environment = Arc::new(LambdaEnvironment);
        let store = S3Store::new(settings.bucket().clone(), environment.clone());
        Ok(Function::new(settings, Arc::new(store), environment))
    };
    runtime::run(start, |function, event, request_id| async move {
        let handled = spawn_blocking(move || function.handle(event.get().as_bytes(), &request_id));
        Ok(handled.await??)
    })
    .await
}
