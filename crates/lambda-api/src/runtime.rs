//! Starting a function, and what the runtime client does not do: reporting to Lambda that the function could not start
//! (AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes").

use std::{error::Error, io, process::ExitCode, sync::Arc};

use http::{
    Request,
    header::{CONTENT_TYPE, HOST},
};
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use serde::Serialize;
use serde_json::{json, value::RawValue};

use crate::{environment::variable, local_http, log::json_log, settings::SettingError};

/// An event in JSON, as Lambda received it.
pub type Event = Box<RawValue>;

/// Why an event failed: Lambda logs it, and delivers an asynchronous event again.
pub type Failure = Box<dyn Error + Send + Sync>;

/// The address of the Runtime API.
const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// The variables without which the runtime client does not run.
const NEEDED: [&str; 4] = [
    RUNTIME_API,
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
];

/// Runs a function for as long as Lambda has events for it, with its log on the standard output.
///
/// `start` makes the function; `handle` gets it, one event after another, and the event's request id. A bad setting is
/// reported to Lambda before the program ends. What `handle` returns as an error fails that event alone, and so does a
/// panic.
pub async fn run<F, Answering, Answer>(
    start: impl FnOnce() -> Result<F, SettingError>,
    handle: impl Fn(Arc<F>, Event, String) -> Answering,
) -> ExitCode
where
    Answering: Future<Output = Result<Answer, Failure>>,
    Answer: Serialize,
{
    match start_and_run(start, handle).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn start_and_run<F, Answering, Answer>(
    start: impl FnOnce() -> Result<F, SettingError>,
    handle: impl Fn(Arc<F>, Event, String) -> Answering,
) -> Result<(), Failure>
where
    Answering: Future<Output = Result<Answer, Failure>>,
    Answer: Serialize,
{
    tracing::subscriber::set_global_default(json_log(io::stdout))?;
    check_environment(variable)?;
    let function = match start() {
        Ok(function) => Arc::new(function),
        Err(error) => {
            report_start_failure(&error.to_string(), variable).await;
            return Err(error.into());
        }
    };
    let handler = service_fn(|event: LambdaEvent<Event>| {
        let LambdaEvent { payload, context } = event;
        handle(Arc::clone(&function), payload, context.request_id)
    });
    Runtime::new(handler).run().await
}

/// Checks that the program runs in Lambda, or names the first variable that Lambda would have set.
fn check_environment(lookup: impl Fn(&str) -> Option<String>) -> Result<(), String> {
    match NEEDED.iter().find(|name| lookup(name).is_none()) {
        Some(name) => Err(format!("this program runs in AWS Lambda, which sets {name}")),
        None => Ok(()),
    }
}

/// Reports to Lambda that the function cannot start. A report that fails changes nothing: Lambda notices that the
/// program has ended.
async fn report_start_failure(message: &str, lookup: impl Fn(&str) -> Option<String>) {
    let Some(authority) = lookup(RUNTIME_API) else {
        return;
    };
    let error_type = "Runtime.InitError";
    let body = json!({"errorMessage": message, "errorType": error_type, "stackTrace": []});
    let request = Request::post("/2018-06-01/runtime/init/error")
        .header(HOST, &authority)
        .header(CONTENT_TYPE, "application/json")
        .header("lambda-runtime-function-error-type", error_type)
        .body(body.to_string());
    if let Ok(request) = request
        && let Err(error) = local_http::send(&authority, request).await
    {
        tracing::warn!("the failure could not be reported to Lambda: {error}");
    }
}
