//! The Lambda that signs upload URLs.
//!
//! It only signs: it has no S3 client and sees no file, and opens no connection but to the Lambda service and its
//! extensions inside the execution environment. What it shares with the other function, from events to settings, is in
//! [`lambda_api`]. [`Function`] reads its own settings (`settings`). A request goes this way:
//!
//! 1. [`Backend::handle`] (`handler`) reads the event, finds the route, and checks the method.
//! 2. The module of the route (`presign_get`, `plan`, `sign`, `manifest`, `links`) reads the body as a request type of
//!    [`wire`], checks it, and chooses the object's key (`key`, `safe_name`) and the request to S3 (`s3_request`,
//!    `storage_options`).
//! 3. The `issuer` signs that request (`presign`), without what another `service` refuses, and writes the line of the
//!    `audit`, so that no URL leaves without one and without being counted (`metrics`). It is the only way to a
//!    signature.
//! 4. The handler makes the answer: what was signed, or a typed error.

mod audit;
mod function;
mod handler;
mod issuer;
mod key;
mod links;
mod manifest;
mod metrics;
mod plan;
mod presign;
mod presign_get;
mod s3_request;
mod safe_name;
mod service;
mod settings;
mod sign;
mod storage_options;

pub use function::Function;
pub use handler::Backend;
pub use settings::Settings;
