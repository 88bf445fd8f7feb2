//! Where the probe goes.

use wire::SignedRequest;

use super::configuration;

/// Where the probe goes, as read from a request that the API signed.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) origin: String,
    /// S3's origin.
    pub(super) storage: String,
    pub(super) bucket: String,
    /// The folder of every key, with a slash at its end, or empty.
    pub(super) prefix: String,
    /// The region that the requests are signed for.
    pub(super) region: String,
    /// The names of the headers that are signed for this deployment.
    signed_headers: Vec<String>,
    /// The API's clock, in seconds since 1970.
    pub(super) server_time: u64,
}

impl Place {
    /// Reads it from a request for this key.
    pub(super) fn of(request: &SignedRequest, key: &str, server_time: u64, origin: String) -> Self {
        let url = request.url.as_str();
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let in_path = path.split(['/', '?']).next().unwrap_or_default();
        // A bucket's name may have dots, so Amazon's part starts at the last ".s3".
        let bucket = host.rfind(".s3").map_or(in_path, |end| &host[..end]);
        let credential = url.split_once("X-Amz-Credential=").map(|(_, rest)| rest);
        let region = credential.and_then(|credential| credential.split("%2F").nth(2));
        // A key is `<prefix>/<principal>/<uuid>/<name>`.
        let prefix = key.rsplitn(4, '/').nth(3);
        Self {
            origin,
            storage: [scheme, "://", host].concat(),
            bucket: bucket.to_owned(),
            prefix: prefix.map(|prefix| [prefix, "/"].concat()).unwrap_or_default(),
            region: region.unwrap_or_default().to_owned(),
            signed_headers: request.headers.keys().cloned().collect(),
            server_time,
        }
    }

    /// The CORS configuration that the bucket needs.
    pub(super) fn cors(&self) -> String {
        configuration::bucket_cors(&self.origin, &self.signed_headers)
    }
}
