//! The production stack's template as AWS reads it, so that tests can check what the stack will do.
//!
//! - [`Template`] reads `template.yaml` and renders it for the values of its parameters: it evaluates conditions and
//!   intrinsic functions, as CloudFormation does.
//! - [`decide`] decides on a [`Request`] by the policies in it, as IAM does.
//! - [`page_file`] says how each file of the page is served, there and elsewhere.

mod condition;
mod functions;
pub mod page_file;
mod policy;
mod request;
mod template;

pub use policy::{Decision, Policies, Policy, decide};
pub use request::Request;
pub use template::{Rendering, Template};
