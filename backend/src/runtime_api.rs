//! What the runtime client does not do: telling Lambda that the function could not start (AWS Lambda
//! Developer Guide, "Using the Lambda runtime API for custom runtimes").

use http::{
    Request,
    header::{CONTENT_TYPE, HOST},
};
use serde_json::json;

use crate::local_http;

/// The address of the Runtime API.
const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// The variables without which the runtime client does not run.
const NEEDED: [&str; 4] = [
    RUNTIME_API,
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
];

/// Checks that the program runs in Lambda; `lookup` gives a variable's value.
///
/// # Errors
///
/// A sentence that names the first variable that Lambda would have set.
pub fn check_environment(lookup: impl Fn(&str) -> Option<String>) -> Result<(), String> {
    match NEEDED.iter().find(|name| lookup(name).is_none()) {
        Some(name) => Err(format!("this program runs in AWS Lambda, which sets {name}")),
        None => Ok(()),
    }
}

/// Reports to Lambda that the function cannot start. A report that fails changes nothing: Lambda finds out
/// by the program's end.
pub async fn report_start_failure(message: &str, lookup: impl Fn(&str) -> Option<String>) {
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
