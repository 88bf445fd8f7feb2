//! Which S3 service it is, as far as that shows, and which settings it needs.

/// A service, by what its name or its error documents have.
struct Service {
    name: &'static str,
    /// What the host's name ends with.
    host: &'static str,
    /// What its error documents have, and no other's.
    says: &'static str,
    /// What the Lambda has to be set to for it.
    settings: &'static str,
}

/// docs/other-s3.md says where each of this is from.
const SERVICES: [Service; 8] = [
    service(
        "Cloudflare R2",
        ".r2.cloudflarestorage.com",
        "",
        "PART_SIZES=constant\nCHECKSUMS=off",
    ),
    service("Backblaze B2", ".backblazeb2.com", "", ""),
    service("DigitalOcean Spaces", ".digitaloceanspaces.com", "", ""),
    service("Google Cloud Storage", "storage.googleapis.com", "", ""),
    service("Wasabi", ".wasabisys.com", "", ""),
    service("LocalStack", ".localstack.cloud", "", ""),
    service("Garage", "", "<Region>garage</Region>", ""),
    service("MinIO", "", MINIO_HOST_ID, ""),
];

/// The id that one MinIO server has of itself: the SHA-256 of nothing.
const MINIO_HOST_ID: &str =
    "<HostId>dd9025bab4ad464b049177c95eb6ebf374d3b3fd1af9251148b658df7ac2e3e8</HostId>";

const fn service(
    name: &'static str,
    host: &'static str,
    says: &'static str,
    settings: &'static str,
) -> Service {
    Service {
        name,
        host,
        says,
        settings,
    }
}

/// The name of the service at this address that answered with this document, and the settings that it needs.
pub(super) fn known(storage: &str, document: &str) -> Option<(&'static str, &'static str)> {
    let host = host_of(storage);
    let service = SERVICES.iter().find(|service| {
        let has_host = !service.host.is_empty() && host.ends_with(service.host);
        has_host || !service.says.is_empty() && document.contains(service.says)
    })?;
    Some((service.name, service.settings))
}

/// What to set for a service that does not implement something, by what it says of that and by the names of the headers
/// that were sent.
pub(super) fn missing_feature(said: &str, sent: &[&str]) -> Option<&'static str> {
    let said = said.to_ascii_lowercase();
    let is_named = |header: &str| said.contains(header);
    let is_sent = |header: &str| sent.iter().any(|name| name.starts_with(header));
    if is_named("checksum") {
        Some("CHECKSUMS=off")
    } else if is_named("if-none-match") || is_sent("if-none-match") {
        Some("CONDITIONAL_WRITES=off")
    } else {
        is_sent("x-amz-checksum-").then_some("CHECKSUMS=off")
    }
}

/// How near an address is to the machine (Local Network Access, "IP address space").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Space {
    Loopback,
    Local,
    Public,
}

/// Whether a page has to be allowed by its user to reach the storage, since that is nearer than where the page is from.
pub(super) fn asks_for_local_network(page: &str, storage: &str) -> bool {
    space_of(host_of(storage)) < space_of(host_of(page))
}

/// The host in a URL, without its port.
fn host_of(url: &str) -> &str {
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    match authority.split_once(']') {
        Some((address, _)) => address.trim_start_matches('['),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn space_of(host: &str) -> Space {
    use std::net::IpAddr;
    let is_named = |endings: &[&str]| endings.iter().any(|ending| host.ends_with(ending));
    match host.parse() {
        Ok(IpAddr::V4(address)) if address.is_loopback() => Space::Loopback,
        Ok(IpAddr::V6(address)) if address.is_loopback() => Space::Loopback,
        Ok(IpAddr::V4(address)) if address.is_private() || address.is_link_local() => Space::Local,
        Ok(IpAddr::V6(address)) if address.is_unique_local() || address.is_unicast_link_local() => {
            Space::Local
        }
        Ok(_) => Space::Public,
        Err(_) if host == "localhost" || host.ends_with(".localhost") => Space::Loopback,
        Err(_) if !host.contains('.') || is_named(&[".local", ".lan", ".internal", ".home.arpa"]) => {
            Space::Local
        }
        Err(_) => Space::Public,
    }
}
