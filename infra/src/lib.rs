//! The production stack's template as AWS reads it, so that tests can say what the stack will do.
//!
//! - [`Template`] reads `template.yaml`, and renders it for the values of its parameters: conditions
//!   decided and intrinsic functions carried out, as CloudFormation does.
//! - [`Policy`] and [`decide`] judge a [`Request`] by the policies in it, as IAM does.

mod condition;
mod functions;
mod policy;
mod template;

pub use policy::{Decision, Policies, Policy, Request, decide};
pub use template::{Rendering, Template};
