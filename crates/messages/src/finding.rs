//! What the set-up check reports.

use serde::{Deserialize, Serialize};

/// One thing that the set-up check reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was found.
    pub kind: FindingKind,
    /// The facts, in English, for whoever runs the page; empty if there is nothing to add.
    pub details: String,
    /// The configuration that fixes it, to be pasted as it is; empty if no configuration does.
    pub paste: String,
}

impl Finding {
    /// A finding with its details and what to paste, both of which may be empty.
    pub fn new(kind: FindingKind, details: impl Into<String>, paste: impl Into<String>) -> Self {
        Self {
            kind,
            details: details.into(),
            paste: paste.into(),
        }
    }
}

/// What the set-up check can find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FindingKind {
    /// Everything that an upload needs works.
    AllRight,
    /// The API did not answer.
    ApiUnreachable,
    /// The API does not let the page read its answers.
    ApiCors,
    /// The API failed, or asked for fewer requests.
    ApiBusy,
    /// Something other than the API answers at its address.
    ApiUnexpectedAnswer,
    /// The API requires the user to sign in.
    NotSignedIn,
    /// The API refused the request.
    ApiRefused,
    /// S3 did not answer.
    S3Unreachable,
    /// The bucket's second endpoint does not answer; uploads use the first one alone.
    SecondEndpointUnreachable,
    /// The bucket's CORS configuration refuses a request that the page needs.
    BucketCors,
    /// The bucket's CORS configuration hides headers that the page reads.
    HeadersHidden,
    /// The requests are signed for a region that is not the bucket's.
    WrongRegion,
    /// The clocks of the API and S3 differ.
    ClockSkewed,
    /// What the API signed had expired, though its clock is right.
    Expired,
    /// The API's role may not do what the API signs.
    AccessDenied,
    /// The API's credentials are wrong.
    SignatureRefused,
    /// There is no bucket with that name.
    BucketMissing,
    /// S3 failed, or asked for fewer requests.
    S3Busy,
    /// Something other than S3 answers at its address.
    S3UnexpectedAnswer,
    /// S3 refused for another reason.
    S3Refused,
}
