//! The API as API Gateway sees it: recorded events in, HTTP answers out.

mod support;

mod audit;
mod http;
mod links;
mod malformed;
mod manifests;
mod openapi;
mod parameter;
mod presign;
mod refusals;
mod sign;
mod uploads;
