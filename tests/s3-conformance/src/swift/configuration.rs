//! Swift's configuration files (Swift documentation, "Deployment Guide" and "S3/Swift REST API
//! Comparison").

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use local::REGION;
use nix::unistd::{User, geteuid};

use super::SwiftOptions;
use crate::requests::ANSWERED;

/// The kinds of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Account,
    Container,
    Object,
    Proxy,
}

impl Kind {
    /// The name that Swift's programs and files have.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Container => "container",
            Self::Object => "object",
            Self::Proxy => "proxy",
        }
    }
}

/// The filter that allows origins to read every answer.
pub(super) const ALLOW_ORIGIN: &str = include_str!("allow_origin.py");

/// The headers that a page may read.
const EXPOSED: &str = "etag, x-amz-request-id, x-amz-id-2, date";

/// How long a server waits for another one, in seconds.
const PATIENCE_SECONDS: u32 = 60;

/// The device of every storage server, below its own folder.
pub(super) const DEVICE: &str = "disk";

/// Where the files are.
pub(super) struct Layout {
    folder: PathBuf,
}

impl Layout {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Where the configuration files and the rings are.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What all servers share.
    pub(super) fn common(&self) -> PathBuf {
        self.folder.join("swift.conf")
    }

    /// The filter that allows origins to read every answer.
    pub(super) fn allow_origin(&self) -> PathBuf {
        self.folder.join("allow_origin.py")
    }

    /// The configuration of one server.
    pub(super) fn server(&self, kind: Kind, number: usize) -> PathBuf {
        self.folder.join(format!("{}-{number}.conf", kind.name()))
    }

    /// The device of a storage server.
    pub(super) fn device(&self, kind: Kind, number: usize) -> PathBuf {
        self.devices(kind, number).join(DEVICE)
    }

    fn devices(&self, kind: Kind, number: usize) -> PathBuf {
        self.folder.join(format!("{}-{number}", kind.name()))
    }
}

/// `swift.conf`
pub(super) fn common() -> String {
    "[swift-hash]\n\
     swift_hash_path_prefix = slipway\n\
     swift_hash_path_suffix = slipway\n\
     [storage-policy:0]\n\
     name = replicated\n\
     default = yes\n"
        .to_owned()
}

/// The configuration of an account, container or object server.
pub(super) fn storage(layout: &Layout, kind: Kind, number: usize, port: u16) -> Result<String> {
    let name = kind.name();
    let devices = layout.devices(kind, number);
    Ok(format!(
        "{}\
         devices = {}\n\
         mount_check = false\n\
         [pipeline:main]\n\
         pipeline = {name}-server\n\
         [app:{name}-server]\n\
         use = egg:swift#{name}\n",
        defaults(layout, port)?,
        devices.display()
    ))
}

/// The configuration of the proxy server. Its S3 front finds users by tempauth, and takes as many parts
/// as Amazon S3 does.
pub(super) fn proxy(
    layout: &Layout,
    options: &SwiftOptions,
    users: &[((&str, &str), &str)],
    port: u16,
) -> Result<String> {
    let origins = options.allowed_origins.join(",");
    let users: String = users
        .iter()
        .map(|((id, secret), groups)| format!("user_{} = {secret} {groups}\n", id.replace(':', "_")))
        .collect();
    Ok(format!(
        "{}\
         client_timeout = {client_timeout}\n\
         [pipeline:main]\n\
         pipeline = catch_errors {allow_origin} gatekeeper proxy-logging listing_formats s3api tempauth copy dlo slo versioned_writes proxy-server\n\
         {filters}\
         [filter:proxy-logging]\n\
         use = egg:swift#proxy_logging\n\
         log_msg_template = {ANSWERED} {{method}} {{path}} {{status_int}}\n\
         [filter:allow_origin]\n\
         paste.filter_factory = allow_origin:filter_factory\n\
         origins = {origins}\n\
         exposed = {EXPOSED}\n\
         [filter:s3api]\n\
         use = egg:swift#s3api\n\
         location = {REGION}\n\
         max_upload_part_num = 10000\n\
         cors_preflight_allow_origin = {origins}\n\
         [filter:tempauth]\n\
         use = egg:swift#tempauth\n\
         {users}\
         [app:proxy-server]\n\
         use = egg:swift#proxy\n\
         account_autocreate = yes\n\
         cors_allow_origin = {origins}\n\
         cors_expose_headers = {EXPOSED}\n",
        defaults(layout, port)?,
        allow_origin = if options.all_answers_allowed {
            "allow_origin"
        } else {
            ""
        },
        client_timeout = options.client_timeout.as_secs_f64(),
        filters = PLAIN_FILTERS
            .map(|name| format!("[filter:{name}]\nuse = egg:swift#{name}\n"))
            .concat(),
    ))
}

/// The filters that need no setting.
const PLAIN_FILTERS: [&str; 7] = [
    "catch_errors",
    "gatekeeper",
    "listing_formats",
    "copy",
    "dlo",
    "slo",
    "versioned_writes",
];

/// The settings of every server. Without workers it serves in the process that was started, so that ending
/// the process ends the server. It waits for the others for as long as a busy machine may need, since the
/// daemons that would finish what it gives up do not run here.
fn defaults(layout: &Layout, port: u16) -> Result<String> {
    let user = User::from_uid(geteuid())?.context("this process's user has no name")?;
    Ok(format!(
        "[DEFAULT]\n\
         bind_ip = 127.0.0.1\n\
         bind_port = {port}\n\
         workers = 0\n\
         user = {}\n\
         swift_dir = {}\n\
         fallocate_reserve = 0\n\
         conn_timeout = {PATIENCE_SECONDS}\n\
         node_timeout = {PATIENCE_SECONDS}\n\
         container_update_timeout = {PATIENCE_SECONDS}\n",
        user.name,
        layout.folder().display()
    ))
}
