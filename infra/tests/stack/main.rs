//! What the production stack allows, what it is made of, and what it does once it is deployed.

mod cors;
mod deployment;
mod documentation;
mod function_settings;
mod linters;
mod ministack;
mod page_policy;
mod parameters;
mod permissions;
mod rehearsal;
mod rendering;
mod sign_in;
mod signing;
