//! The Lambda that signs upload URLs.
//!
//! It only signs: it holds no S3 client and sees no file, and opens no socket but to the Lambda service
//! and its extensions inside the execution environment. [`Function`] gives it its settings (`settings`,
//! `settings_parameter`). A request travels like this:
//!
//! 1. [`Backend::handle`] (`handler`) reads the event (`event`) with its caller (`caller`), finds the
//!    route, and checks the method and the body.
//! 2. The route's module (`presign_get`, `plan`, `sign`) reads the JSON (`fields`), checks it, and
//!    decides the object's key (`key`, `safe_name`) and the request to S3 (`s3_request`).
//! 3. The `issuer` signs that request (`presign`) and writes the line of the `audit`, so that no URL
//!    leaves without one and without being counted (`metrics`).
//! 4. The answer becomes one that API Gateway takes (`response`, `cors`).

mod audit;
mod bucket;
mod caller;
mod cors;
mod encoding;
mod environment;
mod event;
mod fields;
mod function;
mod handler;
mod issuer;
mod json_object;
mod key;
mod local_http;
mod media_type;
mod metrics;
mod plan;
mod presign;
mod presign_get;
mod response;
mod runtime_api;
mod s3_request;
mod safe_name;
mod settings;
mod settings_parameter;
mod sign;
mod storage_options;

pub use audit::json_log;
pub use environment::{Environment, LambdaEnvironment};
pub use function::Function;
pub use handler::Backend;
pub use response::ProxyResponse;
pub use runtime_api::{check_environment, report_start_failure};
pub use settings::{SettingError, Settings};

/// What a second function shares with this one: it answers on the same API, for the same bucket.
pub mod shared {
    pub use crate::{
        audit::timestamp,
        bucket::Bucket,
        caller::{Caller, Principal},
        cors::{AllowedOrigins, add_preflight_headers},
        encoding::percent_encode,
        event::Request,
        fields::Fields,
        handler::json_body,
        key::folder,
        media_type::{AllowedTypes, MediaType},
        response::{json, no_content, refusal},
        settings::Variable,
    };
}
