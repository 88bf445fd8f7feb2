//! What the production stack permits, what it consists of, and what it does when it is deployed.

mod alarms;
mod consistency;
mod cors;
mod deploy_check;
mod deployment;
mod documentation;
mod function_settings;
mod linters;
mod ministack;
mod observability;
mod page_policy;
mod parameters;
mod permissions;
mod rehearsal;
mod rendering;
mod second_judge;
mod sign_in;
mod signing;
