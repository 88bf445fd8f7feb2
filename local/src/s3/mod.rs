//! A strict S3: s3s for the protocol, the rules that s3s does not know, and objects as plain files.

mod access;
mod authorization;
mod body;
pub(crate) mod checksum;
mod complete;
mod cors;
mod edge;
mod failure;
mod multipart;
mod objects;
mod operations;
mod receive;
mod signature;
mod tagging;

pub(crate) use access::Access;
pub use access::{
    OWNER_ACCESS_KEY_ID, OWNER_SECRET_ACCESS_KEY, ROLE_ACCESS_KEY_ID, ROLE_SECRET_ACCESS_KEY,
    ROLE_SESSION_TOKEN,
};
pub(crate) use cors::{CorsConfiguration, matches as allows_origin};
pub(crate) use edge::Edge;
pub(crate) use operations::Operations;
pub(crate) use tagging::{HEADER as TAGGING_HEADER, tags_of, written as written_tags};
