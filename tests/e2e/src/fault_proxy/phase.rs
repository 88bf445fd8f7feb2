//! What a request is for.

use std::fmt::{self, Display};

use http::{Method, Uri};

/// A step of an upload, named for the request that makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// `POST /uploads`.
    Plan,
    /// `POST /sign`.
    Sign,
    /// A preflight (Fetch standard, "CORS protocol") of a request to S3.
    Preflight,
    /// PutObject.
    Put,
    /// UploadPart.
    Part,
    /// CreateMultipartUpload.
    Create,
    /// CompleteMultipartUpload.
    Complete,
    /// ListParts.
    List,
    /// AbortMultipartUpload.
    Abort,
    /// A request to the OpenID Connect provider's token endpoint (RFC 6749, section 3.2).
    Token,
}

/// Which server a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    S3,
    Api,
    Issuer,
}

impl Phase {
    /// Those of a file, in the order in which it goes through them.
    pub const ALL: [Self; 9] = [
        Self::Plan,
        Self::Sign,
        Self::Preflight,
        Self::Put,
        Self::Part,
        Self::Create,
        Self::Complete,
        Self::List,
        Self::Abort,
    ];

    /// The phase of a request; `None` if the page makes no such request, or it is a preflight of the
    /// API.
    pub(super) fn of(service: Service, method: &Method, uri: &Uri) -> Option<Self> {
        let query = uri.query().unwrap_or_default();
        let has = |name: &str| {
            let mut fields = query.split('&');
            fields.any(|field| field.split('=').next() == Some(name))
        };
        match (service, method.as_str()) {
            (Service::Api, "POST") if uri.path().ends_with("/uploads") => Some(Self::Plan),
            (Service::Api, "POST") if uri.path().ends_with("/sign") => Some(Self::Sign),
            (Service::Api, _) => None,
            (Service::Issuer, "POST") if uri.path().ends_with("/token") => Some(Self::Token),
            (Service::Issuer, _) => None,
            (Service::S3, "OPTIONS") => Some(Self::Preflight),
            (Service::S3, "PUT") if has("partNumber") => Some(Self::Part),
            (Service::S3, "PUT") => Some(Self::Put),
            (Service::S3, "POST") if has("uploads") => Some(Self::Create),
            (Service::S3, "POST") if has("uploadId") => Some(Self::Complete),
            (Service::S3, "GET") if has("uploadId") => Some(Self::List),
            (Service::S3, "DELETE") if has("uploadId") => Some(Self::Abort),
            (Service::S3, _) => None,
        }
    }
}

impl Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Plan => "plan",
            Self::Sign => "sign",
            Self::Preflight => "preflight",
            Self::Put => "put",
            Self::Part => "part",
            Self::Create => "create",
            Self::Complete => "complete",
            Self::List => "list",
            Self::Abort => "abort",
            Self::Token => "token",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_of_the_page_has_its_phase() {
        for (service, method, target, phase) in [
            (Service::Api, Method::POST, "/uploads", Some(Phase::Plan)),
            (Service::Api, Method::POST, "/sign", Some(Phase::Sign)),
            (Service::Api, Method::OPTIONS, "/sign", None),
            (Service::Issuer, Method::POST, "/token", Some(Phase::Token)),
            (
                Service::Issuer,
                Method::GET,
                "/.well-known/openid-configuration",
                None,
            ),
            (
                Service::S3,
                Method::OPTIONS,
                "/b/k?partNumber=1&uploadId=u",
                Some(Phase::Preflight),
            ),
            (Service::S3, Method::PUT, "/b/k?X-Amz-Date=d", Some(Phase::Put)),
            (
                Service::S3,
                Method::PUT,
                "/b/k?partNumber=1&uploadId=u",
                Some(Phase::Part),
            ),
            (
                Service::S3,
                Method::POST,
                "/b/k?uploads=&X-Amz-Date=d",
                Some(Phase::Create),
            ),
            (Service::S3, Method::POST, "/b/k?uploads", Some(Phase::Create)),
            (
                Service::S3,
                Method::POST,
                "/b/k?uploadId=u",
                Some(Phase::Complete),
            ),
            (Service::S3, Method::GET, "/b/k?uploadId=u", Some(Phase::List)),
            (Service::S3, Method::DELETE, "/b/k?uploadId=u", Some(Phase::Abort)),
            (Service::S3, Method::GET, "/b/k", None),
        ] {
            let uri = target.parse().expect("a target");
            assert_eq!(Phase::of(service, &method, &uri), phase, "{method} {target}");
        }
    }
}
