//! The headers that a bucket's CORS configuration has to name: those that the page's requests to S3 carry, and those
//! of S3's answers that the page reads (Fetch Standard, "CORS protocol").
//!
//! They stand here once. The template, the help page, the documentation, the set-up check and the development stack
//! are made from these lists or tested against them.

/// The identifier of a part's or an object's bytes. CompleteMultipartUpload has to name it for every part (Amazon S3
/// API Reference, CompleteMultipartUpload).
pub const ETAG: &str = "ETag";

/// S3's identifier of one request, which AWS Support asks for (Amazon S3 User Guide, "Getting Amazon S3 request IDs for
/// AWS Support").
pub const REQUEST_ID: &str = "x-amz-request-id";

/// What keeps a PutObject or a CompleteMultipartUpload from replacing an object (Amazon S3 User Guide, "How to prevent
/// object overwrites with conditional writes").
pub const IF_NONE_MATCH: &str = "if-none-match";

/// What says of a CreateMultipartUpload which checksum its parts have (Amazon S3 API Reference, CreateMultipartUpload).
pub const CHECKSUM_ALGORITHM: &str = "x-amz-checksum-algorithm";

/// The headers that the page reads of S3's answers: `ExposeHeaders` of the bucket's CORS configuration.
pub const EXPOSED_HEADERS: [&str; 2] = [ETAG, REQUEST_ID];

/// The headers that the signing Lambda signs and the page has to send, in all requests to S3 together, whatever the
/// settings: the least that `AllowedHeaders` of the bucket's CORS configuration has to have.
///
/// `host` and `content-length` are signed too. They are not in the list because a browser writes them itself and CORS
/// does not ask about them.
pub const SIGNED_HEADERS: [&str; 8] = [
    "content-type",
    "content-disposition",
    IF_NONE_MATCH,
    "x-amz-checksum-sha256",
    CHECKSUM_ALGORITHM,
    "x-amz-checksum-type",
    "x-amz-mp-object-size",
    "x-amz-meta-filename",
];

/// The headers that are signed as well when the settings `SSE_KMS_KEY_ID` (the first two) and `OBJECT_TAGS` (the last)
/// ask for them.
pub const STORAGE_HEADERS: [&str; 3] = [
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-tagging",
];
