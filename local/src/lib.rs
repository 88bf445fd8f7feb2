//! The development stack: on 127.0.0.1, in one process, what the page finds on AWS.
//!
//! - A strict S3 ([`Stack::s3_url`]) that keeps objects as plain files. `s3` has the protocol: s3s
//!   parses requests and verifies signatures, and what s3s lets through is refused around it (`edge`,
//!   `authorization`, `access`, `cors`). `storage` has the files.
//! - API Gateway's part ([`Stack::api_url`]): `gateway` makes each HTTP request an event of payload
//!   format 2.0, `lambda` runs the Lambda on it: its real handler in this process, or its real program
//!   by the protocol of the Lambda service ([`FunctionProcess`], `runtime_api`). With [`AuthorizerOptions`]
//!   it lets nobody pass without a token of an OpenID Connect issuer.
//! - The function that looks at what was stored: `notifications` tells it of every new object, and
//!   `verdict_store` shows it the files. The API's `POST /verdicts` is its own.
//! - [`Controls`], with which tests make faults and see what happened.

mod controls;
mod function_process;
mod gateway;
mod lambda;
mod notifications;
mod runtime_api;
mod s3;
mod server;
mod stack;
mod storage;
mod verdict_store;

pub use controls::{Controls, RecordedRequest};
pub use function_process::{FunctionError, FunctionOptions, FunctionProcess, LineSink};
pub use gateway::AuthorizerOptions;
pub use s3::{
    OWNER_ACCESS_KEY_ID, OWNER_SECRET_ACCESS_KEY, ROLE_ACCESS_KEY_ID, ROLE_SECRET_ACCESS_KEY,
    ROLE_SESSION_TOKEN,
};
pub use stack::{BUCKET, REGION, Stack, StackOptions};
