//! A strict S3: s3s for the protocol, the rules that s3s does not have, and objects as plain files.

mod access;
mod authorization;
mod body;
mod bucket;
mod claim;
mod complete;
mod failure;
mod frontend;
mod headers;
mod multipart;
mod objects;
mod operations;
mod post_object;
mod receive;
mod request_head;
mod s3s_failure;
mod signature;
mod tagging;
mod upload_locks;

pub(crate) use access::Access;
pub(crate) use bucket::Bucket;
pub(crate) use frontend::S3Frontend;
pub(crate) use tagging::{HEADER as TAGGING_HEADER, tagging_header, tags_of};
