//! The Lambda that signs upload URLs.
//!
//! It only signs: it holds no S3 client, opens no socket and sees no file. A request travels like this:
//!
//! 1. [`Backend::handle`] (`handler`) finds the route, checks the method and the body, and finds out who
//!    calls (`caller`).
//! 2. The route's module (`presign_get`, `plan`, `sign`) reads the JSON (`fields`), checks it, and
//!    decides the object's key (`key`, `safe_name`) and the request to S3 (`s3_request`).
//! 3. The `issuer` signs that request (`presign`) and writes the line of the `audit`, so that no URL
//!    leaves without one.
//! 4. The answer becomes HTTP again (`response`, `cors`).

mod audit;
mod bucket;
mod caller;
mod cors;
mod encoding;
mod environment;
mod fields;
mod handler;
mod issuer;
mod key;
mod media_type;
mod plan;
mod presign;
mod presign_get;
mod response;
mod s3_request;
mod safe_name;
mod settings;
mod sign;

pub use audit::json_log;
pub use environment::{Environment, LambdaEnvironment};
pub use handler::Backend;
pub use settings::{SettingError, Settings};
