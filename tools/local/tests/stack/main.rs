//! The development stack over real sockets, with requests signed by the AWS SDK's own signer.

mod cors;
mod crash;
mod forms;
mod gateway;
mod links;
mod multipart;
mod objects;
mod refusals;
mod support;
mod tampering;
mod verdicts;
