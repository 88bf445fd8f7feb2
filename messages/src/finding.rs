//! What the check of a set-up found.

use serde::{Deserialize, Serialize};

/// One thing that the check of a set-up found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// The facts, in English, for whoever runs the page; empty where there is nothing to add.
    pub details: String,
    /// The configuration that puts it right, to be pasted as it is; empty where no configuration does.
    pub paste: String,
}

/// What the check of a set-up can find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FindingKind {
    /// Everything that an upload needs works.
    AllRight,
    /// The API gave no answer.
    ApiUnreachable,
    /// The API does not let the page read its answers.
    ApiCors,
    /// The API failed, or asked to be left alone for a while.
    ApiBusy,
    /// What answers at the API's address does not speak its language.
    ApiUnexpectedAnswer,
    /// The API wants somebody to sign in.
    NotSignedIn,
    /// The API refused.
    ApiRefused,
    /// S3 gave no answer.
    S3Unreachable,
    /// Nothing answers at the bucket's second endpoint, and uploads go on by the first one alone.
    SecondEndpointUnreachable,
    /// The bucket's CORS configuration refuses a request that the page needs.
    BucketCors,
    /// The bucket's CORS configuration hides headers that the page reads.
    HeadersHidden,
    /// The requests are signed for another region than the bucket's.
    WrongRegion,
    /// The API's clock is not S3's.
    ClockSkewed,
    /// What the API signed had expired, though its clock is right.
    Expired,
    /// The API's role may not do what it signs.
    AccessDenied,
    /// The API's credentials are wrong.
    SignatureRefused,
    /// There is no bucket of that name.
    BucketMissing,
    /// S3 failed, or asked to be left alone for a while.
    S3Busy,
    /// What answers at S3's address does not speak its language.
    S3UnexpectedAnswer,
    /// S3 refused for another reason.
    S3Refused,
}

impl FindingKind {
    /// The name of its words in `languages/`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AllRight => "setupRight",
            Self::ApiUnreachable => "apiUnreachable",
            Self::ApiCors => "apiCors",
            Self::ApiBusy => "apiBusy",
            Self::ApiUnexpectedAnswer => "apiUnexpectedAnswer",
            Self::NotSignedIn => "notSignedIn",
            Self::ApiRefused => "apiRefused",
            Self::S3Unreachable => "s3Unreachable",
            Self::SecondEndpointUnreachable => "secondEndpointUnreachable",
            Self::BucketCors => "bucketCors",
            Self::HeadersHidden => "headersHidden",
            Self::WrongRegion => "wrongRegion",
            Self::ClockSkewed => "clockSkewed",
            Self::Expired => "expired",
            Self::AccessDenied => "accessDenied",
            Self::SignatureRefused => "signatureRefused",
            Self::BucketMissing => "bucketMissing",
            Self::S3Busy => "s3Busy",
            Self::S3UnexpectedAnswer => "s3UnexpectedAnswer",
            Self::S3Refused => "s3Refused",
        }
    }
}
