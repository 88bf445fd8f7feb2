//! What the Lambdas of a deployment share: everything between AWS and their own work.
//!
//! Two functions answer on one HTTP API, for one bucket: `backend` signs uploads, `verdict` scans what was stored. Both
//! are built from the pieces here, in this order:
//!
//! 1. [`runtime::run`] starts the log and the function, and hands it one event after another (AWS Lambda Developer
//!    Guide, "Using the Lambda runtime API for custom runtimes"). A function that cannot start says why.
//! 2. [`settings`] reads environment variables, each with a name, what it takes, and an error that has both; and
//!    [`parameter`] the same settings from SSM Parameter Store. [`Deployment`] has those that both functions are given.
//! 3. [`Request::read`] reads an event of payload format 2.0, with its [`Caller`].
//! 4. [`json::read_body`] reads the body as one of [`wire`]'s request types, so that the contract stands in `wire` alone.
//! 5. [`response`] makes the answer, [`AllowedOrigins`] lets a page read it, and [`ProxyResponse`] is what API Gateway
//!    takes.
//!
//! A request without an account has an upload link, which [`Links`] makes and reads.
//!
//! [`Environment`] is where time, credentials and chance come in, so that a test can fix them. [`Bucket`], [`key`] and
//! [`MediaType`] are what both functions mean by a bucket's address, a key and a type.
//!
//! Nothing here opens a connection but to the execution environment's own addresses: the Runtime API and the extension
//! that reads parameters.

#![warn(missing_docs)]

mod bucket;
mod caller;
mod cors;
mod encoding;
mod environment;
mod event;
pub mod json;
pub mod key;
mod link;
mod local_http;
mod log;
mod media_type;
mod object;
mod origin_secret;
pub mod parameter;
pub mod partition;
pub mod response;
pub mod runtime;
pub mod settings;

pub use bucket::Bucket;
pub use caller::{Caller, Principal};
pub use cors::AllowedOrigins;
pub use encoding::percent_encode;
pub use environment::{Environment, LambdaEnvironment, variable};
pub use event::Request;
pub use link::{LinkGrant, LinkSecret, Links, new_link};
pub use log::{json_log, timestamp};
pub use media_type::{AllowedTypes, MediaType};
pub use origin_secret::OriginSecret;
pub use response::ProxyResponse;
pub use settings::{Deployment, SettingError};
