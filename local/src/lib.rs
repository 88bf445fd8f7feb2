//! The development stack: on 127.0.0.1, in one process, what the page finds on AWS.
//!
//! - A strict S3 ([`Stack::s3_url`]) that keeps objects as plain files. `s3` has the protocol: s3s
//!   parses requests and verifies signatures, and what s3s lets through is refused around it (`edge`,
//!   `authorization`, `access`, `cors`). `storage` has the files.
//! - API Gateway's part ([`Stack::api_url`]): `gateway` makes each HTTP request an event of payload
//!   format 2.0, `lambda` runs the Lambda's real handler on it.
//! - [`Controls`], with which tests make faults and see what happened.

mod controls;
mod gateway;
mod lambda;
mod s3;
mod server;
mod stack;
mod storage;

pub use controls::{Controls, RecordedRequest};
pub use s3::{
    OWNER_ACCESS_KEY_ID, OWNER_SECRET_ACCESS_KEY, ROLE_ACCESS_KEY_ID, ROLE_SECRET_ACCESS_KEY,
    ROLE_SESSION_TOKEN,
};
pub use stack::{BUCKET, REGION, Stack, StackOptions};
