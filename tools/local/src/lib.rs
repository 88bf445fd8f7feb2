//! The development stack: on 127.0.0.1, in one process, what the page finds on AWS.
//!
//! - A strict S3 ([`Stack::s3_url`]) that keeps objects as plain files. In `s3`, s3s parses requests and verifies
//!   signatures, and the modules around it (`frontend`, `authorization`, `access`) refuse what s3s lets
//!   through. `storage` has the files, and `bucket_cors` and `checksum` the rules that need no request.
//! - API Gateway ([`Stack::api_url`]): `gateway` makes an event of payload format 2.0 from each HTTP request, and
//!   `lambda` runs the Lambda on it: its handler in this process, or its program by the protocol of the
//!   Lambda service ([`FunctionProcess`], `runtime_api`). With [`AuthorizerOptions`] it admits nobody without
//!   a token of an OpenID Connect issuer, or an upload link.
//! - The function that looks at stored objects: `notifications` sends it an event for every new object, and
//!   `verdict_store` lets it read the files. It also answers the API's `POST /verdicts` and `/link/verdicts`.
//! - [`Standalone`]: page and API in one program for any other S3, for those who have no AWS Lambda.
//! - [`Controls`], with which tests make faults and observe requests.

mod account;
mod bucket_cors;
mod checksum;
mod controls;
mod function_process;
mod gateway;
mod lambda;
mod notifications;
mod runtime_api;
mod s3;
mod server;
mod stack;
mod standalone;
mod storage;
mod verdict_store;

pub use account::{
    BUCKET, LINK_SECRET, OWNER_ACCESS_KEY_ID, OWNER_SECRET_ACCESS_KEY, REGION, ROLE_ACCESS_KEY_ID,
    ROLE_SECRET_ACCESS_KEY, ROLE_SESSION_TOKEN,
};
pub use controls::{Controls, HeldCompletions, RecordedRequest};
pub use function_process::{FunctionError, FunctionOptions, FunctionProcess, LineSink};
pub use gateway::AuthorizerOptions;
pub use stack::{Stack, StackOptions};
pub use standalone::{SignInOptions, Standalone, StandaloneOptions};
