//! The function, given events as S3 and API Gateway send them.

mod api;
mod notifications;
mod over_http;
mod program;
mod support;
